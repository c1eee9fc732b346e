// SPDX-License-Identifier: Apache-2.0
#include "vmm/testing/laps.h"

namespace kindling::vmm::testing {

namespace {
constexpr size_t kDigits = 16;
constexpr size_t kLineSize = 2 * kDigits + 2; // "L" and a newline
} // namespace

bool Laps::check(const std::string& printed) {
  for (size_t at = 0; at < printed.size(); at += kLineSize) {
    if (printed[at] != 'L') {
      return false;
    }
    if (printed.size() - at < kLineSize) {
      return true;
    }
    const std::string sum = printed.substr(at + 1 + kDigits, kDigits);
    if (sums_.try_emplace(printed.substr(at + 1, kDigits), sum).first->second != sum) {
      return false;
    }
  }
  return true;
}

} // namespace kindling::vmm::testing
