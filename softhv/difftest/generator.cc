// SPDX-License-Identifier: Apache-2.0
#include "softhv/difftest/generator.h"

#include <cstring>
#include <string_view>

#include "arch/bits.h"
#include "softhv/isa/decoder.h"

namespace softhv::difftest {
namespace {

using isa::Row;

// The value of the register field named by `letter`, or -1 when the row has none.
int field(const Row& row, u32 word, char letter) {
  const std::string_view pattern = row.pattern;
  const size_t first = pattern.find(letter);
  if (first == std::string_view::npos)
    return -1;
  const size_t last = pattern.rfind(letter);
  return static_cast<int>(
      bits(word, static_cast<unsigned>(31 - first), static_cast<unsigned>(31 - last)));
}

// Loads and stores of overlapping registers are CONSTRAINED UNPREDICTABLE in most forms; engines
// may differ there.
bool has_distinct_registers(const Row& row, u32 word) {
  u32 seen = 0;
  for (const char letter : std::string_view("NtlukwsmehD")) {
    const int r = field(row, word, letter);
    const bool vector = letter == 'e' || letter == 'h';
    if (r < 0 || (r == 31 && !vector))
      continue;
    if ((seen & (1U << r)) != 0)
      return false;
    seen |= 1U << r;
  }
  return true;
}

// Arm ARM C4.1.94: exclusives, ordered accesses and compare-and-swap; LSE atomics.
bool is_exclusive_class(u32 word) {
  return bits(word, 29, 24) == 0b001000;
}
bool is_atomic_class(u32 word) {
  return bits(word, 29, 24) == 0b111000 && bit(word, 21) && bits(word, 11, 10) == 0;
}

bool is_store_exclusive(u32 word) {
  return is_exclusive_class(word) && !bit(word, 23) && !bit(word, 22) &&
         (!bit(word, 21) || bit(word, 31));
}

bool is_branch_to_self(const Row& row, u32 word) {
  u32 offset_bits = 0;
  for (unsigned i = 0; i < 32; ++i)
    if (row.pattern[31 - i] == 'i')
      offset_bits |= 1U << i;
  return offset_bits != 0 && (word & offset_bits) == 0;
}

constexpr u64 kDataMiddle = DIFFTEST_DATA_BASE + DIFFTEST_DATA_SIZE / 2;

u64 data_at(u64 address) {
  const u32 index = static_cast<u32>((address - DIFFTEST_DATA_BASE) / 4);
  return difftest_data_word(index) | (static_cast<u64>(difftest_data_word(index + 1)) << 32);
}

} // namespace

bool is_testable(const Row& row) {
  return (row.traits & isa::kTraitSystem) == 0;
}

u32 Generator::encode(const Row& row) {
  for (int attempt = 0; attempt < 100'000; ++attempt) {
    u32 word = (static_cast<u32>(random_()) & ~row.mask) | row.value;
    if (isa::decode(word) != &row)
      continue;
    if ((row.traits & isa::kTraitMem) != 0 && !has_distinct_registers(row, word))
      continue;
    // A branch to itself never ends.
    if ((row.traits & isa::kTraitBranch) != 0 && is_branch_to_self(row, word))
      continue;
    // B and BL reach far beyond the code region; mostly stay inside it.
    if ((row.traits & isa::kTraitBranch) != 0 && bits(word, 30, 26) == 0b00101 && chance(75))
      word = (word & ~0x03ff'ffffU) | static_cast<u32>(1 + below(0x3'ffff));
    return word;
  }
  return row.value;
}

u64 Generator::integer_value() {
  switch (below(8)) {
  case 0: return below(64);
  case 1: return ~below(64);
  case 2: return 1ULL << below(64);
  case 3: return (1ULL << below(64)) - 1;
  case 4: return 0x8000'0000'8000'0000ULL >> (below(2) * 32);
  case 5: return below(2) != 0 ? 0x7fff'ffff'ffff'ffffULL : 0x7fff'ffffULL;
  default: return random_();
  }
}

