// SPDX-License-Identifier: Apache-2.0
#include "softhv/isa/table.h"

#include <random>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "softhv/isa/decoder.h"

namespace softhv::isa {
namespace {

bool matches(const Row& row, u32 word) {
  return (word & row.mask) == row.value && row.valid(word);
}

const Row* linear_search(u32 word) {
  for (const Row& row : rows())
    if (matches(row, word))
      return &row;
  return nullptr;
}

const char* name_of(const Row* row) {
  return row == nullptr ? "(unallocated)" : row->id;
}

u32 random_word(const Row& row, std::mt19937& random) {
  return (static_cast<u32>(random()) & ~row.mask) | row.value;
}

TEST(Table, IdsAndTitlesAreUnique) {
  std::set<std::string> ids;
  std::set<std::string> titles;
  for (const Row& row : rows()) {
    EXPECT_TRUE(ids.insert(row.id).second) << row.id;
    EXPECT_TRUE(titles.insert(row.title).second) << row.id << ": " << row.title;
  }
}

// decode_operands() relies on where they are.
TEST(Table, RegisterFieldsAreFiveAdjacentBits) {
  constexpr std::string_view kRegisters = "dDtlnNmswaukefgh";
  const auto place_of = [](char letter) {
    return std::string_view("dDtle").find(letter) != std::string_view::npos  ? 0U
           : std::string_view("nNf").find(letter) != std::string_view::npos  ? 5U
           : std::string_view("aukh").find(letter) != std::string_view::npos ? 10U
                                                                             : 16U;
  };
  for (const Row& row : rows()) {
    const std::string_view pattern = row.pattern;
    for (const char letter : kRegisters) {
      const size_t first = pattern.find(letter);
      if (first == std::string_view::npos)
        continue;
      const size_t last = pattern.rfind(letter);
      EXPECT_LE(last - first, 4U) << row.id << " " << letter;
      EXPECT_EQ(31 - last, place_of(letter)) << row.id << " " << letter;
      EXPECT_EQ(pattern.substr(first, last - first + 1), std::string(last - first + 1, letter))
          << row.id;
    }
  }
}

// For every two rows whose fixed bits agree, words that match both patterns.
TEST(Table, RowsDoNotOverlap) {
  std::mt19937 random(1);
  const auto all = rows();
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = i + 1; j < all.size(); ++j) {
      const Row& a = all[i];
      const Row& b = all[j];
      if (((a.value ^ b.value) & a.mask & b.mask) != 0)
        continue;
      for (int n = 0; n < 5000; ++n) {
        const u32 word = (random_word(a, random) & ~b.mask) | b.value;
        ASSERT_FALSE(matches(a, word) && matches(b, word))
            << a.id << " and " << b.id << std::hex << " claim " << word;
      }
    }
  }
}

TEST(Decoder, FindsEveryRowByItsOwnPattern) {
  std::mt19937 random(2);
  for (const Row& row : rows()) {
    unsigned allocated = 0;
    for (int n = 0; n < 4000; ++n) {
      const u32 word = random_word(row, random);
      if (!row.valid(word))
        continue;
      ++allocated;
      const Row* found = decode(word);
      ASSERT_EQ(found, &row) << name_of(found) << " instead of " << row.id << std::hex << " for "
                             << word;
    }
    EXPECT_GT(allocated, 0U) << row.id << " allows no word of its pattern";
  }
}

TEST(Decoder, AgreesWithALinearSearch) {
  std::mt19937 random(3);
  for (int n = 0; n < 1'000'000; ++n) {
    const u32 word = static_cast<u32>(random());
    const Row* found = decode(word);
    const Row* expected = linear_search(word);
    ASSERT_EQ(found, expected) << name_of(found) << " instead of " << name_of(expected) << std::hex
                               << " for " << word;
  }
}

TEST(Decoder, NeverReturnsARowThatDoesNotMatch) {
  std::mt19937 random(4);
  for (int n = 0; n < 10'000'000; ++n) {
    const u32 word = static_cast<u32>(random());
    const Row* found = decode(word);
    if (found != nullptr) {
      ASSERT_TRUE(matches(*found, word)) << found->id << std::hex << " " << word;
    }
  }
}

struct Unallocated {
  u32 word;
  const char* why;
};

TEST(Decoder, RefusesReservedIntegerEncodings) {
  constexpr Unallocated kWords[] = {
      {0x91800000, "ADDG needs FEAT_MTE"},
      {0x12400000, "32-bit logical immediate with N set"},
      {0x9240fc00, "logical immediate of all ones"},
      {0x52c00000, "MOVZ of a W register shifted by 32"},
      {0x13008000, "SBFM of a W register with imms 32"},
      {0x93000000, "SBFM of an X register with N clear"},
      {0x13808000, "EXTR of W registers by 32"},
      {0x0a008000, "AND of W registers shifted by 32"},
      {0x0bc00000, "ADD with ROR"},
      {0x0b201400, "ADD extended, shifted by 5"},
      {0x1ac04c00, "CRC32X of W registers"},
      {0x9ac04000, "CRC32B as a 64-bit instruction"},
      {0x5ac00c00, "REV of 64 bits as a 32-bit instruction"},
      {0x9ac00000, "SUBP needs FEAT_MTE"},
      {0xdac10000, "PACIA needs FEAT_PAuth"},
      {0xd71f0800, "BRAA needs FEAT_PAuth"},
      {0x54000010, "BC.cond needs FEAT_HBC"},
      {0x1b400000, "SMULH of W registers"},
      {0xd500401f | 0x100, "CFINV with CRm not zero"},
  };
  for (const Unallocated& u : kWords)
    EXPECT_EQ(name_of(decode(u.word)), std::string("(unallocated)")) << u.why;
}

TEST(Decoder, RefusesReservedLoadsAndStores) {
  constexpr Unallocated kWords[] = {
      {0x7d800000, "STR of a SIMD&FP register, size 01 and opc 10"},
      {0x38600800, "LDRB with the reserved extension UXTB"},
      {0xb8c00000, "LDRSW to a W register"},
      {0xdc000000, "LDR (literal, SIMD&FP) with opc 11"},
      {0xf8800400, "PRFM has no post-index form"},
      {0xf8800800, "PRFM has no unprivileged form"},
      {0xe8000000, "STNP with opc 11"},
      {0x68000000, "STNP with opc 01"},
      {0x69000000, "STGP needs FEAT_MTE"},
      {0xec000000, "STNP (SIMD&FP) with opc 11"},
      {0x08610000 | 0x7c00, "CASP with odd Rs"},
      {0x08600001 | 0x7c00, "CASP with odd Rt"},
      {0x08a00000, "CAS with Rt2 not 31"},
      {0x08c00000 | 0x7c00, "LDLARB needs FEAT_LOR"},
      {0x08800000 | 0x7c00, "STLLRB needs FEAT_LOR"},
      {0xf8209000, "atomic operation with o3 and opc 001"},
      {0x19400000, "LDAPURB needs FEAT_LRCPC2"},
      {0xd9200000, "STG needs FEAT_MTE"},
      {0xf8200400, "LDRAA needs FEAT_PAuth"},
  };
  for (const Unallocated& u : kWords)
    EXPECT_EQ(name_of(decode(u.word)), std::string("(unallocated)")) << u.why;
}

} // namespace
} // namespace softhv::isa
