// SPDX-License-Identifier: Apache-2.0
// Function ids, versions and return codes of PSCI (Arm DEN0022, Power State Coordination Interface)
// and of the SMC Calling Convention that carries it (Arm DEN0028).
#pragma once

#include <string_view>

#include "arch/types.h"

namespace kindling::arch::psci {

// Bit 30 of a function id: its arguments and results are 64 bits wide (DEN0028 §2.5).
inline constexpr u32 kSmc64 = 1U << 30;

// DEN0022 §5.2. Functions that take addresses or affinities exist also as id | kSmc64.
inline constexpr u32 kVersion = 0x8400'0000;
inline constexpr u32 kCpuSuspend = 0x8400'0001;
inline constexpr u32 kCpuOff = 0x8400'0002;
inline constexpr u32 kCpuOn = 0x8400'0003;
inline constexpr u32 kAffinityInfo = 0x8400'0004;
inline constexpr u32 kMigrate = 0x8400'0005;
inline constexpr u32 kMigrateInfoType = 0x8400'0006;
inline constexpr u32 kMigrateInfoUpCpu = 0x8400'0007;
inline constexpr u32 kSystemOff = 0x8400'0008;
inline constexpr u32 kSystemReset = 0x8400'0009;
inline constexpr u32 kFeatures = 0x8400'000a;
inline constexpr u32 kSystemSuspend = 0x8400'000e;
inline constexpr u32 kSystemReset2 = 0x8400'0012;

// DEN0028 §7.
inline constexpr u32 kSmcccVersion = 0x8000'0000;
inline constexpr u32 kSmcccArchFeatures = 0x8000'0001;

inline constexpr u32 kPsciVersion1_1 = 0x0001'0001;
inline constexpr u32 kSmcccVersion1_1 = 0x0001'0001;

// DEN0022 §5.2.2. As a register value: sign-extended to 64 bits.
enum class ReturnCode : i32 {
  kSuccess = 0,
  kNotSupported = -1,
  kInvalidParameters = -2,
  kDenied = -3,
  kAlreadyOn = -4,
  kOnPending = -5,
  kInternalFailure = -6,
  kNotPresent = -7,
  kDisabled = -8,
  kInvalidAddress = -9,
};
constexpr u64 to_register(ReturnCode code) {
  return static_cast<u64>(static_cast<i64>(static_cast<i32>(code)));
}

// Results of AFFINITY_INFO.
enum class Affinity : u8 { kOn = 0, kOff = 1, kOnPending = 2 };

// Result of MIGRATE_INFO_TYPE: no Trusted OS that would have to be migrated.
inline constexpr u64 kMigrateNotRequired = 2;

// SYSTEM_RESET2: reset types with bit 31 clear are architectural, and only a warm reset is defined.
inline constexpr u32 kReset2SystemWarmReset = 0;

// CPU_SUSPEND's power_state in the original format (DEN0022 §5.4.2.1): StateID <15:0>, StateType
// <16>, PowerLevel <25:24>.
inline constexpr u32 kPowerStateReserved = 0xfcfe'0000;

// The affinity fields of MPIDR_EL1; every other bit of a target_affinity must be zero.
inline constexpr u64 kAffinityMask = 0xff'00ff'ffff;

// "CPU_ON", for logs; "unknown function" for ids that this file does not name.
std::string_view function_name(u32 id);

} // namespace kindling::arch::psci
