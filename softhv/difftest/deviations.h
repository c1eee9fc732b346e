// SPDX-License-Identifier: Apache-2.0
// Where QEMU 7.2 (Debian 12) is known to differ from the Arm ARM.
#pragma once

#include "softhv/difftest/protocol.h"
#include "softhv/isa/table.h"

namespace softhv::difftest {

// Replaces in QEMU's outcome what QEMU gets wrong by what the Arm ARM demands; each correction
// touches only the bits concerned, and is written without the interpreter's code.
void correct_known_deviation(const isa::Row& row, const difftest_case& c, difftest_outcome& qemu);

} // namespace softhv::difftest
