// SPDX-License-Identifier: Apache-2.0
// Every emitter of SIMD&FP instructions against the interpreter, for several kinds of host.
#include "softhv/jit/vector_rig.h"

#include <gtest/gtest.h>
#include <set>

namespace softhv::jit {
namespace {

constexpr unsigned kEncodings = 240;

std::vector<VectorRow> all_rows() {
  std::vector<VectorRow> rows;
  for (const std::span<const VectorRow> family : {vector_integer_rows(), vector_fp_rows()})
    rows.insert(rows.end(), family.begin(), family.end());
  return rows;
}

const isa::Row& isa_row(const VectorRow& row) {
  return isa::rows()[static_cast<size_t>(row.id)];
}

HostFeatures without_avx2() {
  HostFeatures host = HostFeatures::detect();
  host.avx2 = host.fma = host.f16c = host.bmi1 = host.bmi2 = host.lzcnt = false;
  return host;
}

// The host's instructions for cryptography are not everywhere, and these rows have no other code.
bool has_instructions_for(isa::Feature feature, const HostFeatures& host) {
  switch (feature) {
  case isa::Feature::kAes: return host.aes;
  case isa::Feature::kPmull: return host.pclmul;
  case isa::Feature::kSha1:
  case isa::Feature::kSha256: return host.sha;
  default: return true;
  }
}

// A row that mostly ends up in the interpreter is not worth its emitter; but random values are
// special far more often than those of programs.
TEST(Vector, MatchesTheInterpreter) {
  const HostFeatures host = HostFeatures::detect();
  VectorRig rig(host);
  for (const VectorRow& row : all_rows()) {
    const RowReport report = rig.check(row, kEncodings);
    EXPECT_LE(4 * report.interpreted, 3 * report.runs) << isa_row(row).id;
    const bool expected = host.avx2 && has_instructions_for(isa_row(row).feature, host);
    EXPECT_LT(report.declined, report.encodings + (expected ? 0 : 1)) << isa_row(row).id;
  }
}

TEST(Vector, MatchesTheInterpreterWithoutAvx2) {
  if (!HostFeatures::detect().avx)
    GTEST_SKIP() << "the host has no AVX";
  VectorRig rig(without_avx2());
  for (const VectorRow& row : all_rows())
    rig.check(row, kEncodings / 2);
}

TEST(Vector, MatchesTheInterpreterOnTheBaseline) {
  VectorRig rig(HostFeatures::baseline());
  for (const VectorRow& row : all_rows())
    rig.check(row, kEncodings / 2);
}

TEST(Vector, HasOneEmitterForARow) {
  std::set<isa::InstId> seen;
  for (const VectorRow& row : all_rows())
    EXPECT_TRUE(seen.insert(row.id).second) << isa_row(row).id;
}

// Floating point is left to the interpreter where it is rare, and in half precision where singles
// do not give the same.
TEST(Vector, HasEmittersForFloatingPoint) {
  std::set<isa::InstId> seen;
  for (const VectorRow& row : vector_fp_rows())
    seen.insert(row.id);
  const std::set<isa::InstId> interpreted = {
      isa::InstId::kFrecpxScalar, isa::InstId::kUrecpe,       isa::InstId::kUrsqrte,
      isa::InstId::kFcvtxn,       isa::InstId::kFcvtxnScalar,
  };
  constexpr isa::InstId kFloatingPoint[] = {
#define INST(id, title, pattern, feature, valid, traits) isa::InstId::id,
#include "softhv/isa/fp.inc"
#include "softhv/isa/simd_fp.inc"
#undef INST
  };
  for (const isa::InstId id : kFloatingPoint) {
    const isa::Row& row = isa::rows()[static_cast<size_t>(id)];
    if (row.feature == isa::Feature::kFp16)
      continue;
    EXPECT_NE(seen.contains(id), interpreted.contains(id)) << row.id;
  }
}

// Saturating shifts by a register are left to the interpreter; loads and stores are others' matter.
TEST(Vector, HasEmittersForIntegersAndCryptography) {
  std::set<isa::InstId> seen;
  for (const VectorRow& row : vector_integer_rows())
    seen.insert(row.id);
  const std::set<isa::InstId> interpreted = {
      isa::InstId::kSqshlRegisterVector, isa::InstId::kSqshlRegisterScalar,
      isa::InstId::kUqshlRegisterVector, isa::InstId::kUqshlRegisterScalar,
      isa::InstId::kSqrshlVector,        isa::InstId::kSqrshlScalar,
      isa::InstId::kUqrshlVector,        isa::InstId::kUqrshlScalar,
  };
  constexpr isa::InstId kIntegers[] = {
#define INST(id, title, pattern, feature, valid, traits) isa::InstId::id,
#include "softhv/isa/crypto.inc"
#include "softhv/isa/simd.inc"
#undef INST
  };
  for (const isa::InstId id : kIntegers) {
    const isa::Row& row = isa::rows()[static_cast<size_t>(id)];
    const bool expected = (row.traits & isa::kTraitMem) == 0 && !interpreted.contains(id);
    EXPECT_EQ(seen.contains(id), expected) << row.id;
  }
}

// Not a test: prints what the code of each row costs and how often there is some.
TEST(Vector, DISABLED_Table) {
  VectorRig rig(HostFeatures::detect());
  std::printf("%-28s %9s %12s %6s\n", "row", "declined%", "interpreted%", "bytes");
  for (const VectorRow& row : all_rows()) {
    const RowReport r = rig.check(row, kEncodings);
    const unsigned emitted = r.encodings - r.declined;
    std::printf("%-28s %9u %12u %6.1f\n", isa_row(row).id, 100 * r.declined / r.encodings,
                r.runs == 0 ? 0 : 100 * r.interpreted / r.runs,
                emitted == 0 ? 0.0 : static_cast<double>(r.bytes) / emitted);
  }
}

} // namespace
} // namespace softhv::jit
