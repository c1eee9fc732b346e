// SPDX-License-Identifier: Apache-2.0
// Putting a vCPU back to where it was when it was created. PSCI CPU_OFF followed by CPU_ON is a
// reset of one core; destroying and creating the vCPU would also take its redistributor away, and
// that keeps its state through CPU_OFF.
#include "hvf/error.h"
#include "hvf/vcpu.h"

namespace kindling::hvf {

namespace {

constexpr hv_sys_reg_t kSystemRegisters[] = {
    HV_SYS_REG_SCTLR_EL1,     HV_SYS_REG_CPACR_EL1,      HV_SYS_REG_ACTLR_EL1,
    HV_SYS_REG_TTBR0_EL1,     HV_SYS_REG_TTBR1_EL1,      HV_SYS_REG_TCR_EL1,
    HV_SYS_REG_MAIR_EL1,      HV_SYS_REG_AMAIR_EL1,      HV_SYS_REG_VBAR_EL1,
    HV_SYS_REG_ESR_EL1,       HV_SYS_REG_FAR_EL1,        HV_SYS_REG_ELR_EL1,
    HV_SYS_REG_SPSR_EL1,      HV_SYS_REG_AFSR0_EL1,      HV_SYS_REG_AFSR1_EL1,
    HV_SYS_REG_PAR_EL1,       HV_SYS_REG_CONTEXTIDR_EL1, HV_SYS_REG_TPIDR_EL0,
    HV_SYS_REG_TPIDRRO_EL0,   HV_SYS_REG_TPIDR_EL1,      HV_SYS_REG_CSSELR_EL1,
    HV_SYS_REG_CNTKCTL_EL1,   HV_SYS_REG_MDSCR_EL1,      HV_SYS_REG_MDCCINT_EL1,
    HV_SYS_REG_SP_EL0,        HV_SYS_REG_SP_EL1,         HV_SYS_REG_CNTV_CTL_EL0,
    HV_SYS_REG_CNTV_CVAL_EL0, HV_SYS_REG_CNTP_CTL_EL0,   HV_SYS_REG_CNTP_CVAL_EL0,
    HV_SYS_REG_APIAKEYLO_EL1, HV_SYS_REG_APIAKEYHI_EL1,  HV_SYS_REG_APIBKEYLO_EL1,
    HV_SYS_REG_APIBKEYHI_EL1, HV_SYS_REG_APDAKEYLO_EL1,  HV_SYS_REG_APDAKEYHI_EL1,
    HV_SYS_REG_APDBKEYLO_EL1, HV_SYS_REG_APDBKEYHI_EL1,  HV_SYS_REG_APGAKEYLO_EL1,
    HV_SYS_REG_APGAKEYHI_EL1,
};

// The control registers of breakpoints and watchpoints: with these clear, their values do nothing.
constexpr unsigned kDebugPairs = 16;
constexpr unsigned kDebugStride = HV_SYS_REG_DBGBCR1_EL1 - HV_SYS_REG_DBGBCR0_EL1;

constexpr hv_gic_icc_reg_t kGicRegisters[] = {
    HV_GIC_ICC_REG_PMR_EL1,   HV_GIC_ICC_REG_BPR0_EL1,    HV_GIC_ICC_REG_BPR1_EL1,
    HV_GIC_ICC_REG_AP0R0_EL1, HV_GIC_ICC_REG_AP1R0_EL1,   HV_GIC_ICC_REG_CTLR_EL1,
    HV_GIC_ICC_REG_SRE_EL1,   HV_GIC_ICC_REG_IGRPEN0_EL1, HV_GIC_ICC_REG_IGRPEN1_EL1,
};

void read_one(hv_vcpu_t vcpu, hv_sys_reg_t reg, ResetValues& values) {
  uint64_t value = 0;
  // A register that a host's framework does not offer, or does not let a host write, is left out.
  if (hv_vcpu_get_sys_reg(vcpu, reg, &value) == HV_SUCCESS &&
      hv_vcpu_set_sys_reg(vcpu, reg, value) == HV_SUCCESS) {
    values.system.push_back({reg, value});
  }
}

Status clear_general(hv_vcpu_t vcpu) {
  for (unsigned reg = HV_REG_X0; reg <= HV_REG_X30; ++reg) {
    if (Status s = check(hv_vcpu_set_reg(vcpu, static_cast<hv_reg_t>(reg), 0), "hv_vcpu_set_reg");
        !s) {
      return s;
    }
  }
  for (const hv_reg_t reg : {HV_REG_FPCR, HV_REG_FPSR}) {
    if (Status s = check(hv_vcpu_set_reg(vcpu, reg, 0), "hv_vcpu_set_reg"); !s) {
      return s;
    }
  }
  for (unsigned reg = HV_SIMD_FP_REG_Q0; reg <= HV_SIMD_FP_REG_Q31; ++reg) {
    const hv_simd_fp_uchar16_t zero = {};
    if (Status s = check(hv_vcpu_set_simd_fp_reg(vcpu, static_cast<hv_simd_fp_reg_t>(reg), zero),
                         "hv_vcpu_set_simd_fp_reg");
        !s) {
      return s;
    }
  }
  return {};
}

} // namespace

ResetValues read_reset_values(hv_vcpu_t vcpu) {
  ResetValues values;
  for (const hv_sys_reg_t reg : kSystemRegisters) {
    read_one(vcpu, reg, values);
  }
  for (unsigned i = 0; i < kDebugPairs; ++i) {
    read_one(vcpu, static_cast<hv_sys_reg_t>(HV_SYS_REG_DBGBCR0_EL1 + i * kDebugStride), values);
    read_one(vcpu, static_cast<hv_sys_reg_t>(HV_SYS_REG_DBGWCR0_EL1 + i * kDebugStride), values);
  }
  for (const hv_gic_icc_reg_t reg : kGicRegisters) {
    uint64_t value = 0;
    if (hv_gic_get_icc_reg(vcpu, reg, &value) == HV_SUCCESS &&
        hv_gic_set_icc_reg(vcpu, reg, value) == HV_SUCCESS) {
      values.gic.push_back({reg, value});
    }
  }
  return values;
}

Status write_reset_values(hv_vcpu_t vcpu, const ResetValues& values) {
  if (Status s = clear_general(vcpu); !s) {
    return s;
  }
  for (const auto& [reg, value] : values.system) {
    if (Status s = check(hv_vcpu_set_sys_reg(vcpu, reg, value), "hv_vcpu_set_sys_reg"); !s) {
      return s;
    }
  }
  for (const auto& [reg, value] : values.gic) {
    if (Status s = check(hv_gic_set_icc_reg(vcpu, reg, value), "hv_gic_set_icc_reg"); !s) {
      return s;
    }
  }
  return {};
}

} // namespace kindling::hvf
