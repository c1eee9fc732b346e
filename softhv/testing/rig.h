// SPDX-License-Identifier: Apache-2.0
// A Machine set up to try single instructions: translation tables, exception vectors that report to
// the host, and code pages for EL0 and EL1.
#pragma once

#include <initializer_list>

#include "softhv/testing/page_tables.h"

namespace softhv::testing {

// Instruction words used by many tests.
inline constexpr u32 kLdrX0X1 = 0xf940'0020;  // ldr x0, [x1]
inline constexpr u32 kStrX0X1 = 0xf900'0020;  // str x0, [x1]
inline constexpr u32 kLdtrX0X1 = 0xf840'0820; // ldtr x0, [x1]
inline constexpr u32 kSttrX0X1 = 0xf800'0820; // sttr x0, [x1]
inline constexpr u32 kNop = 0xd503'201f;
inline constexpr u32 kIsb = 0xd503'3fdf;
inline constexpr u32 kDsb = 0xd503'3f9f;
inline constexpr u32 kRet = 0xd65f'03c0;
inline constexpr u32 kBrX1 = 0xd61f'0020;
inline constexpr u32 kEret = 0xd69f'03e0;
constexpr u32 hvc(u32 imm) {
  return 0xd400'0002 | imm << 5;
}
constexpr u32 svc(u32 imm) {
  return 0xd400'0001 | imm << 5;
}
// TLBI <op2> of the Inner Shareable (CRm 3) or local (CRm 7) group, with X2.
constexpr u32 tlbi_x2(u32 crm, u32 op2) {
  return 0xd508'8002 | crm << 8 | op2 << 5;
}
// AT S1E<el>{R,W}, X1.
constexpr u32 at_x1(u32 op2) {
  return 0xd508'7801 | op2 << 5;
}
// MSR <encoding>, X0 and MRS X0, <encoding>.
constexpr u32 msr_x0(u32 encoding) {
  return 0xd500'0000 | encoding << 5;
}
constexpr u32 mrs_x0(u32 encoding) {
  return 0xd520'0000 | encoding << 5;
}

// Where things are, in guest physical addresses; the same virtual ones in the lower half.
inline constexpr u64 kCodeEl1 = 0x4000'0000;
inline constexpr u64 kVectors = 0x4001'0000;
inline constexpr u64 kCodeEl0 = 0x4002'0000;
inline constexpr u64 kTables = 0x4040'0000;
inline constexpr u64 kData = 0x4080'0000; // up to the end of RAM

// SCTLR_EL1 bits.
inline constexpr u64 kSctlrM = 1 << 0;
inline constexpr u64 kSctlrA = 1 << 1;
inline constexpr u64 kSctlrSa = 1 << 3;
inline constexpr u64 kSctlrSa0 = 1 << 4;
inline constexpr u64 kSctlrUma = 1 << 9;
inline constexpr u64 kSctlrDze = 1 << 14;
inline constexpr u64 kSctlrUct = 1 << 15;
inline constexpr u64 kSctlrWxn = 1 << 19;
inline constexpr u64 kSctlrSpan = 1 << 23;
inline constexpr u64 kSctlrUci = 1 << 26;

// MAIR_EL1 of the rig: 0 Normal Write-Back, 1 Device-nGnRnE, 2 Normal Non-cacheable, 3 Device-GRE.
inline constexpr u64 kMair = 0x0c4400ff;

struct Outcome {
  bool completed = false; // the instructions ran to their end
  bool exited = false;    // to the host, other than by a vector
  unsigned vector = 0;    // 0 to 15, of an exception to EL1
  u64 esr = 0;
  u64 elr = 0;
  u64 far = 0;
  VmExit exit;

  [[nodiscard]] u64 ec() const { return esr >> 26; }
  [[nodiscard]] u64 iss() const { return esr & 0x1ff'ffff; }
};

class Rig {
public:
  explicit Rig(unsigned grain = 12, unsigned cpus = 1, unsigned va_bits = 48,
               const std::optional<EngineOptions>& options = {});
  explicit Rig(const EngineOptions& options) : Rig(12, 1, 48, options) {}

  Machine machine;
  PageTables tables;

  // Turns the MMU on for all vCPUs (it is on after construction) or off.
  void set_mmu(bool on);

  u64 get_sysreg(u32 encoding, unsigned cpu = 0);
  void set_sysreg(u32 encoding, u64 value, unsigned cpu = 0);

  // Runs the instructions at EL0 or EL1 from their code page and tells how it ended. PSTATE is what
  // the previous instructions left, but for EL and SP.
  Outcome execute(unsigned el, std::initializer_list<u32> words, unsigned cpu = 0);
  // Runs on, or from the given address.
  Outcome resume(unsigned cpu = 0);
  Outcome run_at(unsigned el, u64 pc, unsigned cpu = 0);

  Cpu& cpu(unsigned n = 0) { return machine.cpu(n); }
};

} // namespace softhv::testing
