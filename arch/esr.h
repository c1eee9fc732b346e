// SPDX-License-Identifier: Apache-2.0
// Decoding and encoding of exception syndromes (Arm ARM D17.2.37, ESR_ELx).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "arch/bits.h"
#include "arch/types.h"

namespace kindling::arch {

// ESR_ELx.EC, bits <31:26>.
enum class ExceptionClass : u8 {
  kUnknown = 0x00,
  kWfx = 0x01,
  kFpAccess = 0x07,
  kIllegalState = 0x0e,
  kSvc64 = 0x15,
  kHvc64 = 0x16,
  kSmc64 = 0x17,
  kSysReg = 0x18,
  kInstructionAbortLower = 0x20,
  kInstructionAbortSame = 0x21,
  kPcAlignment = 0x22,
  kDataAbortLower = 0x24,
  kDataAbortSame = 0x25,
  kSpAlignment = 0x26,
  kFpException = 0x2c,
  kSError = 0x2f,
  kBreakpointLower = 0x30,
  kBreakpointSame = 0x31,
  kSoftwareStepLower = 0x32,
  kSoftwareStepSame = 0x33,
  kWatchpointLower = 0x34,
  kWatchpointSame = 0x35,
  kBrk64 = 0x3c,
};

constexpr ExceptionClass exception_class(u64 esr) {
  return static_cast<ExceptionClass>(bits(esr, 31, 26));
}
// ESR_ELx.IL: the instruction was 32 bits long, which in AArch64 it always is.
inline constexpr u64 kEsrIl = 1ULL << 25;
constexpr u64 make_esr(ExceptionClass ec, u64 iss) {
  return static_cast<u64>(ec) << 26 | kEsrIl | (iss & 0x1ff'ffff);
}

// The ISS of a data abort. Without `valid` (ISV) only the fields from `far_valid` on mean anything.
struct DataAbort {
  bool valid = false;             // ISV: access_size ... register are given
  u8 access_size = 0;             // SAS, in bytes: 1, 2, 4, 8
  bool sign_extend = false;       // SSE
  u8 reg = 0;                     // SRT: X0..X30, 31 is XZR
  bool wide = false;              // SF: the register is 64 bits wide
  bool acquire_release = false;   // AR
  bool far_valid = false;         // !FnV
  bool external = false;          // EA
  bool cache_maintenance = false; // CM
  bool table_walk = false;        // S1PTW
  bool write = false;             // WnR
  u8 fault_status = 0;            // DFSC
};
DataAbort decode_data_abort(u64 esr);

// DFSC/IFSC of a synchronous external abort that is not on a table walk.
inline constexpr u8 kFaultSynchronousExternal = 0x10;

// DFSC/IFSC 0b0011LL: a permission fault, at any level.
constexpr bool is_permission_fault(u8 fault_status) {
  return (fault_status & 0x3c) == 0x0c;
}

// Sign- or zero-extends what an aborted load read, as its destination register wants it.
u64 extend_load(const DataAbort& abort, u64 value);

// The ISS of a trapped MSR, MRS or System instruction (EC 0x18).
struct SystemRegisterTrap {
  u32 encoding = 0; // op0<<14 | op1<<11 | CRn<<7 | CRm<<3 | op2
  u8 reg = 0;       // Rt, 31 is XZR
  bool read = false;
};
SystemRegisterTrap decode_system_register_trap(u64 esr);

// Whether a trapped WFx (EC 0x01) was WFE or WFET; otherwise WFI or WFIT.
constexpr bool is_wfe(u64 esr) {
  return bit(esr, 0);
}

// "data abort from a lower level". Reserved classes have a name too.
std::string_view exception_class_name(ExceptionClass ec);
// "translation fault, level 1", of a DFSC or IFSC.
std::string fault_status_name(u8 status);
// One line for a log: class, then what its ISS says.
std::string describe_esr(u64 esr);

} // namespace kindling::arch
