// SPDX-License-Identifier: Apache-2.0
// AES, SHA-1 and SHA-256 by the host's instructions for them, where it has them. The host's SHA
// instructions have no VEX encoding and keep their words in the opposite order.
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {
namespace {

using isa::InstId;

constexpr u8 kReverse = 0x1b; // the order of 32-bit lanes

// --- AES -----------------------------------------------------------------------------------------

// The last round of the host leaves out the columns, and so does the guest's instruction; but the
// key comes first here.
template <const Binary& kRound>
bool aes_round(Assembler& as, const VectorOperands& o) {
  if (!as.host.aes)
    return false;
  zero(as, kT0);
  apply(as, kPxor, o.d, o.d, o.n);
  apply(as, kRound, o.d, o.d, kT0);
  return true;
}
constexpr Binary kAesEncryptLast = SOFTHV_BINARY(aesenclast, false);
constexpr Binary kAesDecryptLast = SOFTHV_BINARY(aesdeclast, false);
constexpr Binary kAesEncrypt = SOFTHV_BINARY(aesenc, false);

// A last inverse round undoes what a round does before it mixes the columns.
bool aes_mix_columns(Assembler& as, const VectorOperands& o) {
  if (!as.host.aes)
    return false;
  zero(as, kT0);
  apply(as, kAesDecryptLast, o.d, o.n, kT0);
  apply(as, kAesEncrypt, o.d, o.d, kT0);
  return true;
}

bool aes_inverse_mix_columns(Assembler& as, const VectorOperands& o) {
  constexpr Unary kInverseMixColumns = SOFTHV_UNARY(aesimc);
  if (!as.host.aes)
    return false;
  apply(as, kInverseMixColumns, o.d, o.n);
  return true;
}

// --- SHA-1 ---------------------------------------------------------------------------------------

// The host adds a constant of its own for each function, where the guest has it in m already. The
// host's E goes with the first word.
template <u8 kFunction, u32 kConstant>
bool sha1_rounds(Assembler& as, const VectorOperands& o) {
  if (!as.host.sha)
    return false;
  shuffle32(as, kT0, o.m, kReverse);
  apply(as, kSub[2], kT0, kT0, as.constant(replicate(2, kConstant)));
  apply(as, kPslldq, kT1, o.n, 12);
  apply(as, kAdd[2], kT0, kT0, kT1);
  shuffle32(as, kT1, o.d, kReverse);
  as.sha1rnds4(kT1, kT0, kFunction);
  shuffle32(as, o.d, kT1, kReverse);
  return true;
}

bool sha1h(Assembler& as, const VectorOperands& o) {
  apply(as, kShiftLeft[2], kT0, o.n, 30);
  apply(as, kShiftRight[2], kT1, o.n, 2);
  apply(as, kPor, kT0, kT0, kT1);
  apply(as, kPand, o.d, kT0, as.constant(0xffff'ffff, 0));
  return true;
}

bool sha1su0(Assembler& as, const VectorOperands& o) {
  apply(as, kPalignr, kT0, o.n, o.d, 8);
  apply(as, kPxor, o.d, o.d, o.m);
  apply(as, kPxor, o.d, o.d, kT0);
  return true;
}

bool sha1su1(Assembler& as, const VectorOperands& o) {
  if (!as.host.sha)
    return false;
  shuffle32(as, kT0, o.d, kReverse);
  shuffle32(as, kT1, o.n, kReverse);
  as.sha1msg2(kT0, kT1);
  shuffle32(as, o.d, kT0, kReverse);
  return true;
}

// --- SHA-256 -------------------------------------------------------------------------------------

// Four rounds. The host's state is ABEF and CDGH, most significant word first, and what is ABEF
// before two rounds is CDGH after them.
void sha256_rounds(Assembler& as, const VectorOperands& o, const Xmm& abcd, const Xmm& efgh,
                   u8 result) {
  constexpr u8 kAbef = 0x11;
  constexpr u8 kCdgh = 0xbb;
  apply(as, kShufps, kT1, efgh, abcd, kAbef);
  apply(as, kShufps, kT2, efgh, abcd, kCdgh);
  move(as, kT0, o.m);
  as.sha256rnds2(kT2, kT1); // with two words of xmm0
  apply(as, kPsrldq, kT0, kT0, 8);
  as.sha256rnds2(kT1, kT2);
  apply(as, kShufps, o.d, kT1, kT2, result);
}

bool sha256h(Assembler& as, const VectorOperands& o) {
  constexpr u8 kAbcd = 0xbb;
  if (!as.host.sha)
    return false;
  sha256_rounds(as, o, o.d, o.n, kAbcd);
  return true;
}

bool sha256h2(Assembler& as, const VectorOperands& o) {
  constexpr u8 kEfgh = 0x11;
  if (!as.host.sha)
    return false;
  sha256_rounds(as, o, o.n, o.d, kEfgh);
  return true;
}

bool sha256su0(Assembler& as, const VectorOperands& o) {
  if (!as.host.sha)
    return false;
  as.sha256msg1(o.d, o.n);
  return true;
}

bool sha256su1(Assembler& as, const VectorOperands& o) {
  if (!as.host.sha)
    return false;
  apply(as, kPalignr, kT0, o.m, o.n, 4);
  apply(as, kAdd[2], kT0, kT0, o.d);
  as.sha256msg2(kT0, o.m);
  move(as, o.d, kT0);
  return true;
}

constexpr VectorRow kRows[] = {
    {InstId::kAese, aes_round<kAesEncryptLast>, kReadsD},
    {InstId::kAesd, aes_round<kAesDecryptLast>, kReadsD},
    {InstId::kAesmc, aes_mix_columns},
    {InstId::kAesimc, aes_inverse_mix_columns},
    {InstId::kSha1c, sha1_rounds<0, 0x5a82'7999>, kReadsD},
    {InstId::kSha1p, sha1_rounds<1, 0x6ed9'eba1>, kReadsD},
    {InstId::kSha1m, sha1_rounds<2, 0x8f1b'bcdc>, kReadsD},
    {InstId::kSha1h, sha1h},
    {InstId::kSha1su0, sha1su0, kReadsD},
    {InstId::kSha1su1, sha1su1, kReadsD},
    {InstId::kSha256h, sha256h, kReadsD},
    {InstId::kSha256h2, sha256h2, kReadsD},
    {InstId::kSha256su0, sha256su0, kReadsD},
    {InstId::kSha256su1, sha256su1, kReadsD},
};

} // namespace

std::span<const VectorRow> vector_crypto_rows() {
  return kRows;
}

} // namespace softhv::jit
