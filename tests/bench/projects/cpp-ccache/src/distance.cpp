#include "walk.hpp"

#include <map>
#include <regex>
#include <stdexcept>

double kilometres(const std::string& text) {
    static const std::map<std::string, double> units{{"km", 1.0}, {"mi", 1.609344}, {"m", 0.001}};
    static const std::regex shape(R"(\s*(\d+(?:\.\d+)?)\s*(km|mi|m)\s*)");
    std::smatch found;
    if (!std::regex_match(text, found, shape)) {
        throw std::runtime_error("not a distance: " + text);
    }
    return std::stod(found[1]) * units.at(found[2]);
}
