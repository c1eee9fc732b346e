// SPDX-License-Identifier: Apache-2.0
// Reading and writing registers one by one, through a call of the framework that is given as
// get(number, value) or set(number, value) and named in errors.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/vcpu_state.h"
#include "hvf/error.h"

namespace kindling::hvf {

using RegisterName = std::string (*)(u32 number);

// Those of `numbers` that the framework has.
template <typename Get>
Result<std::vector<arch::RegisterValue>>
read_existing(std::span<const u32> numbers, std::string_view call, RegisterName name, Get get) {
  std::vector<arch::RegisterValue> all;
  for (const u32 number : numbers) {
    uint64_t value = 0;
    const hv_return_t result = get(number, value);
    if (result == HV_BAD_ARGUMENT) {
      continue;
    }
    if (Status s = check(result, call); !s) {
      return s.error().with_context(name(number));
    }
    all.push_back({number, value});
  }
  return all;
}

template <typename Set>
Status write_registers(std::span<const arch::RegisterValue> registers, std::string_view call,
                       RegisterName name, Set set) {
  for (const auto& [number, value] : registers) {
    if (Status s = check(set(number, value), call); !s) {
      return s.error().with_context(name(number));
    }
  }
  return {};
}

// Only those that have another value: most have not changed, and writing some has the engine look
// at translation or interrupts anew.
template <typename Get, typename Set>
Status write_changed(std::span<const arch::RegisterValue> registers, std::string_view call,
                     RegisterName name, Get get, Set set) {
  return write_registers(registers, call, name, [&](u32 number, u64 value) {
    uint64_t present = 0;
    const bool same = get(number, present) == HV_SUCCESS && present == value;
    return same ? hv_return_t{HV_SUCCESS} : set(number, value);
  });
}

} // namespace kindling::hvf
