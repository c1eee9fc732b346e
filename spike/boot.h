// SPDX-License-Identifier: Apache-2.0
// The program `boot`.
#pragma once

namespace kindling::spike {

// Exit statuses.
inline constexpr int kExitOk = 0;      // the guest powered off, or Ctrl-A x
inline constexpr int kExitFailure = 1; // anything else, with a line on standard error
inline constexpr int kExitUsage = 2;   // a wrong command line, likewise

int boot_main(int argc, const char* const* argv);

} // namespace kindling::spike
