#include "walk.hpp"

#include <algorithm>
#include <iterator>
#include <regex>

std::vector<Walk> matching(const std::vector<Walk>& walks, const std::string& pattern) {
    const std::regex wanted(pattern, std::regex::icase);
    std::vector<Walk> found;
    std::copy_if(walks.begin(), walks.end(), std::back_inserter(found),
                 [&](const Walk& walk) { return std::regex_search(walk.place, wanted); });
    std::stable_sort(found.begin(), found.end(), [](const Walk& a, const Walk& b) { return a.day < b.day; });
    return found;
}
