// SPDX-License-Identifier: Apache-2.0
#include "softhv/difftest/softhv_side.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include "arch/bits.h"
#include "softhv/core/engine.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/exception.h"

namespace softhv::difftest {
namespace {

// Guest-physical layout of the harness.
constexpr u64 kPrivilegedIpa = 0x4000'0000; // page tables and vectors, EL1 only
constexpr u64 kPrivilegedSize = 2ULL << 20;
constexpr u64 kVectors = kPrivilegedIpa + 0x10000;
constexpr u64 kCodeIpa = 0x5000'0000;
constexpr u64 kDataIpa = 0x5800'0000;

// Arm ARM D8.3: VMSAv8-64 descriptors, 4 KiB granule.
constexpr u64 kTable = 0b11;
constexpr u64 kBlock = 0b01;
constexpr u64 kPage = 0b11;
constexpr u64 kNormal = (1ULL << 10) | (3ULL << 8); // AF, inner shareable, MAIR index 0
constexpr u64 kUser = 1ULL << 6;                    // AP[1]

constexpr u32 kHvc0 = 0xd400'0002;

u32 signal_of(u64 esr) {
  const auto ec = static_cast<ExceptionClass>(bits(esr, 31, 26));
  switch (ec) {
  case ExceptionClass::kBrk64: return SIGTRAP;
  case ExceptionClass::kPcAlignment:
  case ExceptionClass::kSpAlignment: return SIGBUS;
  case ExceptionClass::kDataAbortLower: return bits(esr, 5, 0) == 0b100001 ? SIGBUS : SIGSEGV;
  case ExceptionClass::kInstructionAbortLower: return SIGSEGV;
  default: return SIGILL;
  }
}

} // namespace

struct SoftHvSide::Memory {
  alignas(4096) u8 privileged[kPrivilegedSize];
  alignas(4096) u8 code[DIFFTEST_CODE_SIZE];
  alignas(4096) u8 data[DIFFTEST_DATA_SIZE];
  u8 pristine_data[DIFFTEST_DATA_SIZE];
};

SoftHvSide::SoftHvSide(const EngineOptions& options)
    : memory_(std::make_unique<Memory>()), vm_(std::make_unique<Vm>(40U)),
      cpu_(std::make_unique<Cpu>(*vm_, 0)) {
  vm_->set_engine_options(options);
  for (u32 i = 0; i < DIFFTEST_CODE_SIZE / 4; ++i) {
    const u32 word = difftest_code_word(i);
    std::memcpy(memory_->code + 4ULL * i, &word, 4);
  }
  for (u32 i = 0; i < DIFFTEST_DATA_SIZE / 4; ++i) {
    const u32 word = difftest_data_word(i);
    std::memcpy(memory_->pristine_data + 4ULL * i, &word, 4);
  }
  std::memcpy(memory_->data, memory_->pristine_data, DIFFTEST_DATA_SIZE);
  for (u64 vector = 0; vector < 0x800; vector += 0x80)
    std::memcpy(memory_->privileged + (kVectors - kPrivilegedIpa) + vector, &kHvc0, 4);
  constexpr u64 kAll = kStage2Read | kStage2Write | kStage2Exec;
  vm_->stage2.map(memory_->privileged, kPrivilegedIpa, kPrivilegedSize, kAll);
  vm_->stage2.map(memory_->code, kCodeIpa, DIFFTEST_CODE_SIZE, kAll);
  vm_->stage2.map(memory_->data, kDataIpa, DIFFTEST_DATA_SIZE, kAll);
  build_page_tables();

  SystemRegisters& sys = cpu_->s.sys;
  sys.mair_el1 = 0xff; // index 0: Normal, write-back
  sys.ttbr0_el1 = kPrivilegedIpa;
  sys.tcr_el1 = 16 | (1ULL << 8) | (1ULL << 10) | (3ULL << 12) | (1ULL << 23) | (2ULL << 32) |
                (1ULL << 37); // T0SZ, cacheable walks, EPD1, 40-bit IPS, TBI0 as Linux sets it
  sys.vbar_el1 = kVectors;
  sys.cpacr_el1 = 3ULL << 20;
  // M, C, I, and what Linux grants EL0: UCT, UCI, DZE, nTWI, nTWE. SA0 stays off because user-mode
  // QEMU does not check SP alignment.
  sys.sctlr_el1 = 0x30d0'0800 | (1ULL << 0) | (1ULL << 2) | (1ULL << 12) | (1ULL << 14) |
                  (1ULL << 15) | (1ULL << 16) | (1ULL << 18) | (1ULL << 26);
  cpu_->mmu->context_changed();
}

SoftHvSide::~SoftHvSide() = default;

void SoftHvSide::build_page_tables() {
  auto* tables = reinterpret_cast<u64(*)[512]>(memory_->privileged);
  const auto table_ipa = [](u64 index) { return kPrivilegedIpa + index * 4096; };
  enum : u8 { kL0, kL1, kL2Privileged, kL2Code, kL2Data, kL3Data };
  tables[kL0][0] = table_ipa(kL1) | kTable;
  tables[kL1][kPrivilegedIpa >> 30] = table_ipa(kL2Privileged) | kTable;
  tables[kL1][DIFFTEST_CODE_BASE >> 30] = table_ipa(kL2Code) | kTable;
  tables[kL1][DIFFTEST_DATA_BASE >> 30] = table_ipa(kL2Data) | kTable;
  tables[kL2Privileged][0] = kPrivilegedIpa | kNormal | kBlock;
  for (u64 i = 0; i < DIFFTEST_CODE_SIZE >> 21; ++i)
    tables[kL2Code][i] = (kCodeIpa + (i << 21)) | kNormal | kUser | kBlock;
  tables[kL2Data][0] = table_ipa(kL3Data) | kTable;
  for (u64 i = 0; i < DIFFTEST_DATA_SIZE >> 12; ++i)
    tables[kL3Data][i] = (kDataIpa + (i << 12)) | kNormal | kUser | kPage;
}

void SoftHvSide::load(const difftest_case& c) {
  constexpr u64 kSlotOffset = DIFFTEST_SLOT - DIFFTEST_CODE_BASE;
  for (u32 i = 0; i < DIFFTEST_MAX_WORDS; ++i) {
    const u32 word = i < c.count ? c.words[i] : difftest_code_word(kSlotOffset / 4 + i);
    std::memcpy(memory_->code + kSlotOffset + 4ULL * i, &word, 4);
  }
  // The host wrote the page behind the guest's back: new code, not to be looked for.
  vm_->stage2.lookup(kCodeIpa + kSlotOffset)->info->fetch_add(kPageGeneration);

  const difftest_registers& r = c.registers;
  CpuState& s = cpu_->s;
  set_pstate(*cpu_, static_cast<u32>(r.nzcv)); // EL0t, nothing masked
  std::copy_n(r.x, 31, s.x);
  s.x[kRegSp] = r.sp;
  s.pc = DIFFTEST_SLOT;
  s.fpcr = static_cast<u32>(r.fpcr);
  s.fpsr = static_cast<u32>(r.fpsr);
  std::memcpy(s.v, r.v, sizeof r.v);
  s.exclusive_size = 0;
}

difftest_outcome SoftHvSide::run(difftest_case& c) {
  load(c);
  cpu_->exit_pending = false;
  run_engine(*cpu_);
  return harvest(c);
}

difftest_outcome SoftHvSide::harvest(difftest_case& c) {
  const CpuState& s = cpu_->s;
  difftest_outcome outcome{};
  outcome.signal = signal_of(s.sys.esr_el1);
  difftest_registers& r = outcome.registers;
  std::copy_n(s.x, 31, r.x);
  r.sp = s.sp_el[0];
  r.pc = s.sys.elr_el1;
  r.nzcv = s.sys.spsr_el1 & 0xf000'0000;
  r.fpcr = s.fpcr;
  r.fpsr = s.fpsr;
  std::memcpy(r.v, s.v, sizeof r.v);

  u8* data = memory_->data;
  const u8* pristine = memory_->pristine_data;
  if (std::memcmp(data, pristine, DIFFTEST_DATA_SIZE) != 0) {
    const auto changed =
        static_cast<u32>(std::mismatch(data, data + DIFFTEST_DATA_SIZE, pristine).first - data);
    if (changed < c.window || changed >= c.window + DIFFTEST_WINDOW - 64)
      c.window = std::min<u32>(changed & ~7U, DIFFTEST_DATA_SIZE - DIFFTEST_WINDOW);
  }
  std::memcpy(outcome.window, data + c.window, DIFFTEST_WINDOW);
  std::memcpy(data + c.window, pristine + c.window, DIFFTEST_WINDOW);
  return outcome;
}

} // namespace softhv::difftest
