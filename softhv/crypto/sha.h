// SPDX-License-Identifier: Apache-2.0
// The SHA-1 and SHA-256 steps (FIPS 180-4 §6.1, §6.2; Arm ARM C7.2). Lane 0 of a Vec of four words
// is the first: a, b, c, d or the earliest word of the message schedule.
#pragma once

#include "softhv/core/cpu_state.h"

namespace softhv::crypto {

enum class Sha1Function : u8 { kChoose, kParity, kMajority }; // SHA1C, SHA1P, SHA1M

// Four rounds; `wk` is the schedule with the round constant added.
Vec sha1_rounds(const Vec& abcd, u32 e, const Vec& wk, Sha1Function function);
Vec sha1_schedule0(const Vec& w0_3, const Vec& w4_7, const Vec& w8_11);
Vec sha1_schedule1(const Vec& partial, const Vec& w12_15);

// Four rounds; the new a, b, c, d (SHA256H) and the new e, f, g, h (SHA256H2).
struct Sha256State {
  Vec abcd;
  Vec efgh;
};
Sha256State sha256_rounds(const Vec& abcd, const Vec& efgh, const Vec& wk);
Vec sha256_schedule0(const Vec& w0_3, const Vec& w4_7);
Vec sha256_schedule1(const Vec& partial, const Vec& w8_11, const Vec& w12_15);

} // namespace softhv::crypto