u64 Generator::vector_value() {
  static constexpr u64 kDoubles[] = {
      0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000,
      0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001, 0xfff0000000000001,
      0x7ff4000000000000, 0x7fefffffffffffff, 0x0010000000000000, 0x000fffffffffffff,
      0x8000000000000001, 0x4340000000000000, 0x43e0000000000000, 0xc3e0000000000000,
      0x3fe0000000000000, 0x3ff8000000000000, 0xc004000000000000, 0x41dfffffffe00000};
  static constexpr u32 kSingles[] = {0x00000000, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
                                     0xff800000, 0x7fc00001, 0xff800001, 0x7fa00000, 0x7f7fffff,
                                     0x00800000, 0x007fffff, 0x80000001, 0x4f000000, 0xcf000000,
                                     0x3f000000, 0x3fc00000, 0xc0200000, 0x5f000000, 0x33800000};
  static constexpr u16 kHalves[] = {0x0000, 0x8000, 0x3c00, 0xbc00, 0x7c00, 0xfc00, 0x7e01,
                                    0xfc01, 0x7d00, 0x7bff, 0x0400, 0x03ff, 0x8001, 0x7800,
                                    0x3800, 0x3e00, 0xc100, 0x1400, 0x5bff, 0xf800};
  constexpr u64 kCount = 20;
  switch (below(6)) {
  case 0: return kDoubles[below(kCount)];
  case 1: return kSingles[below(kCount)] | (static_cast<u64>(kSingles[below(kCount)]) << 32);
  case 2: {
    u64 value = 0;
    for (unsigned i = 0; i < 4; ++i)
      value |= static_cast<u64>(kHalves[below(kCount)]) << (16 * i);
    return value;
  }
  case 3: { // doubles and singles of moderate size, so that sums neither vanish nor overflow
    if (chance(50))
      return (random_() & 0x800f'ffff'ffff'ffffULL) | ((1023 - 8 + below(16)) << 52);
    const u64 r = random_() & 0x807f'ffff'807f'ffffULL;
    return r | ((127 - 8 + below(16)) << 23) | ((127 - 8 + below(16)) << 55);
  }
  case 4: return integer_value();
  default: return random_();
  }
}

void Generator::fill_registers(difftest_registers& r) {
  for (u64& x : r.x)
    x = integer_value();
  r.sp = kDataMiddle + 16 * below(16);
  r.nzcv = below(16) << 28;
  constexpr u64 kRoundingMode = 3ULL << 22, kFz = 1ULL << 24, kDn = 1ULL << 25, kAhp = 1ULL << 26,
                kFz16 = 1ULL << 19;
  r.fpcr = chance(40) ? 0 : random_() & (kRoundingMode | kFz | kDn | kAhp | kFz16);
  r.fpsr = chance(60) ? 0 : random_() & 0x0800'009f;
  for (auto& v : r.v) {
    v[0] = vector_value();
    v[1] = vector_value();
    if (chance(20))
      v[1] = v[0];
  }
  // Equal operands now and then, for comparisons.
  if (chance(30))
    for (unsigned i = 0; i < 32; i += 2)
      std::memcpy(r.v[i], r.v[i + 1], sizeof r.v[i]);
}

void Generator::place_operands(const Row& row, difftest_case& c) {
  const u32 word = c.words[0];
  difftest_registers& r = c.registers;
  if ((row.traits & isa::kTraitBranch) != 0) {
    const int n = field(row, word, 'n');
    if (n >= 0 && n < 31)
      r.x[n] = DIFFTEST_CODE_BASE + 4 * below((DIFFTEST_SLOT - DIFFTEST_CODE_BASE) / 4);
    return;
  }
  const int base = field(row, word, 'N');
  if ((row.traits & isa::kTraitMem) == 0 || base < 0)
    return;
  const bool aligned = is_exclusive_class(word) || is_atomic_class(word);
  const u64 address = kDataMiddle + (aligned ? 16 * below(8) : below(128));
  if (base < 31)
    r.x[base] = address;
  const u64 at = base < 31 ? address : r.sp;
  const int index = field(row, word, 'm');
  if (index >= 0 && index < 31 && index != base) {
    r.x[index] = chance(70) ? below(1024) : static_cast<u64>(-static_cast<i64>(below(1024)));
    if (chance(30))
      r.x[index] |= random_() << 32;
  }
  // Compare-and-swap compares Rs (bits 20:16) with memory: let it succeed often.
  const unsigned compared = static_cast<unsigned>(bits(word, 20, 16));
  if (aligned && compared < 30 && static_cast<int>(compared) != base && chance(50)) {
    r.x[compared] = data_at(at);
    if (static_cast<int>(compared) + 1 != base)
      r.x[compared + 1] = data_at(at + 8);
  }
  if (is_store_exclusive(word) && chance(80))
    arm_exclusive_monitor(c);
}

// Puts the load-exclusive that matches a store-exclusive before it.
void Generator::arm_exclusive_monitor(difftest_case& c) {
  const u32 store = c.words[0];
  const u32 used = (1U << bits(store, 4, 0)) | (1U << bits(store, 9, 5)) |
                   (1U << bits(store, 14, 10)) | (1U << bits(store, 20, 16));
  const auto unused = [&](u32 first) {
    while ((used & (1U << first)) != 0)
      ++first;
    return first;
  };
  const u32 rt = unused(0);
  const bool pair = bit(store, 21);
  const u32 rt2 = pair ? unused(rt + 1) : 31;
  c.words[1] = store;
  c.words[0] = (store & ~0x001f'7c1fU) | (1U << 22) | (31U << 16) | (rt2 << 10) | rt;
  c.count = 2;
}

difftest_case Generator::make(const Row& row) {
  difftest_case c{};
  c.count = 1;
  c.words[0] = encode(row);
  fill_registers(c.registers);
  place_operands(row, c);
  c.window = static_cast<u32>(DIFFTEST_DATA_SIZE / 2 - 128);
  return c;
}

difftest_case Generator::make_unallocated() {
  difftest_case c{};
  c.count = 1;
  u32 word;
  do {
    const Row& row = isa::rows()[below(isa::rows().size())];
    word = (static_cast<u32>(random_()) & ~row.mask) | row.value;
    for (u64 flips = below(4); flips > 0; --flips)
      word ^= 1U << below(32);
    if (chance(20))
      word = static_cast<u32>(random_());
  } while (isa::decode(word) != nullptr || bits(word, 31, 25) == 0b1101010);
  c.words[0] = word;
  fill_registers(c.registers);
  c.window = static_cast<u32>(DIFFTEST_DATA_SIZE / 2 - 128);
  return c;
}

} // namespace softhv::difftest
