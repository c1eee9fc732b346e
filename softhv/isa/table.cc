// SPDX-License-Identifier: Apache-2.0
#include "softhv/isa/table.h"

#include <array>

#include "softhv/isa/constraints.h"

namespace softhv::isa {
namespace {

struct Pattern {
  char text[33] = {};
  u32 mask = 0;
  u32 value = 0;
};

// Evaluated at compile time: a malformed pattern does not build.
consteval Pattern parse(const char* text) {
  Pattern p;
  unsigned n = 0;
  for (; *text != '\0'; ++text) {
    if (*text == ' ')
      continue;
    if (n == 32)
      throw "a pattern has 32 bits";
    p.text[n] = *text;
    if (*text == '0' || *text == '1') {
      p.mask |= 1U << (31 - n);
      p.value |= (*text == '1' ? 1U : 0U) << (31 - n);
    }
    ++n;
  }
  if (n != 32)
    throw "a pattern has 32 bits";
  return p;
}

constexpr Pattern kPatterns[] = {
#define INST(id, title, pattern, feature, valid, traits) parse(pattern),
#include "softhv/isa/base.inc"
#include "softhv/isa/crypto.inc"
#include "softhv/isa/fp.inc"
#include "softhv/isa/loadstore.inc"
#include "softhv/isa/simd.inc"
#include "softhv/isa/simd_fp.inc"
#include "softhv/isa/system.inc"
#undef INST
};

constexpr size_t index_of(InstId id) {
  return static_cast<size_t>(id);
}

constexpr Row kRows[] = {
#define INST(id, title, pattern, feature, valid, traits)                                           \
  Row{#id,                                                                                         \
      title,                                                                                       \
      kPatterns[index_of(InstId::id)].mask,                                                        \
      kPatterns[index_of(InstId::id)].value,                                                       \
      kPatterns[index_of(InstId::id)].text,                                                        \
      Feature::feature,                                                                            \
      valid,                                                                                       \
      traits},
#include "softhv/isa/base.inc"
#include "softhv/isa/crypto.inc"
#include "softhv/isa/fp.inc"
#include "softhv/isa/loadstore.inc"
#include "softhv/isa/simd.inc"
#include "softhv/isa/simd_fp.inc"
#include "softhv/isa/system.inc"
#undef INST
};

} // namespace

std::span<const Row> rows() {
  return kRows;
}

} // namespace softhv::isa
