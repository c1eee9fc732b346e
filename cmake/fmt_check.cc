// SPDX-License-Identifier: Apache-2.0
// Links when cmake/fmt.cc has what our uses of {fmt} need.
#include <ctime>
#include <iterator>
#include <string>

#include <fmt/chrono.h>
#include <fmt/format.h>

int main() {
  std::string text;
  fmt::format_to(std::back_inserter(text), "{:>8} {:.2f} {} {:#x}", "a", 1.5, 2.5F, 255);
  text += fmt::format("{:%Y-%m-%d %H:%M:%S} {:L}", std::tm{}, 1000000);
  return text.empty() ? 1 : 0;
}
