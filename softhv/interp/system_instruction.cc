// SPDX-License-Identifier: Apache-2.0
// SYS: cache maintenance, address translation and TLB maintenance (Arm ARM C5.1.3, C5.3 to C5.5).
#include "softhv/core/shootdown.h"
#include "softhv/core/vm.h"
#include "softhv/interp/handlers.h"
#include "softhv/interp/system_trap.h"
#include "softhv/mmu/access.h"
#include "softhv/mmu/mmu.h"

namespace softhv::interp {
namespace {

constexpr unsigned kSctlrDze = 14;
constexpr unsigned kSctlrUci = 26;

const Op* undefined(Cpu& cpu, const Op* op) {
  return raise_undefined(cpu, op);
}

const Op* nop_el1(Cpu& cpu, const Op* op) {
  return cpu.s.pstate.el == 0 ? raise_undefined(cpu, op) : op + 1;
}

bool trapped(const Cpu& cpu, unsigned control) {
  return cpu.s.pstate.el == 0 && !bit(cpu.s.sys.sctlr_el1, control);
}
const Op* trap(Cpu& cpu, const Op* op) {
  return raise(cpu, op, {.ec = ExceptionClass::kSysReg, .iss = system_access_syndrome(op->word)});
}

// The caches of the model are coherent (CTR_EL0.IDC, DIC), but the host may have written code on
// its own: what is known about code pages is checked again when they are next entered.
const Op* ic_all(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  cpu.mmu->drop_code();
  return op + 1;
}

const Op* ic_va(Cpu& cpu, const Op* op) {
  if (trapped(cpu, kSctlrUci))
    return trap(cpu, op);
  if (!cpu.vm.engine_options().host_writes_announced)
    cpu.mmu->drop_code();
  return op + 1;
}

const Op* dc_va(Cpu& cpu, const Op* op) {
  if (trapped(cpu, kSctlrUci))
    return trap(cpu, op);
  return check_cache_maintenance(cpu, op, cpu.s.x[op->rd], false) ? op + 1 : nullptr;
}

// DC IVAC could throw away what was written, so it demands write permission.
const Op* dc_invalidate(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  return check_cache_maintenance(cpu, op, cpu.s.x[op->rd], true) ? op + 1 : nullptr;
}

const Op* dc_zva(Cpu& cpu, const Op* op) {
  if (trapped(cpu, kSctlrDze))
    return trap(cpu, op);
  return zero_block(cpu, op, cpu.s.x[op->rd]) ? op + 1 : nullptr;
}

// PAR_EL1 (Arm ARM D17.2.109): the page's address with its attributes, or the fault status.
u64 par_success(const Leaf& leaf, u64 va) {
  constexpr u64 kRes1 = 1 << 11;
  // Device and Normal Non-cacheable memory read as Outer Shareable.
  const bool outer = leaf.device() || leaf.attributes == 0x44;
  const u64 shareability = outer ? 2 : leaf.shareability;
  return static_cast<u64>(leaf.attributes) << 56 | ((leaf.ipa | (va & 0xfff)) & 0xffff'ffff'f000) |
         kRes1 | shareability << 7;
}
u64 par_fault(u8 status) {
  return 1ULL << 11 | static_cast<u64>(status) << 1 | 1;
}

template <Regime kRegime, Access kAccess>
const Op* address_translate(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  const u64 va = cpu.s.x[op->rd];
  Leaf leaf;
  MmuFault fault;
  if (cpu.mmu->translate(va, kRegime, kAccess, leaf, fault)) {
    cpu.s.sys.par_el1 = par_success(leaf, va);
  } else if (!fault.stage2) {
    cpu.s.sys.par_el1 = par_fault(fault.status);
  } else {
    // The table is not in memory: stage 2 takes the exception, to the host (Arm ARM D8.10).
    return exit_to_host(cpu, pc_of(cpu, op),
                        {.reason = ExitReason::kException,
                         .syndrome = esr(ExceptionClass::kDataAbortLower,
                                         1U << 8 | 1U << 7 | (1U << 6) | fault.status),
                         .virtual_address = va,
                         .physical_address = fault.ipa});
  }
  return op + 1;
}

using Kind = ShootdownRequest::Kind;

template <Kind kKind, bool kBroadcast>
const Op* tlbi(Cpu& cpu, const Op* op) {
  if (cpu.s.pstate.el == 0)
    return raise_undefined(cpu, op);
  const u64 x = cpu.s.x[op->rd];
  u16 asid = static_cast<u16>(x >> 48);
  if (!bit(cpu.s.sys.tcr_el1, 36)) // TCR_EL1.AS: 8-bit ASIDs
    asid &= 0xff;
  const ShootdownRequest request{
      .kind = kKind, .asid = asid, .va = static_cast<u64>(sign_extend(x << 12, 56))};
  cpu.mmu->invalidate(request);
  if constexpr (kBroadcast)
    shootdown_post(cpu.vm, &cpu, request);
  return op + 1;
}

template <bool kBroadcast>
Handler tlbi_handler(u64 op2) {
  switch (op2) {
  case 0: return tlbi<Kind::kAll, kBroadcast>;       // VMALLE1
  case 1:                                            // VAE1
  case 5: return tlbi<Kind::kVa, kBroadcast>;        // VALE1
  case 2: return tlbi<Kind::kAsid, kBroadcast>;      // ASIDE1
  case 3:                                            // VAAE1
  case 7: return tlbi<Kind::kVaAllAsid, kBroadcast>; // VAALE1
  default: return undefined;
  }
}

constexpr u32 sys_op(u32 op1, u32 crn, u32 crm, u32 op2) {
  return op1 << 11 | crn << 7 | crm << 3 | op2;
}

} // namespace

Handler translate_kSys(Op& op) {
  const auto which = static_cast<u32>(bits(op.word, 18, 5));
  if (which >> 3 == sys_op(0, 8, 3, 0) >> 3)
    return tlbi_handler<true>(which & 7);
  if (which >> 3 == sys_op(0, 8, 7, 0) >> 3)
    return tlbi_handler<false>(which & 7);
  switch (which) {
  case sys_op(0, 7, 1, 0):                                                         // IC IALLUIS
  case sys_op(0, 7, 5, 0): return ic_all;                                          // IC IALLU
  case sys_op(3, 7, 5, 1): return ic_va;                                           // IC IVAU
  case sys_op(0, 7, 6, 1): return dc_invalidate;                                   // DC IVAC
  case sys_op(0, 7, 6, 2):                                                         // DC ISW
  case sys_op(0, 7, 10, 2):                                                        // DC CSW
  case sys_op(0, 7, 14, 2): return nop_el1;                                        // DC CISW
  case sys_op(3, 7, 4, 1): return dc_zva;                                          // DC ZVA
  case sys_op(3, 7, 10, 1):                                                        // DC CVAC
  case sys_op(3, 7, 11, 1):                                                        // DC CVAU
  case sys_op(3, 7, 12, 1):                                                        // DC CVAP
  case sys_op(3, 7, 14, 1): return dc_va;                                          // DC CIVAC
  case sys_op(0, 7, 8, 0): return address_translate<Regime::kEl1, Access::kRead>;  // S1E1R
  case sys_op(0, 7, 8, 1): return address_translate<Regime::kEl1, Access::kWrite>; // S1E1W
  case sys_op(0, 7, 8, 2): return address_translate<Regime::kEl0, Access::kRead>;  // S1E0R
  case sys_op(0, 7, 8, 3): return address_translate<Regime::kEl0, Access::kWrite>; // S1E0W
  default: return undefined;
  }
}

// No instruction of this space returns a result in the implemented architecture.
Handler translate_kSysl(Op& /*op*/) {
  return undefined;
}

} // namespace softhv::interp
