// SPDX-License-Identifier: Apache-2.0
#include "softhv/difftest/outside_profile.h"

namespace softhv::difftest {
namespace {

constexpr OutsideEncoding kOutside[] = {
    {0x1e000000, 0x04000000, "FEAT_SVE"},
    {0x9e000000, 0x80000000, "FEAT_SME"},
    // FEAT_PAuth: combined branches, LDRAA/LDRAB, data-processing (1 source), PACGA
    {0xfefff800, 0xd61f0800, "FEAT_PAuth"}, // BRAAZ, BLRAAZ
    {0xfe9ff000, 0xd61f0000, "FEAT_PAuth"},
    {0xfedf0800, 0xd61f0800, "FEAT_PAuth"},
    {0xfffffbff, 0xd65f0bff, "FEAT_PAuth"}, // RETAA, RETAB
    {0xfffffbff, 0xd69f0bff, "FEAT_PAuth"}, // ERETAA, ERETAB
    {0xff200400, 0xf8200400, "FEAT_PAuth"}, // LDRAA, LDRAB
    {0xffff0000, 0xdac10000, "FEAT_PAuth"},
    {0xffe0fc00, 0x9ac03000, "FEAT_PAuth"}, // PACGA
    // FEAT_MTE
    {0xffe0fc00, 0x9ac01000, "FEAT_MTE"}, // IRG
    {0xffe0fc00, 0x9ac01400, "FEAT_MTE"}, // GMI
    {0xdfe0fc00, 0x9ac00000, "FEAT_MTE"}, // SUBP, SUBPS
    {0xbfc0c000, 0x91800000, "FEAT_MTE"}, // ADDG, SUBG
    {0xff200000, 0xd9200000, "FEAT_MTE"}, // STG, LDG, ...
    {0xfe400000, 0x68000000, "FEAT_MTE"}, // STGP
    // Floating point and AdvSIMD extensions
    {0xbf20e400, 0x2e00c400, "FEAT_FCMA"}, // FCMLA (vector), FCADD
    {0xbf20ec00, 0x2e00e400, "FEAT_FCMA"},
    {0xbf009400, 0x2f001000, "FEAT_FCMA"}, // FCMLA (by element)
    {0xffbe7c00, 0x1e284000, "FEAT_FRINTTS"},
    {0x9fbfec00, 0x0e21e800, "FEAT_FRINTTS"},
    {0xbf60fc00, 0x0e20ec00, "FEAT_FHM"},  // FMLAL, FMLSL
    {0xbf60fc00, 0x2e20cc00, "FEAT_FHM"},  // FMLAL2, FMLSL2
    {0x9fc0b400, 0x0f800000, "FEAT_FHM"},  // by element: FMLAL, FMLSL
    {0xbfc0b400, 0x2f808000, "FEAT_FHM"},  // by element: FMLAL2, FMLSL2
    {0x9fc0f400, 0x0e80a400, "FEAT_I8MM"}, // SMMLA, UMMLA, USMMLA
    {0xbfe0f400, 0x0e809400, "FEAT_I8MM"}, // USDOT
    {0xbf40f400, 0x0f00f000, "FEAT_I8MM"}, // SUDOT, USDOT (by element)
    {0xbfe0fc00, 0x2e40fc00, "FEAT_BF16"}, // BFDOT
    {0xbfe0fc00, 0x2ec0fc00, "FEAT_BF16"}, // BFMLALB, BFMLALT
    {0xffe0fc00, 0x6e40ec00, "FEAT_BF16"}, // BFMMLA
    {0xbfc0f400, 0x0f40f000, "FEAT_BF16"}, // BFDOT (by element)
    {0xbfc0f400, 0x0fc0f000, "FEAT_BF16"}, // BFMLAL (by element)
    {0xfffffc00, 0x1e634000, "FEAT_BF16"}, // BFCVT
    {0xbffffc00, 0x0ea16800, "FEAT_BF16"}, // BFCVTN
    // Cryptographic extensions: SHA512, SHA3, SM3, SM4 share one class
    {0xff000000, 0xce000000, "FEAT_SHA3, FEAT_SHA512, FEAT_SM3, FEAT_SM4"},
    // Memory and flags
    {0x3f200c00, 0x19000000, "FEAT_LRCPC2"}, // LDAPUR, STLUR
    {0x3f200c00, 0x1d000800, "FEAT_LRCPC3"},
    {0x3f208000, 0x38208000, "FEAT_LS64, LSE128 space"},
    {0xfffff09f, 0xd500409f, "MSR (immediate) of features outside the profile"},
    {0xffffff1f, 0xd500401f, "FEAT_FlagM2"}, // XAFLAG, AXFLAG
    {0x3fa08000, 0x08800000, "FEAT_LOR"},    // LDLAR, STLLR
    // Not allocated, but QEMU 7.2 ignores bit 22 of the half-precision across-lanes and pairwise
    // instructions, the scalar bit of FNEG (vector), and op of the half-precision FMOV (vector,
    // immediate).
    {0xaf7ffc00, 0x0e70c800, "FMAXNMV, FMINNMV, FMAXNMP, FMINNMP with bit 22 set"},
    {0xaf7ffc00, 0x0e70d800, "FADDP with bit 22 set"},
    {0xaf7ffc00, 0x0e70f800, "FMAXV, FMINV, FMAXP, FMINP with bit 22 set"},
    {0xfffffc00, 0x7ef8f800, "FNEG (vector) with the scalar bit set"},
    {0xbff8fc00, 0x2f00fc00, "FMOV (vector, immediate), half precision, with op set"},
};

} // namespace

std::span<const OutsideEncoding> outside_profile() {
  return kOutside;
}

const char* outside_feature(u32 word) {
  for (const OutsideEncoding& e : kOutside)
    if ((word & e.mask) == e.value)
      return e.feature;
  return nullptr;
}

} // namespace softhv::difftest
