// SPDX-License-Identifier: Apache-2.0
#include "softhv/system/sysreg.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "arch/bits.h"
#include "arch/sysreg.h"
#include "softhv/core/interrupts.h"
#include "softhv/core/vm.h"
#include "softhv/fp/context.h"
#include "softhv/gic/cpu_interface.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/debug.h"
#include "softhv/system/exception.h"
#include "softhv/system/id_profile.h"
#include "softhv/timer/generic_timer.h"

namespace softhv {
namespace {

using kindling::arch::sysreg;
using timer::Register;
using S = SystemRegisters;

constexpr u8 kR = SystemRegister::kEl1Read;
constexpr u8 kW = SystemRegister::kEl1Write;
constexpr u8 kRw = kR | kW;
constexpr u8 kUr = SystemRegister::kEl0Read;
constexpr u8 kUw = SystemRegister::kEl0Write;
constexpr u8 kUrw = kUr | kUw;
constexpr u8 kDbg = SystemRegister::kDebug;

// SCTLR_EL1: bits that are one whatever is written (LSMAOE, nTLSMD, EIS, TSCXT, EOS, SED, ITD), and
// those that the implemented features define. Mixed-endian support and AArch32 are absent.
constexpr u64 kSctlrRes1 = 1 << 29 | 1 << 28 | 1 << 22 | 1 << 20 | 1 << 11 | 1 << 8 | 1 << 7;
constexpr u64 kSctlrMask = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 9 | 1 << 12 | 1 << 14 |
                           1 << 15 | 1 << 16 | 1 << 18 | 1 << 19 | 1 << 23 | 1 << 26;
constexpr u64 kSctlrReset = kSctlrRes1 | 1 << 23;
// TCR_EL1 without HA, HD and what later extensions define.
constexpr u64 kTcrMask = 0x0000'0077'ffff'ffbf;
constexpr u64 kSpsrMask = 0xf0f0'03df;
constexpr u64 kOslsrReset = 1 << 3 | 1 << 1; // the OS Lock is implemented and set

void remap(Cpu& cpu) {
  cpu.mmu->context_changed();
}
void watchpoints_changed(Cpu& cpu) {
  cpu.debug->watchpoints_changed();
}
void debug_changed(Cpu& cpu) {
  cpu.debug->state_changed();
}

template <u64 value>
bool read_constant(Cpu& /*cpu*/, u32 /*encoding*/, u64& out) {
  out = value;
  return true;
}
bool ignore_write(Cpu& /*cpu*/, u32 /*encoding*/, u64 /*value*/) {
  return true;
}

bool read_feature(Cpu& cpu, u32 encoding, u64& out) {
  out = id::feature_register(encoding, {.ipa_bits = cpu.vm.ipa_bits, .gic = cpu.gic != nullptr});
  return true;
}
bool read_ccsidr(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = id::ccsidr(cpu.s.sys.csselr_el1).value_or(0);
  return true;
}
bool read_dczid(Cpu& cpu, u32 /*encoding*/, u64& out) {
  const bool prohibited = cpu.s.pstate.el == 0 && !bit(cpu.s.sys.sctlr_el1, 14);
  out = id::kDczid | (prohibited ? 1U << 4 : 0);
  return true;
}

bool write_sctlr(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.s.sys.sctlr_el1 = (value & kSctlrMask) | kSctlrRes1;
  remap(cpu);
  return true;
}

// PSTATE by pieces.
bool read_nzcv(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = cpu.s.pstate.nzcv;
  return true;
}
bool write_nzcv(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.s.pstate.nzcv = static_cast<u32>(value) & 0xf000'0000;
  return true;
}
bool read_daif(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = cpu.s.pstate.daif;
  return true;
}
bool write_daif(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.s.pstate.daif = static_cast<u32>(value) & 0x3c0;
  interrupt_mask_changed(cpu);
  cpu.debug->state_changed();
  return true;
}
bool read_current_el(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = static_cast<u64>(cpu.s.pstate.el) << 2;
  return true;
}
bool read_spsel(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = cpu.s.pstate.sp_sel;
  return true;
}
bool write_spsel(Cpu& cpu, u32 /*encoding*/, u64 value) {
  set_stack_select(cpu, value & 1);
  return true;
}
bool read_pan(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = static_cast<u64>(cpu.s.pstate.pan) << 22;
  return true;
}
bool write_pan(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.s.pstate.pan = bit(value, 22) ? 1 : 0;
  remap(cpu);
  return true;
}
bool read_uao(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = static_cast<u64>(cpu.s.pstate.uao) << 23;
  return true;
}
bool write_uao(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.s.pstate.uao = bit(value, 23) ? 1 : 0;
  remap(cpu);
  return true;
}

// SP_EL0 is UNDEFINED while it is the current stack pointer.
bool read_sp_el0(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = stack_pointer(cpu.s, 0);
  return cpu.s.pstate.sp_sel != 0;
}
bool write_sp_el0(Cpu& cpu, u32 /*encoding*/, u64 value) {
  if (cpu.s.pstate.sp_sel == 0)
    return false;
  set_stack_pointer(cpu.s, 0, value);
  return true;
}

bool read_fpcr(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = cpu.s.fpcr;
  return true;
}
bool write_fpcr(Cpu& cpu, u32 /*encoding*/, u64 value) {
  // AHP, DN, FZ, RMode, FZ16; trapped exceptions are not implemented.
  cpu.s.fpcr = static_cast<u32>(value) & 0x07c8'0000;
  return true;
}
bool read_fpsr(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = cpu.s.fpsr;
  return true;
}
bool write_fpsr(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.s.fpsr = static_cast<u32>(value) & fp::kFpsrMask;
  return true;
}

bool read_isr(Cpu& cpu, u32 /*encoding*/, u64& out) {
  const u32 lines = cpu.interrupt_lines.load(std::memory_order_seq_cst);
  out = ((lines & kLineIrq) != 0 ? kDaifI : 0) | ((lines & kLineFiq) != 0 ? kDaifF : 0);
  return true;
}

template <Register reg>
bool read_timer(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = cpu.timer->read(reg);
  return true;
}
template <Register reg>
bool write_timer(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.timer->write(reg, value);
  return true;
}

bool read_gic(Cpu& cpu, u32 encoding, u64& out) {
  return cpu.gic != nullptr && cpu.gic->read(encoding, out);
}
bool write_gic(Cpu& cpu, u32 encoding, u64 value) {
  return cpu.gic != nullptr && cpu.gic->write(encoding, value);
}

bool write_oslar(Cpu& cpu, u32 /*encoding*/, u64 value) {
  u64& oslsr = cpu.s.sys.oslsr_el1;
  oslsr = (oslsr & ~2ULL) | (value & 1) << 1;
  cpu.debug->state_changed();
  return true;
}
bool write_claim_set(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.s.sys.dbgclaim |= value & 0xff;
  return true;
}
bool write_claim_clear(Cpu& cpu, u32 /*encoding*/, u64 value) {
  cpu.s.sys.dbgclaim &= ~(value & 0xff);
  return true;
}
bool read_claim(Cpu& cpu, u32 /*encoding*/, u64& out) {
  out = cpu.s.sys.dbgclaim;
  return true;
}

// DBGBVRn, DBGBCRn, DBGWVRn, DBGWCRn: op2 tells which, CRm is n.
u64& debug_register(Cpu& cpu, u32 encoding) {
  S& sys = cpu.s.sys;
  const u32 n = encoding >> 3 & 15;
  switch (encoding & 7) {
  case 4: return sys.dbgbvr[n];
  case 5: return sys.dbgbcr[n];
  case 6: return sys.dbgwvr[n];
  default: return sys.dbgwcr[n];
  }
}
bool read_debug(Cpu& cpu, u32 encoding, u64& out) {
  out = debug_register(cpu, encoding);
  return true;
}
bool write_debug(Cpu& cpu, u32 encoding, u64 value) {
  constexpr u64 kMask[] = {~3ULL, 0x00ff'e1e7, ~3ULL, 0x1f1f'ffff};
  // A context-aware breakpoint may compare all of CONTEXTIDR_EL1.
  constexpr u32 kFirstContext = id::kBreakpoints - id::kContextBreakpoints;
  const bool context = (encoding & 7) == 4 && (encoding >> 3 & 15) >= kFirstContext;
  debug_register(cpu, encoding) = value & (context ? ~0ULL : kMask[(encoding & 7) - 4]);
  cpu.debug->watchpoints_changed();
  return true;
}

// Traps of EL0 accesses to EL1.
bool trap_uct(const Cpu& cpu, bool /*write*/) {
  return !bit(cpu.s.sys.sctlr_el1, 15);
}
bool trap_uma(const Cpu& cpu, bool /*write*/) {
  return !bit(cpu.s.sys.sctlr_el1, 9);
}
bool trap_tdcc(const Cpu& cpu, bool /*write*/) {
  return bit(cpu.s.sys.mdscr_el1, 12);
}
template <unsigned bit_number>
bool trap_cntkctl(const Cpu& cpu, bool /*write*/) {
  return !bit(cpu.s.sys.cntkctl_el1, bit_number);
}
bool trap_cntfrq(const Cpu& cpu, bool /*write*/) {
  return (cpu.s.sys.cntkctl_el1 & 3) == 0;
}

constexpr SystemRegister stored(u32 encoding, u64 S::*field, u64 mask = ~0ULL,
                                void (*changed)(Cpu&) = nullptr, u8 access = kRw) {
  return {.encoding = encoding, .access = access, .field = field, .mask = mask, .changed = changed};
}
constexpr SystemRegister constant(u32 encoding, SystemRegister::Read read, u8 access = kR) {
  return {.encoding = encoding, .access = access, .read = read};
}
constexpr SystemRegister computed(u32 encoding, u8 access, SystemRegister::Read read,
                                  SystemRegister::Write write,
                                  SystemRegister::Trap trap = nullptr) {
  return {.encoding = encoding, .access = access, .read = read, .write = write, .trap = trap};
}

const SystemRegister kRegisters[] = {
    // Debug.
    computed(sysreg(2, 0, 0, 0, 2), kRw | kDbg, read_constant<0>, ignore_write), // OSDTRRX_EL1
    stored(sysreg(2, 0, 0, 2, 0), &S::mdccint_el1, 0x6000'0000, nullptr, kRw | kDbg),
    stored(sysreg(2, 0, 0, 2, 2), &S::mdscr_el1, 0xf001, watchpoints_changed, kRw | kDbg),
    computed(sysreg(2, 0, 0, 3, 2), kRw | kDbg, read_constant<0>, ignore_write), // OSDTRTX_EL1
    computed(sysreg(2, 0, 0, 6, 2), kRw | kDbg, read_constant<0>, ignore_write), // OSECCR_EL1
    constant(sysreg(2, 0, 1, 0, 0), read_constant<0>, kR | kDbg),                // MDRAR_EL1
    computed(sysreg(2, 0, 1, 0, 4), kW | kDbg, nullptr, write_oslar),
    stored(sysreg(2, 0, 1, 1, 4), &S::oslsr_el1, 0, nullptr, kR | kDbg),
    stored(sysreg(2, 0, 1, 3, 4), &S::osdlr_el1, 1, debug_changed, kRw | kDbg),
    computed(sysreg(2, 0, 1, 4, 4), kRw | kDbg, read_constant<0>, ignore_write), // DBGPRCR_EL1
    computed(sysreg(2, 0, 7, 8, 6), kRw | kDbg, read_constant<0xff>, write_claim_set),
    computed(sysreg(2, 0, 7, 9, 6), kRw | kDbg, read_claim, write_claim_clear),
    constant(sysreg(2, 0, 7, 14, 6), read_constant<0>, kR | kDbg), // DBGAUTHSTATUS_EL1
    computed(sysreg(2, 3, 0, 1, 0), kR | kUr | kDbg, read_constant<0>, nullptr,
             trap_tdcc), // MDCCSR
    computed(sysreg(2, 3, 0, 4, 0), kRw | kUrw | kDbg, read_constant<0>, ignore_write, trap_tdcc),
    computed(sysreg(2, 3, 0, 5, 0), kRw | kUrw | kDbg, read_constant<0>, ignore_write, trap_tdcc),
    // Identification.
    stored(sysreg(3, 0, 0, 0, 0), &S::midr_el1, 0, nullptr, kR),
    stored(sysreg(3, 0, 0, 0, 5), &S::mpidr_el1, 0, nullptr, kR),
    constant(sysreg(3, 0, 0, 0, 6), read_constant<0>), // REVIDR_EL1
    constant(sysreg(3, 1, 0, 0, 0), read_ccsidr),
    constant(sysreg(3, 1, 0, 0, 1), read_constant<id::kClidr>),
    constant(sysreg(3, 1, 0, 0, 7), read_constant<0>), // AIDR_EL1
    stored(sysreg(3, 2, 0, 0, 0), &S::csselr_el1, 0xf),
    computed(sysreg(3, 3, 0, 0, 1), kR | kUr, read_constant<id::kCtr>, nullptr, trap_uct),
    computed(sysreg(3, 3, 0, 0, 7), kR | kUr, read_dczid, nullptr),
    // System control and translation.
    {.encoding = sysreg(3, 0, 1, 0, 0),
     .access = kRw,
     .field = &S::sctlr_el1,
     .write = write_sctlr},
    stored(sysreg(3, 0, 1, 0, 1), &S::actlr_el1, 0),
    stored(sysreg(3, 0, 1, 0, 2), &S::cpacr_el1, 3 << 20, remap),
    stored(sysreg(3, 0, 2, 0, 0), &S::ttbr0_el1, ~1ULL, remap),
    stored(sysreg(3, 0, 2, 0, 1), &S::ttbr1_el1, ~1ULL, remap),
    stored(sysreg(3, 0, 2, 0, 2), &S::tcr_el1, kTcrMask, remap),
    stored(sysreg(3, 0, 10, 2, 0), &S::mair_el1, ~0ULL, remap),
    stored(sysreg(3, 0, 10, 3, 0), &S::amair_el1, 0),
    // Exceptions.
    stored(sysreg(3, 0, 4, 0, 0), &S::spsr_el1, kSpsrMask),
    stored(sysreg(3, 0, 4, 0, 1), &S::elr_el1),
    stored(sysreg(3, 0, 5, 1, 0), &S::afsr0_el1, 0),
    stored(sysreg(3, 0, 5, 1, 1), &S::afsr1_el1, 0),
    stored(sysreg(3, 0, 5, 2, 0), &S::esr_el1, 0xffff'ffff),
    stored(sysreg(3, 0, 6, 0, 0), &S::far_el1),
    stored(sysreg(3, 0, 7, 4, 0), &S::par_el1),
    stored(sysreg(3, 0, 12, 0, 0), &S::vbar_el1, ~0x7ffULL),
    constant(sysreg(3, 0, 12, 0, 1), read_constant<0>), // RVBAR_EL1
    constant(sysreg(3, 0, 12, 1, 0), read_isr),
    // PSTATE and stack pointers.
    computed(sysreg(3, 0, 4, 1, 0), kRw, read_sp_el0, write_sp_el0),
    computed(sysreg(3, 0, 4, 2, 0), kRw, read_spsel, write_spsel),
    constant(sysreg(3, 0, 4, 2, 2), read_current_el),
    computed(sysreg(3, 0, 4, 2, 3), kRw, read_pan, write_pan),
    computed(sysreg(3, 0, 4, 2, 4), kRw, read_uao, write_uao),
    computed(sysreg(3, 3, 4, 2, 0), kRw | kUrw, read_nzcv, write_nzcv),
    computed(sysreg(3, 3, 4, 2, 1), kRw | kUrw, read_daif, write_daif, trap_uma),
    computed(sysreg(3, 3, 4, 4, 0), kRw | kUrw, read_fpcr, write_fpcr),
    computed(sysreg(3, 3, 4, 4, 1), kRw | kUrw, read_fpsr, write_fpsr),
    // Threads and contexts.
    stored(sysreg(3, 0, 13, 0, 1), &S::contextidr_el1, 0xffff'ffff, debug_changed),
    stored(sysreg(3, 0, 13, 0, 4), &S::tpidr_el1),
    stored(sysreg(3, 3, 13, 0, 2), &S::tpidr_el0, ~0ULL, nullptr, kRw | kUrw),
    stored(sysreg(3, 3, 13, 0, 3), &S::tpidrro_el0, ~0ULL, nullptr, kRw | kUr),
    // Generic timer.
    stored(sysreg(3, 0, 14, 1, 0), &S::cntkctl_el1, 0x3ff),
    computed(sysreg(3, 3, 14, 0, 0), kR | kUr, read_constant<timer::kFrequency>, nullptr,
             trap_cntfrq),
    computed(sysreg(3, 3, 14, 0, 1), kR | kUr, read_timer<Register::kCntpctEl0>, nullptr,
             trap_cntkctl<0>),
    computed(sysreg(3, 3, 14, 0, 2), kR | kUr, read_timer<Register::kCntvctEl0>, nullptr,
             trap_cntkctl<1>),
    computed(sysreg(3, 3, 14, 2, 0), kRw | kUrw, read_timer<Register::kCntpTvalEl0>,
             write_timer<Register::kCntpTvalEl0>, trap_cntkctl<9>),
    computed(sysreg(3, 3, 14, 2, 1), kRw | kUrw, read_timer<Register::kCntpCtlEl0>,
             write_timer<Register::kCntpCtlEl0>, trap_cntkctl<9>),
    computed(sysreg(3, 3, 14, 2, 2), kRw | kUrw, read_timer<Register::kCntpCvalEl0>,
             write_timer<Register::kCntpCvalEl0>, trap_cntkctl<9>),
    computed(sysreg(3, 3, 14, 3, 0), kRw | kUrw, read_timer<Register::kCntvTvalEl0>,
             write_timer<Register::kCntvTvalEl0>, trap_cntkctl<8>),
    computed(sysreg(3, 3, 14, 3, 1), kRw | kUrw, read_timer<Register::kCntvCtlEl0>,
             write_timer<Register::kCntvCtlEl0>, trap_cntkctl<8>),
    computed(sysreg(3, 3, 14, 3, 2), kRw | kUrw, read_timer<Register::kCntvCvalEl0>,
             write_timer<Register::kCntvCvalEl0>, trap_cntkctl<8>),
};

const SystemRegister kFeatureRegister = constant(0, read_feature);
const SystemRegister kGicRegister = computed(0, kRw, read_gic, write_gic);
const SystemRegister kDebugRegister = computed(0, kRw | kDbg, read_debug, write_debug);

constexpr bool is_feature_register(u32 e) {
  return e >= sysreg(3, 0, 0, 1, 0) && e <= sysreg(3, 0, 0, 7, 7);
}
constexpr bool is_gic_register(u32 e) {
  return e == sysreg(3, 0, 4, 6, 0) ||
         (e >= sysreg(3, 0, 12, 8, 0) && e <= sysreg(3, 0, 12, 15, 7));
}
// Of the 16 pairs that the host can store, the guest has those that ID_AA64DFR0_EL1 states.
constexpr bool is_debug_register(u32 e, unsigned breakpoints, unsigned watchpoints) {
  if (e < sysreg(2, 0, 0, 0, 0) || e > sysreg(2, 0, 0, 15, 7))
    return false;
  const u32 n = e >> 3 & 15;
  switch (e & 7) {
  case 4:
  case 5: return n < breakpoints;
  case 6:
  case 7: return n < watchpoints;
  default: return false;
  }
}

using Index = std::array<const SystemRegister*, std::size(kRegisters)>;

const Index& index() {
  static const Index sorted = [] {
    Index list;
    std::transform(std::begin(kRegisters), std::end(kRegisters), list.begin(),
                   [](const SystemRegister& r) { return &r; });
    std::ranges::sort(list, {}, [](const SystemRegister* r) { return r->encoding; });
    return list;
  }();
  return sorted;
}

// The pointer authentication keys that hv_sys_reg_t names; AP*KEY{LO,HI}_EL1.
u64* apkey(Cpu& cpu, u32 e) {
  constexpr u32 kFirst = sysreg(3, 0, 2, 1, 0);
  constexpr u32 kLast = sysreg(3, 0, 2, 3, 1);
  if (e < kFirst || e > kLast || (e & 7) > 3)
    return nullptr;
  return &cpu.s.sys.apkey[(e - kFirst) / 8 * 4 + (e & 7)];
}

} // namespace

const SystemRegister* find_system_register(u32 encoding) {
  if (is_feature_register(encoding))
    return &kFeatureRegister;
  if (is_gic_register(encoding))
    return &kGicRegister;
  if (is_debug_register(encoding, id::kBreakpoints, id::kWatchpoints))
    return &kDebugRegister;
  const auto it = std::ranges::lower_bound(index(), encoding, {},
                                           [](const SystemRegister* r) { return r->encoding; });
  return it != index().end() && (*it)->encoding == encoding ? *it : nullptr;
}

bool read_register(Cpu& cpu, const SystemRegister& reg, u32 encoding, u64& value) {
  if (reg.read != nullptr)
    return reg.read(cpu, encoding, value);
  if (reg.field == nullptr)
    return false;
  value = cpu.s.sys.*reg.field;
  return true;
}

bool write_register(Cpu& cpu, const SystemRegister& reg, u32 encoding, u64 value) {
  if (reg.write != nullptr)
    return reg.write(cpu, encoding, value);
  if (reg.field == nullptr)
    return false;
  u64& field = cpu.s.sys.*reg.field;
  field = (field & ~reg.mask) | (value & reg.mask);
  if (reg.changed != nullptr)
    reg.changed(cpu);
  return true;
}

bool read_system_register(Cpu& cpu, u32 encoding, u64& value) {
  if (encoding == sysreg(3, 4, 4, 1, 0) || encoding == sysreg(3, 0, 4, 1, 0)) { // SP_EL1, SP_EL0
    value = stack_pointer(cpu.s, encoding == sysreg(3, 4, 4, 1, 0) ? 1 : 0);
    return true;
  }
  if (const u64* key = apkey(cpu, encoding)) {
    value = *key;
    return true;
  }
  if (is_debug_register(encoding, 16, 16))
    return read_debug(cpu, encoding, value);
  const SystemRegister* reg = find_system_register(encoding);
  return reg != nullptr && read_register(cpu, *reg, encoding, value);
}

bool write_system_register(Cpu& cpu, u32 encoding, u64 value) {
  S& sys = cpu.s.sys;
  switch (encoding) {
  case sysreg(3, 4, 4, 1, 0): set_stack_pointer(cpu.s, 1, value); return true;
  case sysreg(3, 0, 4, 1, 0): set_stack_pointer(cpu.s, 0, value); return true;
  case sysreg(3, 0, 0, 0, 0): sys.midr_el1 = value; return true;
  case sysreg(3, 0, 0, 0, 5): sys.mpidr_el1 = value; return true;
  case sysreg(2, 0, 1, 1, 4): return write_oslar(cpu, encoding, value >> 1);
  default: break;
  }
  if (u64* key = apkey(cpu, encoding)) {
    *key = value;
    return true;
  }
  if (is_debug_register(encoding, 16, 16))
    return write_debug(cpu, encoding, value);
  const SystemRegister* reg = find_system_register(encoding);
  if (reg == nullptr)
    return false;
  if ((reg->access & kW) == 0) { // what cannot be changed may be set to what it is
    u64 present;
    return read_register(cpu, *reg, encoding, present) && present == value;
  }
  return write_register(cpu, *reg, encoding, value);
}

void reset_system_registers(Cpu& cpu) {
  S& sys = cpu.s.sys;
  sys = {};
  sys.sctlr_el1 = kSctlrReset;
  sys.oslsr_el1 = kOslsrReset;
  sys.midr_el1 = id::kMidr;
  sys.mpidr_el1 = 1ULL << 31 | (cpu.index & 15) | (cpu.index >> 4) << 8;
  remap(cpu);
  cpu.debug->watchpoints_changed();
}

} // namespace softhv
