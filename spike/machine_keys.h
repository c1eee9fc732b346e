// SPDX-License-Identifier: Apache-2.0
// The console's keys that stop a guest and take it back in time.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "spike/keys.h"
#include "vmm/machine.h"

namespace kindling::spike {

// `say` shows text on the console, whose lines end with "\r\n". The keys are used by one thread,
// and `machine` outlives them.
std::vector<Key> make_machine_keys(vmm::Machine& machine,
                                   std::function<void(std::string_view)> say);

// "1.5 MiB", "12 KiB".
std::string describe_bytes(u64 bytes);
// "350 ms", "2.4 s", "5 min".
std::string describe_age(std::chrono::steady_clock::duration age);

} // namespace kindling::spike
