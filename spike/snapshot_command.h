// SPDX-License-Identifier: Apache-2.0
// The commands of `boot snapshot`.
#pragma once

namespace kindling::spike {

// argv[0] is "snapshot". Returns the exit status (spike/boot.h).
int snapshot_main(int argc, const char* const* argv);

} // namespace kindling::spike
