// SPDX-License-Identifier: Apache-2.0
// Every emitter of SIMD&FP instructions against the interpreter, for several kinds of host.
#include "softhv/jit/vector_rig.h"

#include <gtest/gtest.h>
#include <set>

namespace softhv::jit {
namespace {

constexpr unsigned kEncodings = 400;

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

TEST(Vector, MatchesTheInterpreter) {
  VectorRig rig(HostFeatures::detect());
  for (const VectorRow& row : all_rows())
    rig.check(row, kEncodings);
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

// A row that mostly ends up in the interpreter is not worth its emitter. Random values are special
// far more often than those of programs.
TEST(Vector, RarelyLeavesToTheInterpreter) {
  VectorRig rig(HostFeatures::detect());
  for (const VectorRow& row : all_rows()) {
    const RowReport report = rig.check(row, kEncodings / 4);
    EXPECT_LT(report.declined, report.encodings) << isa_row(row).id;
    EXPECT_LE(4 * report.interpreted, 3 * report.runs) << isa_row(row).id;
  }
}

TEST(Vector, HasOneEmitterForARow) {
  std::set<isa::InstId> seen;
  for (const VectorRow& row : all_rows())
    EXPECT_TRUE(seen.insert(row.id).second) << isa_row(row).id;
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
