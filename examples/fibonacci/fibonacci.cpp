// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

int main(int argc, char **argv)
{
    const std::vector<std::string> arguments(argv, argv + argc);
    const auto count = std::min(arguments.size() > 1 ? std::stoul(arguments[1]) : 10, 94ul);
    std::uint64_t number = 0, next = 1;
    for (auto i = 0ul; i < count; i++) {
        std::cout << number << '\n';
        number = std::exchange(next, number + next);
    }
}
