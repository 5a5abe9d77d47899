#pragma once

#include <iosfwd>
#include <string>
#include <vector>

// One walk: a line of the file.
struct Walk {
    std::string day;
    std::string place;
    double kilometres = 0;
    int minutes = 0;
    int climb = 0;
};

Walk read_walk(const std::string& line);
std::vector<Walk> read_walks(std::istream& lines);
double kilometres(const std::string& text);
int season_of(const std::string& day);
std::string season_name(int season);
std::vector<Walk> matching(const std::vector<Walk>& walks, const std::string& pattern);
std::string report(const std::vector<Walk>& walks);
