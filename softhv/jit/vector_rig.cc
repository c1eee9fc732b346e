// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/vector_rig.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <gtest/gtest.h>
#include <sstream>
#include <string_view>
#include <sys/mman.h>

#include "arch/bits.h"
#include "softhv/fp/host_environment.h"
#include "softhv/interp/translator.h"
#include "softhv/isa/decoder.h"

namespace softhv::jit {
namespace {

constexpr size_t kCodeSize = 16384;
constexpr size_t kConstantsSize = 1024;
constexpr unsigned kValuesPerEncoding = 6;
constexpr unsigned kShownFailures = 3;
constexpr u32 kMxcsrDefault = 0x1f80;
constexpr u32 kMxcsrFlags = 0x3f;

// The registers of the host, before and after the code.
struct Frame {
  Vec xmm[16];
  u64 gpr[16];
  u32 mxcsr;
  u32 interpreted;
};

// The number in the field named by `letter`, or -1 when the row has none.
int field(const isa::Row& row, u32 word, char letter) {
  const std::string_view pattern = row.pattern;
  const size_t first = pattern.find(letter);
  if (first == std::string_view::npos)
    return -1;
  return static_cast<int>(bits(word, static_cast<unsigned>(31 - first),
                               static_cast<unsigned>(31 - pattern.rfind(letter))));
}

u64 immediate(const isa::Row& row, u32 word) {
  u64 value = 0;
  for (unsigned i = 32; i-- > 0;)
    if (row.pattern[31 - i] == 'i')
      value = value << 1 | (word >> i & 1);
  return value;
}

u64 host_flags(u32 nzcv) {
  const u64 ah = ((nzcv & kFlagN) != 0 ? 0x80U : 0U) | ((nzcv & kFlagZ) != 0 ? 0x40U : 0U) |
                 ((nzcv & kFlagC) != 0 ? 0U : 1U);
  return ah << 8 | ((nzcv & kFlagV) != 0 ? 1U : 0U);
}
u32 guest_flags(u64 rax) {
  return (bit(rax, 15) ? kFlagN : 0) | (bit(rax, 14) ? kFlagZ : 0) | (bit(rax, 8) ? 0 : kFlagC) |
         ((rax & 0xff) != 0 ? kFlagV : 0);
}

// IOC, DZC, OFC, UFC and IXC are IE, ZE, OE, UE and PE; the host's DE has no counterpart.
u32 guest_exceptions(u32 mxcsr) {
  return (mxcsr & 1) | (mxcsr >> 1 & 0b11110);
}

u8* map_code() {
  void* p = mmap(nullptr, kCodeSize, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<u8*>(p);
}

} // namespace

struct VectorRig::Case {
  const VectorRow& row;
  const isa::Row& isa_row;
  VectorOperands o = VectorOperands();
  int d = -1, n = -1, m = -1, a = -1; // guest registers; -1 where the pattern has none
  int x = -1;                         // likewise the general-purpose one
  bool writes_x = false;
  u32 begin = 0, size = 0; // of the code
  CpuState start = {}, expected = {}, actual = {};
  Frame before{}, after{};
};

VectorRig::VectorRig(const HostFeatures& host) : host_(host), memory_(map_code()) {}

VectorRig::~VectorRig() {
  if (memory_ != nullptr)
    munmap(memory_, kCodeSize);
}

// Lanes of one size that are special as integers of it.
Vec VectorRig::special_lanes() {
  const auto lane_bits = static_cast<unsigned>(8ULL << below(4));
  const u64 mask = lane_bits == 64 ? ~0ULL : (1ULL << lane_bits) - 1;
  const auto lane = [&]() -> u64 {
    switch (below(8)) {
    case 0: return 0;
    case 1: return mask;
    case 2: return 1ULL << (lane_bits - 1);
    case 3: return mask >> 1;
    case 4: return (1ULL << (lane_bits - 1)) + 1;
    case 5: return below(lane_bits + 2);
    case 6: return (0 - below(lane_bits + 2)) & mask;
    default: return random_() & mask;
    }
  };
  Vec v;
  for (u64& half : v.d)
    for (unsigned i = 0; i < 64; i += lane_bits)
      half |= lane() << i;
  return v;
}

// Floating-point numbers in all registers, of one format and kind, so that they go together.
void VectorRig::fill_with_numbers(bool of_halves) {
  struct Format {
    unsigned size, fraction_bits;
    u64 bias;
    u64 narrower_bias;
  };
  constexpr Format kFormats[] = {{64, 52, 1023, 127}, {32, 23, 127, 15}, {16, 10, 15, 15}};
  const Format& f = kFormats[of_halves ? 2 : below(2)];
  const u64 fractions = (1ULL << f.fraction_bits) - 1;
  const u64 kind = below(5);
  const auto magnitude = [&]() -> u64 {
    const u64 fraction = random_() & fractions;
    const u64 edge = (below(4) - 2) & fractions; // next to a power of two
    const u64 exponents[] = {1, f.bias / 2 - std::min<u64>(20, f.bias / 4), f.bias / 2,
                             f.bias / 2 + 1};
    const auto number = [&](u64 exponent, u64 bits) {
      return std::min(exponent, 2 * f.bias) << f.fraction_bits | bits;
    };
    switch (kind) {
    case 0: return number(f.bias - 8 + below(24), fraction);
    case 1: // products and their sums near the least normal number
      return number(exponents[below(4)], edge);
    case 2: // likewise when narrowed
      return number(f.bias - f.narrower_bias + below(2), edge);
    case 3: // integers and halves of them
      return number(f.bias - 1 + below(7), fraction & (fractions << (f.fraction_bits - 5)));
    default: // limits of integers
      return number(f.bias - 1 + 31 * below(3) + below(3), chance(70) ? edge : fraction);
    }
  };
  for (Vec& v : cpu_.s.v) {
    const unsigned negative = chance(70) ? 0 : 50;
    for (u64& half : v.d) {
      half = 0;
      for (unsigned i = 0; i < 64; i += f.size)
        half |= (magnitude() | (chance(negative) ? 1ULL << (f.size - 1) : 0)) << i;
    }
  }
}

u32 VectorRig::with_equal_registers(const isa::Row& row, u32 word) {
  constexpr std::string_view kLetters = "efgh";
  const std::string_view pattern = row.pattern;
  const char from = kLetters[below(4)];
  const size_t to = pattern.find(kLetters[below(4)]);
  const int value = field(row, word, from);
  if (value < 0 || to == std::string_view::npos)
    return word;
  const auto lsb = static_cast<unsigned>(31 - pattern.rfind(pattern[to]));
  const u32 mask = ((2U << (31 - to)) - 1) & ~((1U << lsb) - 1);
  const u32 changed = (word & ~mask) | ((static_cast<u32>(value) << lsb) & mask);
  return isa::decode(changed) == &row ? changed : word;
}

// Chooses host registers: one for each guest register, but a destination that is not read may share
// the register of an operand.
void VectorRig::place_operands(Case& c) {
  const u32 word = c.o.word;
  c.d = field(c.isa_row, word, 'e');
  c.n = field(c.isa_row, word, 'f');
  c.m = m_register(c.row, field(c.isa_row, word, 'g'), word);
  c.a = field(c.isa_row, word, 'h');
  int xmm[13];
  for (int i = 0; i < 13; ++i)
    xmm[i] = 3 + i;
  std::shuffle(xmm, xmm + 13, random_);
  int used = 0;
  const auto place = [&](Xbyak::Xmm& operand, int guest, std::span<const int> placed,
                         std::span<const Xbyak::Xmm> at) {
    if (guest < 0)
      return;
    const auto same = std::find(placed.begin(), placed.end(), guest);
    operand = same != placed.end() ? at[static_cast<size_t>(same - placed.begin())]
                                   : Xbyak::Xmm(xmm[used++]);
  };
  const int guests[] = {c.n, c.m, c.a};
  Xbyak::Xmm hosts[3];
  for (size_t i = 0; i < 3; ++i)
    place(hosts[i], guests[i], std::span(guests, i), hosts);
  c.o.n = hosts[0];
  c.o.m = hosts[1];
  c.o.a = hosts[2];
  const size_t sharer = below(3);
  if (c.d >= 0 && (c.row.traits & kReadsD) == 0 && guests[sharer] >= 0 && chance(25))
    c.o.d = hosts[sharer];
  else
    place(c.o.d, c.d, guests, hosts);
  const bool shared = c.d >= 0 && guests[sharer] != c.d && c.o.d.getIdx() == hosts[sharer].getIdx();
  if ((c.row.traits & kTable) != 0)
    place_table(c, shared ? -1 : c.d, std::span(xmm).subspan(used));

  const int written = field(c.isa_row, word, 'd');
  c.writes_x = written >= 0;
  c.x = c.writes_x ? written : field(c.isa_row, word, 'n');
  constexpr int kFree[] = {Xbyak::Operand::RSI, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  c.o.x = Xbyak::Reg64(kFree[below(std::size(kFree))]);
}

// The registers after n: where an operand is that is the same guest register, `d` among them, or
// anywhere. One and the same may be in memory too, as nothing has been written yet.
void VectorRig::place_table(Case& c, int d, std::span<const int> unused) {
  for (size_t i = 0; i < 3; ++i) {
    const int guest = (c.n + 1 + static_cast<int>(i)) & 31;
    int& host = c.o.table[i];
    if (chance(40))
      host = VectorOperands::kInMemory;
    else if (guest == c.m)
      host = c.o.m.getIdx();
    else
      host = guest == d ? c.o.d.getIdx() : unused[i];
  }
}

// The emitter's code between loading and storing a Frame, whose address is the argument.
bool VectorRig::assemble(Case& c) {
  using namespace Xbyak::util; // NOLINT(google-build-using-namespace)
  Assembler as(memory_, kCodeSize, kConstantsSize, host_);
  constexpr int kSaved[] = {3, 5, 12, 13, 14, 15, 7};
  for (const int r : kSaved)
    as.push(Xbyak::Reg64(r));
  as.ldmxcsr(ptr[rdi + static_cast<int>(offsetof(Frame, mxcsr))]);
  for (int i = 0; i < 16; ++i)
    as.movaps(Xbyak::Xmm(i), ptr[rdi + (static_cast<int>(offsetof(Frame, xmm)) + 16 * i)]);
  const auto gpr = [](int i) { return static_cast<int>(offsetof(Frame, gpr)) + 8 * i; };
  for (int i = 0; i < 16; ++i)
    if (i != Xbyak::Operand::RSP && i != Xbyak::Operand::RDI)
      as.mov(Xbyak::Reg64(i), ptr[rdi + gpr(i)]);
  as.mov(rdi, ptr[rdi + gpr(Xbyak::Operand::RDI)]);

  c.begin = as.position();
  const bool emitted = c.row.emit(as, c.o);
  c.size = as.position() - c.begin;
  if (!emitted) {
    EXPECT_EQ(c.size, 0U) << "an emitter that declines has written something";
    EXPECT_TRUE(as.slow().empty());
    return false;
  }
  EXPECT_FALSE(as.constants_full());

  as.mov(rcx, ptr[rsp]);
  const u32 store = as.position();
  for (int i = 0; i < 16; ++i)
    as.movaps(ptr[rcx + (static_cast<int>(offsetof(Frame, xmm)) + 16 * i)], Xbyak::Xmm(i));
  for (int i = 0; i < 16; ++i)
    if (i != Xbyak::Operand::RSP && i != Xbyak::Operand::RCX)
      as.mov(ptr[rcx + gpr(i)], Xbyak::Reg64(i));
  as.stmxcsr(ptr[rcx + static_cast<int>(offsetof(Frame, mxcsr))]);
  for (size_t i = std::size(kSaved); i-- > 0;)
    as.pop(Xbyak::Reg64(kSaved[i]));
  as.ret();

  for (const Assembler::Fixup jump : as.slow())
    as.bind(jump);
  as.mov(rcx, ptr[rsp]);
  as.mov(dword[rcx + static_cast<int>(offsetof(Frame, interpreted))], 1);
  as.jump_to(store);
  return true;
}

// Operand values: both states, and the host's registers that hold the operands, among others that
// hold anything.
void VectorRig::fill(Case& c, const difftest_registers& r) {
  CpuState& s = cpu_.s;
  std::copy_n(r.x, 31, s.x);
  s.x[kRegSp] = r.sp;
  s.x[kRegZero] = s.x[kRegSink] = 0;
  s.pstate.nzcv = static_cast<u32>(r.nzcv);
  s.fpcr = (c.row.traits & kUsesFpcr) != 0 ? 0 : static_cast<u32>(r.fpcr);
  s.fpsr = static_cast<u32>(r.fpsr);
  std::memcpy(s.v, r.v, sizeof r.v);
  for (Vec& v : s.v)
    if (chance(30))
      v = special_lanes();
  if ((c.row.traits & kUsesFpcr) != 0 && chance(60))
    fill_with_numbers(std::string_view(c.isa_row.id).ends_with("Half") || chance(10));
  c.actual = c.start = s;

  Frame& f = c.before;
  for (Vec& v : f.xmm)
    v = {{random_(), random_()}};
  for (u64& x : f.gpr)
    x = random_();
  f.interpreted = 0;
  f.mxcsr = kMxcsrDefault | (chance(70) ? 0 : static_cast<u32>(random_()) & kMxcsrFlags);
  f.gpr[Xbyak::Operand::RAX] = host_flags(s.pstate.nzcv);
  f.gpr[Xbyak::Operand::RBP] = reinterpret_cast<u64>(&c.actual.x[16]);
  if (c.d >= 0 && (c.row.traits & kReadsD) != 0)
    f.xmm[c.o.d.getIdx()] = s.v[c.d];
  for (size_t i = 0; i < 3; ++i)
    if (c.o.table[i] >= 0)
      f.xmm[c.o.table[i]] = s.v[(c.n + 1 + static_cast<int>(i)) & 31];
  if (c.n >= 0)
    f.xmm[c.o.n.getIdx()] = s.v[c.n];
  if (c.m >= 0)
    f.xmm[c.o.m.getIdx()] = s.v[c.m];
  if (c.a >= 0)
    f.xmm[c.o.a.getIdx()] = s.v[c.a];
  if (c.x >= 0 && !c.writes_x)
    f.gpr[c.o.x.getIdx()] = s.x[c.x == 31 ? kRegZero : c.x];
}

void VectorRig::run_translated(Case& c) {
  c.after = c.before;
  {
    const fp::HostEnvironment environment;
    reinterpret_cast<void (*)(Frame*)>(memory_ + kConstantsSize)(&c.after);
  }
  const Frame& f = c.after;
  if (f.interpreted != 0)
    return;
  if (c.d >= 0)
    c.actual.v[c.d] = f.xmm[c.o.d.getIdx()];
  if (c.x >= 0 && c.writes_x)
    c.actual.x[c.x == 31 ? kRegSink : c.x] = f.gpr[c.o.x.getIdx()];
  if ((c.row.traits & kWritesFlags) != 0)
    c.actual.pstate.nzcv = guest_flags(f.gpr[Xbyak::Operand::RAX]);
}

// Whether the interpreter ran the instruction to its end.
bool VectorRig::run_interpreted(Case& c) {
  constexpr u64 kPc = 0x1000;
  const fp::HostEnvironment environment;
  interp::Op ops[2];
  interp::translate(c.o.word, {}, ops[0]);
  ops[1] = interp::terminator(1);
  cpu_.s.pc = cpu_.block_pc = kPc;
  for (const interp::Op* op = ops; op != nullptr;)
    op = op->fn(cpu_, op);
  c.expected = cpu_.s;
  c.expected.x[kRegSink] = c.actual.x[kRegSink];
  c.actual.pc = kPc + 4;
  return cpu_.s.pc == kPc + 4;
}

// What is wrong with the outcome; empty when nothing is.
std::string VectorRig::difference(const Case& c) const {
  std::ostringstream out;
  out << std::hex;
  const CpuState& e = c.expected;
  const u32 raised = guest_exceptions(c.after.mxcsr);
  if (c.after.interpreted != 0) {
    if ((raised & ~guest_exceptions(c.before.mxcsr) & ~e.fpsr) != 0)
      out << "\n  MXCSR is " << c.after.mxcsr << ", which the instruction does not raise";
    if (std::memcmp(&c.actual, &c.start, offsetof(CpuState, pc)) != 0 ||
        c.actual.fpsr != c.start.fpsr)
      out << "\n  CpuState has changed";
  } else {
    CpuState a = c.actual;
    a.fpsr |= raised;
    const u32 fpsr = e.fpsr | guest_exceptions(c.before.mxcsr);
    for (unsigned i = 0; i < 32; ++i)
      if (a.v[i] != e.v[i])
        out << "\n  v" << std::dec << i << std::hex << " is " << a.v[i].d[1] << ":" << a.v[i].d[0]
            << " instead of " << e.v[i].d[1] << ":" << e.v[i].d[0];
    for (unsigned i = 0; i < 31; ++i)
      if (a.x[i] != e.x[i])
        out << "\n  x" << std::dec << i << std::hex << " is " << a.x[i] << " instead of " << e.x[i];
    if (a.pstate.nzcv != e.pstate.nzcv)
      out << "\n  NZCV is " << a.pstate.nzcv << " instead of " << e.pstate.nzcv;
    if (a.fpsr != fpsr)
      out << "\n  FPSR is " << a.fpsr << " instead of " << fpsr;
    a.fpsr = e.fpsr;
    if (out.str().empty() && std::memcmp(&a, &e, offsetof(CpuState, exclusive_size)) != 0)
      out << "\n  some other part of CpuState differs";
  }
  const bool interpreted = c.after.interpreted != 0;
  for (int i = 3; i < 16; ++i)
    if ((interpreted || c.d < 0 || i != c.o.d.getIdx()) && c.after.xmm[i] != c.before.xmm[i])
      out << "\n  xmm" << std::dec << i << " has changed" << std::hex;
  for (const int i : {0, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15}) {
    const bool result = (i == 0 && (c.row.traits & kWritesFlags) != 0) ||
                        (c.x >= 0 && c.writes_x && i == c.o.x.getIdx());
    if ((interpreted || !result) && c.after.gpr[i] != c.before.gpr[i])
      out << "\n  " << Xbyak::Reg64(i).toString() << " has changed";
  }
  return out.str();
}

void VectorRig::run(Case& c, const difftest_registers& r, RowReport& report) {
  fill(c, r);
  run_translated(c);
  ++report.runs;
  report.interpreted += c.after.interpreted;
  const bool complete = run_interpreted(c);
  std::string wrong = complete ? difference(c) : " the interpreter took an exception";
  if (wrong.empty())
    return;
  if (report.failures++ >= kShownFailures)
    return;
  std::ostringstream operands;
  operands << std::hex;
  for (const int v : {c.d, c.n, c.m, c.a})
    if (v >= 0)
      operands << "  v" << std::dec << v << " " << std::hex << c.start.v[v].d[1] << ":"
               << c.start.v[v].d[0];
  if (c.x >= 0)
    operands << "  x" << std::dec << c.x << std::hex << " "
             << c.start.x[c.x == 31 ? kRegZero : static_cast<u8>(c.x)];
  operands << "  fpcr " << c.start.fpcr << " fpsr " << c.start.fpsr << " mxcsr " << c.before.mxcsr;
  ADD_FAILURE() << c.isa_row.id << " (" << c.isa_row.title << ") " << std::hex << c.o.word
                << ", d n m a in " << c.o.d.toString() << " " << c.o.n.toString() << " "
                << c.o.m.toString() << " " << c.o.a.toString() << ":" << wrong << "\n  operands"
                << operands.str();
}

RowReport VectorRig::check(const VectorRow& row, unsigned encodings) {
  const isa::Row& isa_row = isa::rows()[static_cast<size_t>(row.id)];
  RowReport report;
  if (memory_ == nullptr) {
    ADD_FAILURE() << "no executable memory";
    return report;
  }
  // Seeded by the row's name, so that adding rows changes no other row's cases.
  const u64 seed = std::hash<std::string_view>{}(isa_row.id);
  random_.seed(seed);
  generator_ = std::make_unique<difftest::Generator>(seed);
  for (; report.encodings < encodings; ++report.encodings) {
    Case c{.row = row, .isa_row = isa_row};
    c.o.word = generator_->make(isa_row).words[0];
    if (chance(40))
      c.o.word = with_equal_registers(isa_row, c.o.word);
    c.o.imm = immediate(isa_row, c.o.word);
    place_operands(c);
    if (!assemble(c)) {
      ++report.declined;
      continue;
    }
    report.bytes += c.size;
    for (unsigned i = 0; i < kValuesPerEncoding; ++i)
      run(c, generator_->make(isa_row).registers, report);
  }
  return report;
}

} // namespace softhv::jit
