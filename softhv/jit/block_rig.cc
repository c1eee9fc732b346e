// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/block_rig.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "arch/sysreg.h"
#include "softhv/isa/decoder.h"
#include "softhv/jit/lockstep_report.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/exception.h"

namespace softhv::jit {
namespace {

using testing::kCodeEl0;
using testing::kCodeEl1;
using testing::kData;
using testing::kDescAf;
using testing::kDescInner;
using testing::kDescReadOnly;
using testing::kDescUser;
using testing::Rig;

// Writable, writable, read-only, not mapped, EL1's own, Device memory.
constexpr unsigned kDataPages = 6;
constexpr u64 kPage = kTlbPageSize;

u64 seed_of(std::span<const u8> input) {
  u64 seed = 0xcbf2'9ce4'8422'2325;
  for (const u8 byte : input)
    seed = (seed ^ byte) * 0x100'0000'01b3;
  return seed;
}

struct Field {
  unsigned low = 0;
  unsigned width = 0;
};

Field field_of(const isa::Row& row, char letter) {
  const std::string_view pattern = row.pattern;
  const size_t first = pattern.find(letter);
  if (first == std::string_view::npos)
    return {};
  const size_t last = pattern.rfind(letter);
  return {static_cast<unsigned>(31 - last), static_cast<unsigned>(last - first + 1)};
}

u32 get(u32 word, Field f) {
  return (word >> f.low) & ((1U << f.width) - 1);
}
u32 set(u32 word, Field f, u32 value) {
  const u32 mask = ((1U << f.width) - 1) << f.low;
  return (word & ~mask) | (value << f.low & mask);
}

} // namespace

BlockGenerator::BlockGenerator(std::span<const u8> input)
    : input_(input), random_(seed_of(input)), registers_(seed_of(input)) {}

u64 BlockGenerator::random() {
  if (input_.empty())
    return random_();
  u64 value = 0;
  const size_t size = std::min<size_t>(2, input_.size());
  std::memcpy(&value, input_.data(), size);
  input_ = input_.subspan(size);
  return value;
}

void BlockGenerator::add(BlockCase& c, u32 word, bool may_enter) {
  c.words.push_back(word);
  c.entered.push_back(may_enter);
}

// Addresses come from the pointers, which are seldom overwritten; the counter never is.
u32 BlockGenerator::with_registers(const isa::Row& row, u32 word) {
  if ((row.traits & isa::kTraitMem) != 0) {
    if (const Field base = field_of(row, 'N'); base.width != 0)
      word = set(word, base, chance(15) ? 31 : kFirstPointer + static_cast<u32>(below(kPointers)));
    if (const Field index = field_of(row, 'm'); index.width != 0)
      word = set(word, index, kFirstIndex + static_cast<u32>(below(kIndices)));
  }
  for (const char letter : std::string_view("dDlswk")) {
    const Field f = field_of(row, letter);
    if (f.width == 0)
      continue;
    const u32 r = get(word, f);
    if (r == kCounter || (r >= kFirstIndex && r < kCounter && !chance(10)))
      word = set(word, f, r == kCounter ? 3 : r - 16);
  }
  return word;
}

void BlockGenerator::add_row(BlockCase& c) {
  const auto rows = isa::rows();
  for (;;) {
    const isa::Row& row = rows[below(rows.size())];
    if ((row.traits & (isa::kTraitSystem | isa::kTraitBranch)) != 0)
      continue;
    for (int attempt = 0; attempt < 100; ++attempt) {
      const u32 fields = static_cast<u32>(random()) << 16 ^ static_cast<u32>(random());
      const u32 word = with_registers(row, (fields & ~row.mask) | row.value);
      if (isa::decode(word) != &row)
        continue;
      // Pairs write a second register, whose letter the pattern need not have: CASP.
      const bool writes_back = (row.traits & isa::kTraitMem) != 0;
      const Field base = field_of(row, 'N');
      if (writes_back && base.width != 0 && get(word, base) == kCounter)
        continue;
      if (std::string_view(row.id).starts_with("kCasp") && ((word >> 16) & 30) == 28)
        continue;
      add(c, word);
      return;
    }
  }
}

// Branches, to be resolved when the length of the program is known.
void BlockGenerator::add_control(BlockCase& c, unsigned length) {
  const size_t at = c.words.size();
  const u32 r = static_cast<u32>(below(30));
  switch (below(8)) {
  case 0:
  case 1:
    add(c, 0x5400'0000 | static_cast<u32>(below(16))); // B.cond
    jumps_.push_back({at, 19, 5, false});
    break;
  case 2:
    add(c, (chance(50) ? 0x3400'0000 : 0xb500'0000) | r); // CBZ, CBNZ
    jumps_.push_back({at, 19, 5, false});
    break;
  case 3:
    add(c, (chance(50) ? 0x3600'0000 : 0xb700'0000) | static_cast<u32>(below(32)) << 19 | r);
    jumps_.push_back({at, 14, 5, false}); // TBZ, TBNZ
    break;
  case 4:
    add(c, chance(50) ? 0x1400'0000 : 0x9400'0000); // B, BL
    jumps_.push_back({at, 26, 0, false});
    break;
  case 5: { // ADR, then BR, BLR or RET
    const u32 through = static_cast<u32>(below(20));
    constexpr u32 kBranches[] = {0xd61f'0000, 0xd63f'0000, 0xd65f'0000};
    add(c, 0x1000'0000 | through);
    add(c, kBranches[below(3)] | through << 5, false);
    jumps_.push_back({at, 19, 5, false});
    break;
  }
  default: // a loop, of a bounded number of rounds
    if (at == 0 || at + 2 >= length)
      break;
    add(c, kSubCounter);
    add(c, kTbzCounter, false);
    jumps_.push_back({at + 1, 14, 5, true});
    break;
  }
}

void BlockGenerator::resolve(BlockCase& c) {
  c.entered.push_back(true); // the end
  for (const Jump& jump : jumps_) {
    size_t target = jump.target     ? *jump.target
                    : jump.backward ? below(jump.index)
                                    : jump.index + 1 + below(c.words.size() - jump.index);
    while (!c.entered[target])
      jump.backward ? --target : ++target;
    const auto offset = static_cast<u32>(target - jump.index);
    c.words[jump.index] = set(c.words[jump.index], {jump.low, jump.width}, offset);
  }
}

void BlockGenerator::fill(BlockCase& c) {
  const difftest_registers r = registers_.make(isa::rows()[below(isa::rows().size())]).registers;
  CpuState& s = c.state;
  std::copy_n(r.x, 31, s.x);
  std::memcpy(s.v, r.v, sizeof r.v);
  s.pstate.nzcv = static_cast<u32>(r.nzcv);
  s.fpcr = static_cast<u32>(r.fpcr);
  s.fpsr = static_cast<u32>(r.fpsr);
  for (u32 i = 0; i < kIndices; ++i)
    s.x[kFirstIndex + i] = chance(80) ? below(64) : -below(64);
  const auto offset = [&] { return chance(60) ? 8 * below(32) : below(256); };
  const auto boundary = [&](u64 page) {
    return kData + page * kPage - (chance(60) ? below(24) : 8 * below(64));
  };
  s.x[kFirstPointer] = kData + 512 + offset();
  s.x[kFirstPointer + 1] = chance(70) ? kData + kPage + 512 + offset() : boundary(1);
  s.x[kFirstPointer + 2] = chance(50) ? boundary(1) : boundary(2);
  s.x[kFirstPointer + 3] = chance(60) ? kData + 512 + 16 * below(16) : kData + 2 * kPage + offset();
  s.x[kFirstPointer + 4] =
      chance(80) ? kData + (chance(60) ? 0 : below(kDataPages)) * kPage + 512 + offset()
                 : boundary(2 + below(kDataPages - 2));
  s.x[kCounter] = chance(60) ? below(6) : below(60);
  s.x[kRegSp] = kData + 0x800 + (chance(90) ? 16 * below(8) : below(16));
}

BlockCase BlockGenerator::make() {
  BlockCase c;
  jumps_.clear();
  c.el = chance(70) ? 0 : 1;
  c.cold = chance(25);
  c.piece = 1 + below(12);
  const auto length = static_cast<unsigned>(1 + below(chance(80) ? 16 : 60));
  while (c.words.size() < length) {
    const u64 what = below(100);
    if (what < 20)
      add_control(c, length);
    else if (what < 25)
      add_nothing(c);
    else if (what < 33)
      add_near_accesses(c);
    else if (what < 39)
      add_loop(c);
    else if (what < 42)
      add_constant(c);
    else if (what < 44)
      add_remainder(c);
    else if (what < 46)
      add_status(c);
    else
      add_row(c);
  }
  resolve(c);
  fill(c);
  // At the end of a page now and then, so that blocks and branches leave it.
  const u64 code = c.el == 0 ? kCodeEl0 : kCodeEl1;
  c.pc = code + (chance(30) ? kPage - 4 * (1 + below(c.words.size())) : 4 * below(64));
  return c;
}

// One engine with its machine.
struct BlockRig::Side {
  explicit Side(const EngineOptions& options) : rig(options) {
    constexpr u64 kNormal = kDescAf | kDescInner;
    constexpr u64 kAttributes[] = {kNormal | kDescUser,
                                   kNormal | kDescUser,
                                   kNormal | kDescUser | kDescReadOnly,
                                   0,
                                   kNormal,
                                   kNormal | kDescUser | testing::desc_attr(1)};
    // What is behind a page's end is not what follows it in memory.
    constexpr u64 kFrames[] = {0, 2, 1, 3, 5, 4};
    for (unsigned i = 0; i < kDataPages; ++i)
      if (kAttributes[i] != 0)
        rig.tables.map(kData + i * kPage, kData + kFrames[i] * kPage, kAttributes[i]);
    using kindling::arch::sysreg;
    rig.set_sysreg(sysreg(3, 0, 1, 0, 0),
                   testing::kSctlrM | testing::kSctlrSa | testing::kSctlrSa0 | testing::kSctlrSpan);
  }

  void load(const BlockCase& c) {
    for (u64 i = 0; i < kDataPages * kPage; i += 4)
      rig.machine.write(kData + i, difftest_data_word(static_cast<u32>(i / 4)));
    for (size_t i = 0; i < c.words.size(); ++i)
      rig.machine.write(c.pc + 4 * i, c.words[i]);
    rig.machine.write(c.pc + 4 * c.words.size(), testing::svc(0x200));
    Cpu& cpu = rig.cpu();
    if (c.cold)
      cpu.mmu->invalidate({.kind = ShootdownRequest::Kind::kAll});
    CpuState s = c.state;
    s.sys = cpu.s.sys;
    s.sys.esr_el1 = s.sys.far_el1 = s.sys.elr_el1 = s.sys.spsr_el1 = 0;
    cpu.s = s;
    set_pstate(cpu, s.pstate.nzcv | (c.el == 0 ? 0 : 5));
    cpu.s.sp_el[0] = cpu.s.sp_el[1] = cpu.s.x[kRegSp] = s.x[kRegSp];
    cpu.s.pc = c.pc;
    cpu.retired = 0;
  }
  void run(const BlockCase& c) {
    load(c);
    outcome = rig.resume();
  }
  void run_to(u64 limit) {
    rig.cpu().retire_limit = limit;
    outcome = rig.resume();
  }

  Lockstep::Result result() {
    Cpu& cpu = rig.cpu();
    return {.s = cpu.s, .begun = cpu.retired, .exits = cpu.exit_pending, .exit = cpu.exit};
  }
  const u8* memory() { return rig.machine.host(kData); }

  Rig rig;
  testing::Outcome outcome;
};

BlockRig::BlockRig(u32 mistranslated) {
  interpreter_ = std::make_unique<Side>(EngineOptions{.engine = softhv::Engine::kInterpreter});
  for (const HostLevel level : {HostLevel::kAll, HostLevel::kAvx, HostLevel::kBaseline})
    jits_.push_back(std::make_unique<Side>(EngineOptions{.engine = softhv::Engine::kJit,
                                                         .mistranslated = mistranslated,
                                                         .rounds_to_improve = 1,
                                                         .host_level = level}));
  counting_ = std::make_unique<Side>(EngineOptions{
      .engine = softhv::Engine::kJit, .mistranslated = mistranslated, .rounds_to_improve = 2});
}
BlockRig::~BlockRig() = default;

const testing::Outcome& BlockRig::outcome() const {
  return interpreter_->outcome;
}

std::string BlockRig::compare(const BlockCase& c, Side& side, const char* how) {
  const Lockstep::Result expected = interpreter_->result();
  Lockstep::Result found = side.result();
  if (&side != counting_.get())
    found.begun = expected.begun;
  constexpr u64 kSize = kDataPages * kPage;
  const u8* memory = interpreter_->memory();
  if (same_result(found, expected) && std::memcmp(side.memory(), memory, kSize) == 0)
    return {};
  CpuState before = c.state;
  before.pc = c.pc;
  before.pstate.el = static_cast<u8>(c.el);
  WriteJournal::Write write;
  const auto at = std::mismatch(side.memory(), side.memory() + kSize, memory);
  write.host = const_cast<u8*>(at.first);
  write.va = kData + static_cast<u64>(at.first - side.memory());
  write.size = write.va == kData + kSize ? 0 : 1;
  std::memcpy(write.after, at.second, write.size);
  return std::string(how) + "\n" +
         describe({.words = c.words,
                   .before = before,
                   .interpreted = expected,
                   .translated = found,
                   .writes = {&write, 1}});
}

std::string BlockRig::run(const BlockCase& c) {
  interpreter_->rig.cpu().retire_limit = kNoRetireLimit;
  interpreter_->run(c);
  constexpr const char* kLevels[] = {"all host features", "no AVX2", "no more than SSE4.2"};
  for (size_t level = 0; level < jits_.size(); ++level)
    for (unsigned round = 0; round < 2; ++round) {
      jits_[level]->run(c);
      if (std::string text = compare(c, *jits_[level], kLevels[level]); !text.empty())
        return text;
    }
  counting_->rig.cpu().retire_limit = kNoRetireLimit - 1;
  counting_->run(c);
  if (std::string text = compare(c, *counting_, "counting"); !text.empty())
    return text;
  return run_counting(c);
}

// Both engines stop at the same counts.
std::string BlockRig::run_counting(const BlockCase& c) {
  interpreter_->load(c);
  counting_->load(c);
  std::string text;
  for (u64 limit = c.piece;; limit += c.piece) {
    interpreter_->run_to(limit);
    counting_->run_to(limit);
    text = compare(c, *counting_, "counting, with stops");
    if (!text.empty() || interpreter_->rig.cpu().exit_pending)
      return text;
  }
}

} // namespace softhv::jit
