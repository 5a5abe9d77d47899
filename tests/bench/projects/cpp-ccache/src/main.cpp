#include "walk.hpp"

#include <exception>
#include <fstream>
#include <iostream>

int main(int count, char** arguments) {
    if (count < 2) {
        std::cerr << "usage: trails FILE [PATTERN]\n";
        return 2;
    }
    try {
        std::ifstream lines(arguments[1]);
        const auto walks = read_walks(lines);
        std::cout << report(count > 2 ? matching(walks, arguments[2]) : walks);
    } catch (const std::exception& error) {
        std::cerr << "trails: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
