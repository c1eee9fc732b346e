// SPDX-License-Identifier: Apache-2.0
#include "arch/psci.h"

namespace kindling::arch::psci {

std::string_view function_name(u32 id) {
  switch (id) {
  case kSmcccVersion: return "SMCCC_VERSION";
  case kSmcccArchFeatures: return "SMCCC_ARCH_FEATURES";
  default: break;
  }
  switch (id & ~kSmc64) {
  case kVersion: return "PSCI_VERSION";
  case kCpuSuspend: return "CPU_SUSPEND";
  case kCpuOff: return "CPU_OFF";
  case kCpuOn: return "CPU_ON";
  case kAffinityInfo: return "AFFINITY_INFO";
  case kMigrate: return "MIGRATE";
  case kMigrateInfoType: return "MIGRATE_INFO_TYPE";
  case kMigrateInfoUpCpu: return "MIGRATE_INFO_UP_CPU";
  case kSystemOff: return "SYSTEM_OFF";
  case kSystemReset: return "SYSTEM_RESET";
  case kFeatures: return "PSCI_FEATURES";
  case kSystemSuspend: return "SYSTEM_SUSPEND";
  case kSystemReset2: return "SYSTEM_RESET2";
  default: return "unknown function";
  }
}

} // namespace kindling::arch::psci
