// SPDX-License-Identifier: Apache-2.0
// Why hv_vcpu_run returned: the engine-side picture of hv_vcpu_exit_t.
#pragma once

#include "arch/types.h"

namespace softhv {

enum class ExitReason : u32 {
  kCanceled = 0,
  kException = 1,
  kVtimerActivated = 2,
  kUnknown = 3,
  kWaits = 4, // in WFI or WFE, where vCPUs take turns (core/turns.h); no host sees it
};

struct VmExit {
  ExitReason reason = ExitReason::kUnknown;
  u64 syndrome = 0;         // ESR_EL2 format, for kException
  u64 virtual_address = 0;  // FAR_EL2
  u64 physical_address = 0; // the faulting IPA, byte exact
};

} // namespace softhv
