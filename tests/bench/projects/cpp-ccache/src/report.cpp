#include "walk.hpp"

#include <algorithm>
#include <iomanip>
#include <map>
#include <sstream>

std::string report(const std::vector<Walk>& walks) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(1);
    std::map<int, double> seasons;
    for (const Walk& walk : walks) {
        seasons[season_of(walk.day)] += walk.kilometres;
    }
    for (const auto& [season, total] : seasons) {
        out << season_name(season) << ": " << total << " km\n";
    }
    if (!walks.empty()) {
        const auto longest = std::max_element(
            walks.begin(), walks.end(), [](const Walk& a, const Walk& b) { return a.kilometres < b.kilometres; });
        out << "the longest walk" << ": " << longest->place << ", " << longest->kilometres << " km\n";
    }
    return out.str();
}
