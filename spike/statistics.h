// SPDX-License-Identifier: Apache-2.0
// What --stats prints.
#pragma once

#include <string>
#include <vector>

#include "arch/engine.h"

namespace kindling::spike {

// The lines of a table, without line ends: one for each statistic that is not zero, and ratios of
// those that are there.
std::vector<std::string> statistics_table(const std::vector<arch::Statistic>& statistics);

} // namespace kindling::spike
