// SPDX-License-Identifier: Apache-2.0
#include "arch/sysreg.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "arch/bits.h"

namespace kindling::arch {

namespace {

struct Name {
  u32 encoding;
  std::string_view name;
};

// In ascending order of encoding.
constexpr std::array kNames = std::to_array<Name>({
    {sysreg(2, 0, 0, 0, 2), "OSDTRRX_EL1"},
    {sysreg(2, 0, 0, 2, 0), "MDCCINT_EL1"},
    {sysreg(2, 0, 0, 2, 2), "MDSCR_EL1"},
    {sysreg(2, 0, 0, 3, 2), "OSDTRTX_EL1"},
    {sysreg(2, 0, 0, 6, 2), "OSECCR_EL1"},
    {sysreg(2, 0, 1, 0, 0), "MDRAR_EL1"},
    {sysreg(2, 0, 1, 0, 4), "OSLAR_EL1"},
    {sysreg(2, 0, 1, 1, 4), "OSLSR_EL1"},
    {sysreg(2, 0, 1, 3, 4), "OSDLR_EL1"},
    {sysreg(2, 0, 1, 4, 4), "DBGPRCR_EL1"},
    {sysreg(2, 0, 7, 8, 6), "DBGCLAIMSET_EL1"},
    {sysreg(2, 0, 7, 9, 6), "DBGCLAIMCLR_EL1"},
    {sysreg(2, 0, 7, 14, 6), "DBGAUTHSTATUS_EL1"},
    {sysreg(2, 3, 0, 1, 0), "MDCCSR_EL0"},
    {sysreg(2, 3, 0, 4, 0), "DBGDTR_EL0"},
    {sysreg(2, 3, 0, 5, 0), "DBGDTRRX_EL0"},
    {sysreg(3, 0, 0, 0, 0), "MIDR_EL1"},
    {sysreg(3, 0, 0, 0, 5), "MPIDR_EL1"},
    {sysreg(3, 0, 0, 0, 6), "REVIDR_EL1"},
    {sysreg(3, 0, 0, 1, 0), "ID_PFR0_EL1"},
    {sysreg(3, 0, 0, 1, 1), "ID_PFR1_EL1"},
    {sysreg(3, 0, 0, 1, 2), "ID_DFR0_EL1"},
    {sysreg(3, 0, 0, 1, 3), "ID_AFR0_EL1"},
    {sysreg(3, 0, 0, 1, 4), "ID_MMFR0_EL1"},
    {sysreg(3, 0, 0, 1, 5), "ID_MMFR1_EL1"},
    {sysreg(3, 0, 0, 1, 6), "ID_MMFR2_EL1"},
    {sysreg(3, 0, 0, 1, 7), "ID_MMFR3_EL1"},
    {sysreg(3, 0, 0, 2, 0), "ID_ISAR0_EL1"},
    {sysreg(3, 0, 0, 2, 1), "ID_ISAR1_EL1"},
    {sysreg(3, 0, 0, 2, 2), "ID_ISAR2_EL1"},
    {sysreg(3, 0, 0, 2, 3), "ID_ISAR3_EL1"},
    {sysreg(3, 0, 0, 2, 4), "ID_ISAR4_EL1"},
    {sysreg(3, 0, 0, 2, 5), "ID_ISAR5_EL1"},
    {sysreg(3, 0, 0, 2, 6), "ID_MMFR4_EL1"},
    {sysreg(3, 0, 0, 2, 7), "ID_ISAR6_EL1"},
    {sysreg(3, 0, 0, 3, 0), "MVFR0_EL1"},
    {sysreg(3, 0, 0, 3, 1), "MVFR1_EL1"},
    {sysreg(3, 0, 0, 3, 2), "MVFR2_EL1"},
    {sysreg(3, 0, 0, 3, 4), "ID_PFR2_EL1"},
    {sysreg(3, 0, 0, 3, 5), "ID_DFR1_EL1"},
    {sysreg(3, 0, 0, 3, 6), "ID_MMFR5_EL1"},
    {sysreg(3, 0, 0, 4, 0), "ID_AA64PFR0_EL1"},
    {sysreg(3, 0, 0, 4, 1), "ID_AA64PFR1_EL1"},
    {sysreg(3, 0, 0, 4, 4), "ID_AA64ZFR0_EL1"},
    {sysreg(3, 0, 0, 4, 5), "ID_AA64SMFR0_EL1"},
    {sysreg(3, 0, 0, 5, 0), "ID_AA64DFR0_EL1"},
    {sysreg(3, 0, 0, 5, 1), "ID_AA64DFR1_EL1"},
    {sysreg(3, 0, 0, 5, 4), "ID_AA64AFR0_EL1"},
    {sysreg(3, 0, 0, 5, 5), "ID_AA64AFR1_EL1"},
    {sysreg(3, 0, 0, 6, 0), "ID_AA64ISAR0_EL1"},
    {sysreg(3, 0, 0, 6, 1), "ID_AA64ISAR1_EL1"},
    {sysreg(3, 0, 0, 6, 2), "ID_AA64ISAR2_EL1"},
    {sysreg(3, 0, 0, 7, 0), "ID_AA64MMFR0_EL1"},
    {sysreg(3, 0, 0, 7, 1), "ID_AA64MMFR1_EL1"},
    {sysreg(3, 0, 0, 7, 2), "ID_AA64MMFR2_EL1"},
    {sysreg(3, 0, 0, 7, 3), "ID_AA64MMFR3_EL1"},
    {sysreg(3, 0, 1, 0, 0), "SCTLR_EL1"},
    {sysreg(3, 0, 1, 0, 1), "ACTLR_EL1"},
    {sysreg(3, 0, 1, 0, 2), "CPACR_EL1"},
    {sysreg(3, 0, 1, 0, 5), "RGSR_EL1"},
    {sysreg(3, 0, 1, 0, 6), "GCR_EL1"},
    {sysreg(3, 0, 1, 2, 0), "ZCR_EL1"},
    {sysreg(3, 0, 1, 2, 1), "TRFCR_EL1"},
    {sysreg(3, 0, 1, 2, 6), "SMCR_EL1"},
    {sysreg(3, 0, 2, 0, 0), "TTBR0_EL1"},
    {sysreg(3, 0, 2, 0, 1), "TTBR1_EL1"},
    {sysreg(3, 0, 2, 0, 2), "TCR_EL1"},
    {sysreg(3, 0, 2, 1, 0), "APIAKeyLo_EL1"},
    {sysreg(3, 0, 2, 1, 1), "APIAKeyHi_EL1"},
    {sysreg(3, 0, 2, 1, 2), "APIBKeyLo_EL1"},
    {sysreg(3, 0, 2, 1, 3), "APIBKeyHi_EL1"},
    {sysreg(3, 0, 2, 2, 0), "APDAKeyLo_EL1"},
    {sysreg(3, 0, 2, 2, 1), "APDAKeyHi_EL1"},
    {sysreg(3, 0, 2, 2, 2), "APDBKeyLo_EL1"},
    {sysreg(3, 0, 2, 2, 3), "APDBKeyHi_EL1"},
    {sysreg(3, 0, 2, 3, 0), "APGAKeyLo_EL1"},
    {sysreg(3, 0, 2, 3, 1), "APGAKeyHi_EL1"},
    {sysreg(3, 0, 4, 0, 0), "SPSR_EL1"},
    {sysreg(3, 0, 4, 0, 1), "ELR_EL1"},
    {sysreg(3, 0, 4, 1, 0), "SP_EL0"},
    {sysreg(3, 0, 4, 2, 0), "SPSel"},
    {sysreg(3, 0, 4, 2, 2), "CurrentEL"},
    {sysreg(3, 0, 4, 2, 3), "PAN"},
    {sysreg(3, 0, 4, 2, 4), "UAO"},
    {sysreg(3, 0, 4, 6, 0), "ICC_PMR_EL1"},
    {sysreg(3, 0, 5, 1, 0), "AFSR0_EL1"},
    {sysreg(3, 0, 5, 1, 1), "AFSR1_EL1"},
    {sysreg(3, 0, 5, 2, 0), "ESR_EL1"},
    {sysreg(3, 0, 5, 3, 0), "ERRIDR_EL1"},
    {sysreg(3, 0, 5, 3, 1), "ERRSELR_EL1"},
    {sysreg(3, 0, 5, 6, 0), "TFSR_EL1"},
    {sysreg(3, 0, 5, 6, 1), "TFSRE0_EL1"},
    {sysreg(3, 0, 6, 0, 0), "FAR_EL1"},
    {sysreg(3, 0, 7, 4, 0), "PAR_EL1"},
    {sysreg(3, 0, 9, 9, 0), "PMSCR_EL1"},
    {sysreg(3, 0, 9, 9, 7), "PMSIDR_EL1"},
    {sysreg(3, 0, 9, 14, 1), "PMINTENSET_EL1"},
    {sysreg(3, 0, 9, 14, 2), "PMINTENCLR_EL1"},
    {sysreg(3, 0, 9, 14, 6), "PMMIR_EL1"},
    {sysreg(3, 0, 10, 2, 0), "MAIR_EL1"},
    {sysreg(3, 0, 10, 3, 0), "AMAIR_EL1"},
    {sysreg(3, 0, 10, 4, 0), "LORSA_EL1"},
    {sysreg(3, 0, 10, 4, 1), "LOREA_EL1"},
    {sysreg(3, 0, 10, 4, 2), "LORN_EL1"},
    {sysreg(3, 0, 10, 4, 3), "LORC_EL1"},
    {sysreg(3, 0, 10, 4, 7), "LORID_EL1"},
    {sysreg(3, 0, 12, 0, 0), "VBAR_EL1"},
    {sysreg(3, 0, 12, 0, 1), "RVBAR_EL1"},
    {sysreg(3, 0, 12, 0, 2), "RMR_EL1"},
    {sysreg(3, 0, 12, 1, 0), "ISR_EL1"},
    {sysreg(3, 0, 12, 1, 1), "DISR_EL1"},
    {sysreg(3, 0, 12, 8, 0), "ICC_IAR0_EL1"},
    {sysreg(3, 0, 12, 8, 1), "ICC_EOIR0_EL1"},
    {sysreg(3, 0, 12, 8, 2), "ICC_HPPIR0_EL1"},
    {sysreg(3, 0, 12, 8, 3), "ICC_BPR0_EL1"},
    {sysreg(3, 0, 12, 8, 4), "ICC_AP0R0_EL1"},
    {sysreg(3, 0, 12, 9, 0), "ICC_AP1R0_EL1"},
    {sysreg(3, 0, 12, 11, 1), "ICC_DIR_EL1"},
    {sysreg(3, 0, 12, 11, 3), "ICC_RPR_EL1"},
    {sysreg(3, 0, 12, 11, 5), "ICC_SGI1R_EL1"},
    {sysreg(3, 0, 12, 11, 6), "ICC_ASGI1R_EL1"},
    {sysreg(3, 0, 12, 11, 7), "ICC_SGI0R_EL1"},
    {sysreg(3, 0, 12, 12, 0), "ICC_IAR1_EL1"},
    {sysreg(3, 0, 12, 12, 1), "ICC_EOIR1_EL1"},
    {sysreg(3, 0, 12, 12, 2), "ICC_HPPIR1_EL1"},
    {sysreg(3, 0, 12, 12, 3), "ICC_BPR1_EL1"},
    {sysreg(3, 0, 12, 12, 4), "ICC_CTLR_EL1"},
    {sysreg(3, 0, 12, 12, 5), "ICC_SRE_EL1"},
    {sysreg(3, 0, 12, 12, 6), "ICC_IGRPEN0_EL1"},
    {sysreg(3, 0, 12, 12, 7), "ICC_IGRPEN1_EL1"},
    {sysreg(3, 0, 13, 0, 1), "CONTEXTIDR_EL1"},
    {sysreg(3, 0, 13, 0, 4), "TPIDR_EL1"},
    {sysreg(3, 0, 13, 0, 7), "SCXTNUM_EL1"},
    {sysreg(3, 0, 14, 1, 0), "CNTKCTL_EL1"},
    {sysreg(3, 1, 0, 0, 0), "CCSIDR_EL1"},
    {sysreg(3, 1, 0, 0, 1), "CLIDR_EL1"},
    {sysreg(3, 1, 0, 0, 2), "CCSIDR2_EL1"},
    {sysreg(3, 1, 0, 0, 4), "GMID_EL1"},
    {sysreg(3, 1, 0, 0, 7), "AIDR_EL1"},
    {sysreg(3, 2, 0, 0, 0), "CSSELR_EL1"},
    {sysreg(3, 3, 0, 0, 1), "CTR_EL0"},
    {sysreg(3, 3, 0, 0, 7), "DCZID_EL0"},
    {sysreg(3, 3, 2, 4, 0), "RNDR"},
    {sysreg(3, 3, 2, 4, 1), "RNDRRS"},
    {sysreg(3, 3, 4, 2, 0), "NZCV"},
    {sysreg(3, 3, 4, 2, 1), "DAIF"},
    {sysreg(3, 3, 4, 2, 2), "SVCR"},
    {sysreg(3, 3, 4, 2, 5), "DIT"},
    {sysreg(3, 3, 4, 2, 6), "SSBS"},
    {sysreg(3, 3, 4, 2, 7), "TCO"},
    {sysreg(3, 3, 4, 4, 0), "FPCR"},
    {sysreg(3, 3, 4, 4, 1), "FPSR"},
    {sysreg(3, 3, 4, 5, 0), "DSPSR_EL0"},
    {sysreg(3, 3, 4, 5, 1), "DLR_EL0"},
    {sysreg(3, 3, 9, 12, 0), "PMCR_EL0"},
    {sysreg(3, 3, 9, 12, 1), "PMCNTENSET_EL0"},
    {sysreg(3, 3, 9, 12, 2), "PMCNTENCLR_EL0"},
    {sysreg(3, 3, 9, 12, 3), "PMOVSCLR_EL0"},
    {sysreg(3, 3, 9, 12, 4), "PMSWINC_EL0"},
    {sysreg(3, 3, 9, 12, 5), "PMSELR_EL0"},
    {sysreg(3, 3, 9, 12, 6), "PMCEID0_EL0"},
    {sysreg(3, 3, 9, 12, 7), "PMCEID1_EL0"},
    {sysreg(3, 3, 9, 13, 0), "PMCCNTR_EL0"},
    {sysreg(3, 3, 9, 13, 1), "PMXEVTYPER_EL0"},
    {sysreg(3, 3, 9, 13, 2), "PMXEVCNTR_EL0"},
    {sysreg(3, 3, 9, 14, 0), "PMUSERENR_EL0"},
    {sysreg(3, 3, 9, 14, 3), "PMOVSSET_EL0"},
    {sysreg(3, 3, 13, 0, 2), "TPIDR_EL0"},
    {sysreg(3, 3, 13, 0, 3), "TPIDRRO_EL0"},
    {sysreg(3, 3, 13, 0, 5), "TPIDR2_EL0"},
    {sysreg(3, 3, 13, 0, 7), "SCXTNUM_EL0"},
    {sysreg(3, 3, 13, 2, 0), "AMCR_EL0"},
    {sysreg(3, 3, 14, 0, 0), "CNTFRQ_EL0"},
    {sysreg(3, 3, 14, 0, 1), "CNTPCT_EL0"},
    {sysreg(3, 3, 14, 0, 2), "CNTVCT_EL0"},
    {sysreg(3, 3, 14, 0, 5), "CNTPCTSS_EL0"},
    {sysreg(3, 3, 14, 0, 6), "CNTVCTSS_EL0"},
    {sysreg(3, 3, 14, 2, 0), "CNTP_TVAL_EL0"},
    {sysreg(3, 3, 14, 2, 1), "CNTP_CTL_EL0"},
    {sysreg(3, 3, 14, 2, 2), "CNTP_CVAL_EL0"},
    {sysreg(3, 3, 14, 3, 0), "CNTV_TVAL_EL0"},
    {sysreg(3, 3, 14, 3, 1), "CNTV_CTL_EL0"},
    {sysreg(3, 3, 14, 3, 2), "CNTV_CVAL_EL0"},
    {sysreg(3, 3, 14, 15, 7), "PMCCFILTR_EL0"},
    {sysreg(3, 4, 4, 1, 0), "SP_EL1"},
});
static_assert(std::is_sorted(kNames.begin(), kNames.end(),
                             [](const Name& a, const Name& b) { return a.encoding < b.encoding; }));

// DBGBVR<n>_EL1 and its three relations: 2, 0, c0, c<n>, 4..7.
constexpr std::string_view kDebugNames[4] = {"DBGBVR", "DBGBCR", "DBGWVR", "DBGWCR"};

} // namespace

std::string sysreg_name(u32 encoding) {
  const auto at = std::lower_bound(kNames.begin(), kNames.end(), encoding,
                                   [](const Name& row, u32 key) { return row.encoding < key; });
  if (at != kNames.end() && at->encoding == encoding) {
    return std::string(at->name);
  }
  const auto op0 = bits(encoding, 15, 14);
  const auto op1 = bits(encoding, 13, 11);
  const auto crn = bits(encoding, 10, 7);
  const auto crm = bits(encoding, 6, 3);
  const auto op2 = bits(encoding, 2, 0);
  if (op0 == 2 && op1 == 0 && crn == 0 && op2 >= 4) {
    return fmt::format("{}{}_EL1", kDebugNames[op2 - 4], crm);
  }
  return fmt::format("S{}_{}_C{}_C{}_{}", op0, op1, crn, crm, op2);
}

} // namespace kindling::arch
