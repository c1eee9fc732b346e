// SPDX-License-Identifier: Apache-2.0
#include "arch/engine.h"

#include <algorithm>

namespace kindling::arch {

void merge_statistics(std::vector<Statistic>& into, const std::vector<Statistic>& more) {
  for (const Statistic& one : more) {
    const auto at = std::find_if(into.begin(), into.end(),
                                 [&](const Statistic& known) { return known.name == one.name; });
    if (at == into.end()) {
      into.push_back(one);
    } else {
      at->value = one.peak ? std::max(at->value, one.value) : at->value + one.value;
    }
  }
}

} // namespace kindling::arch
