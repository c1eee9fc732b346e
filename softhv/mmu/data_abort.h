// SPDX-License-Identifier: Apache-2.0
// How data accesses that do not complete are reported (Arm ARM D17.2.37, ISS encoding for an
// exception from a Data Abort).
#pragma once

#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"
#include "softhv/mmu/mmu.h"

namespace softhv {

// ISS[24:14] for a stage 2 data abort: ISV, SAS, SSE, SRT, SF and AR as the instruction word says,
// or 0 where the Arm ARM gives no valid syndrome (pairs, writeback, exclusives, atomics, SIMD&FP).
u32 instruction_syndrome(u32 word);

// What a data access was.
struct AbortedAccess {
  u64 va = 0;
  bool write = false;
  bool cache_maintenance = false;
  bool syndrome_valid = true; // the access as a whole is what instruction_syndrome() describes
};

// Reports `fault`: to EL1 as a data abort, or to the host as a stage 2 abort. Returns nullptr.
const interp::Op* data_abort(Cpu& cpu, const interp::Op* op, const AbortedAccess& access,
                             const MmuFault& fault);

} // namespace softhv
