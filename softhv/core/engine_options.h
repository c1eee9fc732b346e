// SPDX-License-Identifier: Apache-2.0
// How the vCPUs of a VM execute guest code. Fixed once the VM has a vCPU.
#pragma once

#include "arch/types.h"

namespace softhv {

enum class Engine : u8 { kInterpreter, kJit };

// How much of the host's instruction set the JIT makes use of.
enum class HostLevel : u8 {
  kBaseline, // SSE4.2 and CMPXCHG16B
  kAvx,      // and AVX, but nothing that came later
  kAll,      // whatever the host has
};

inline constexpr u64 kMinCodeCacheBytes = 1 << 20;
inline constexpr u64 kDefaultCodeCacheBytes = 128 << 20;

struct EngineOptions {
  Engine engine = Engine::kInterpreter;

  // The host tells of every change it makes to guest memory that may hold instructions
  // (hv_softhv_memory_changed), so that nothing has to be compared when the guest runs again.
  bool host_writes_announced = false;

  // What follows concerns the JIT; the interpreter ignores it.

  // Most host memory for translated code, in bytes; what was translated is dropped to stay below.
  u64 code_cache_bytes = kDefaultCodeCacheBytes;
  // Interpret every block as well, on a copy of the state, and stop the vCPU where they differ.
  bool lockstep = false;
  // For tests of that: the JIT takes this instruction word for a NOP. 0: none.
  u32 mistranslated = 0;
  // Rounds of loops after which the one that makes the next is translated again, better.
  u32 rounds_to_improve = 1000;
  // No more than the host has is used whatever this says.
  HostLevel host_level = HostLevel::kAll;
  // Tell perf the names of translated blocks (softhv/jit/perf_output.h).
  bool perf_map = false;
  bool jitdump = false;
};

} // namespace softhv
