// SPDX-License-Identifier: Apache-2.0
#include "spike/size.h"

#include <charconv>

namespace kindling::spike {

namespace {

// The number of bits that a unit shifts by; none for what is not a unit.
int unit_shift(std::string_view unit) {
  constexpr int kMega = 20;
  if (unit.empty()) {
    return kMega;
  }
  if (unit.size() > 1 && unit.substr(1) != "iB" && unit.substr(1) != "B") {
    return -1;
  }
  switch (unit[0]) {
  case 'k':
  case 'K': return 10;
  case 'm':
  case 'M': return kMega;
  case 'g':
  case 'G': return 30;
  default: return -1;
  }
}

} // namespace

Result<u64> parse_size(const std::string& text) {
  const Error wrong{"\"" + text + "\" is not a size; write 512M, 2G, or a number of MiB"};
  u64 number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number);
  const int shift = unit_shift({rest, static_cast<size_t>(end - rest)});
  if (failure != std::errc() || shift < 0 || number > ~0ULL >> shift) {
    return wrong;
  }
  return number << shift;
}

} // namespace kindling::spike
