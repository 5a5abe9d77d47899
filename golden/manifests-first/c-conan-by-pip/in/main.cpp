#include <fmt/core.h>
int main() { fmt::print("open\n"); }
