// SPDX-License-Identifier: Apache-2.0
#include "softhv/testing/rig.h"

#include <gtest/gtest.h>

#include "arch/sysreg.h"
#include "softhv/system/exception.h"
#include "softhv/system/sysreg.h"

namespace softhv::testing {
namespace {

using kindling::arch::sysreg;

constexpr u32 kVectorCall = 0x100; // HVC immediate of vector 0
constexpr u32 kDone = 0x200;

} // namespace

Rig::Rig(unsigned grain, unsigned cpus, unsigned va_bits,
         const std::optional<EngineOptions>& options)
    : machine(cpus, kRamSize, options), tables(machine, kTables, grain, va_bits) {
  for (u32 n = 0; n < 16; ++n)
    machine.write(kVectors + n * 0x80ULL, hvc(kVectorCall + n));
  const u64 page = 1ULL << grain;
  for (const u64 base : {kCodeEl1, kVectors})
    for (u64 at = base; at < base + 0x1'0000; at += page)
      tables.map(at, at, kDescAf | kDescInner | kDescUxn);
  for (u64 at = kCodeEl0; at < kCodeEl0 + 0x1'0000; at += page)
    tables.map(at, at, kDescAf | kDescInner | kDescUser | kDescReadOnly | kDescPxn);
  for (unsigned n = 0; n < cpus; ++n) {
    set_sysreg(sysreg(3, 0, 12, 0, 0), kVectors, n);
    set_sysreg(sysreg(3, 0, 2, 0, 0), tables.root(), n);
    set_sysreg(sysreg(3, 0, 2, 0, 1), tables.root(), n);
    set_sysreg(sysreg(3, 0, 2, 0, 2), tables.tcr(), n);
    set_sysreg(sysreg(3, 0, 10, 2, 0), kMair, n);
    set_sysreg(sysreg(3, 0, 1, 0, 2), 3 << 20, n);
  }
  set_mmu(true);
}

void Rig::set_mmu(bool on) {
  const u32 sctlr = kindling::arch::sysreg(3, 0, 1, 0, 0);
  machine.vm().for_each_cpu([&](Cpu& cpu) {
    u64 value = cpu.s.sys.sctlr_el1;
    value = on ? value | kSctlrM : value & ~kSctlrM;
    EXPECT_TRUE(write_system_register(cpu, sctlr, value));
  });
}

u64 Rig::get_sysreg(u32 encoding, unsigned n) {
  u64 value = 0;
  EXPECT_TRUE(read_system_register(cpu(n), encoding, value));
  return value;
}

void Rig::set_sysreg(u32 encoding, u64 value, unsigned n) {
  EXPECT_TRUE(write_system_register(cpu(n), encoding, value));
}

Outcome Rig::execute(unsigned el, std::initializer_list<u32> words, unsigned n) {
  const u64 code = (el == 0 ? kCodeEl0 : kCodeEl1) + n * 0x1000ULL;
  u64 at = code;
  for (const u32 word : words) {
    machine.write(at, word);
    at += 4;
  }
  machine.write(at, el == 0 ? svc(kDone) : hvc(kDone));
  return run_at(el, code, n);
}

Outcome Rig::run_at(unsigned el, u64 pc, unsigned n) {
  Cpu& c = cpu(n);
  const u32 spsr = pstate_to_spsr(c.s) & ~0xfU;
  set_pstate(c, spsr | (el == 0 ? 0 : 5));
  c.s.pc = pc;
  return resume(n);
}

Outcome Rig::resume(unsigned n) {
  Cpu& c = cpu(n);
  Outcome outcome;
  outcome.exit = machine.run(n);
  outcome.esr = c.s.sys.esr_el1;
  outcome.elr = c.s.sys.elr_el1;
  outcome.far = c.s.sys.far_el1;
  const u64 call = outcome.exit.syndrome & 0xffff;
  const bool called =
      outcome.exit.reason == ExitReason::kException && outcome.exit.syndrome >> 26 == 0x16;
  if (called && call == kDone) {
    outcome.completed = true;
  } else if (called && call >= kVectorCall && call < kVectorCall + 16) {
    outcome.vector = static_cast<unsigned>(call - kVectorCall);
    outcome.completed = outcome.ec() == 0x15 && outcome.iss() == kDone;
  } else {
    outcome.exited = true;
  }
  return outcome;
}

} // namespace softhv::testing
