// SPDX-License-Identifier: Apache-2.0
// Instructions that `qemu-aarch64 -cpu max` has and the CPU profile of SoftHV leaves out. An
// encoding that SoftHV takes for unallocated has to be one of these, or unallocated in QEMU too.
#pragma once

#include <span>

#include "arch/types.h"

namespace softhv::difftest {

struct OutsideEncoding {
  u32 mask;
  u32 value;
  const char* feature;
};

// The encodings of features outside the profile, by the names of the Arm ARM (A2.2 onwards).
std::span<const OutsideEncoding> outside_profile();

// The feature that gives `word` a meaning outside the profile, or nullptr.
const char* outside_feature(u32 word);

} // namespace softhv::difftest
