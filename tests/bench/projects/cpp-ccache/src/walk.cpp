#include "walk.hpp"

#include <istream>
#include <regex>
#include <stdexcept>

Walk read_walk(const std::string& line) {
    static const std::regex shape(R"(\s*(\d{4}-\d{2}-\d{2}),([^,]+),([^,]+),(\d+):(\d{2}),(\d+)\s*m\s*)");
    std::smatch found;
    if (!std::regex_match(line, found, shape)) {
        throw std::runtime_error("not a walk: " + line);
    }
    Walk walk;
    walk.day = found[1];
    walk.place = found[2];
    walk.kilometres = kilometres(found[3]);
    walk.minutes = 60 * std::stoi(found[4]) + std::stoi(found[5]);
    walk.climb = std::stoi(found[6]);
    return walk;
}

std::vector<Walk> read_walks(std::istream& lines) {
    std::vector<Walk> walks;
    for (std::string line; std::getline(lines, line);) {
        if (!line.empty() && line[0] != '#') {
            walks.push_back(read_walk(line));
        }
    }
    return walks;
}
