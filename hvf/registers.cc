// SPDX-License-Identifier: Apache-2.0
#include "hvf/registers.h"

#include "arch/sysreg.h"

namespace kindling::hvf {

namespace {

// Timers: the value of a comparator before its control, so that nothing fires in between.
constexpr hv_sys_reg_t kSystemRegisters[] = {
    HV_SYS_REG_CPACR_EL1,     HV_SYS_REG_ACTLR_EL1,      HV_SYS_REG_TTBR0_EL1,
    HV_SYS_REG_TTBR1_EL1,     HV_SYS_REG_TCR_EL1,        HV_SYS_REG_MAIR_EL1,
    HV_SYS_REG_AMAIR_EL1,     HV_SYS_REG_SCTLR_EL1,      HV_SYS_REG_VBAR_EL1,
    HV_SYS_REG_ESR_EL1,       HV_SYS_REG_FAR_EL1,        HV_SYS_REG_ELR_EL1,
    HV_SYS_REG_SPSR_EL1,      HV_SYS_REG_AFSR0_EL1,      HV_SYS_REG_AFSR1_EL1,
    HV_SYS_REG_PAR_EL1,       HV_SYS_REG_CONTEXTIDR_EL1, HV_SYS_REG_TPIDR_EL0,
    HV_SYS_REG_TPIDRRO_EL0,   HV_SYS_REG_TPIDR_EL1,      HV_SYS_REG_CSSELR_EL1,
    HV_SYS_REG_CNTKCTL_EL1,   HV_SYS_REG_MDSCR_EL1,      HV_SYS_REG_MDCCINT_EL1,
    HV_SYS_REG_SP_EL0,        HV_SYS_REG_SP_EL1,         HV_SYS_REG_CNTV_CVAL_EL0,
    HV_SYS_REG_CNTV_CTL_EL0,  HV_SYS_REG_CNTP_CVAL_EL0,  HV_SYS_REG_CNTP_CTL_EL0,
    HV_SYS_REG_APIAKEYLO_EL1, HV_SYS_REG_APIAKEYHI_EL1,  HV_SYS_REG_APIBKEYLO_EL1,
    HV_SYS_REG_APIBKEYHI_EL1, HV_SYS_REG_APDAKEYLO_EL1,  HV_SYS_REG_APDAKEYHI_EL1,
    HV_SYS_REG_APDBKEYLO_EL1, HV_SYS_REG_APDBKEYHI_EL1,  HV_SYS_REG_APGAKEYLO_EL1,
    HV_SYS_REG_APGAKEYHI_EL1,
};

constexpr unsigned kDebugPairs = 16;
constexpr unsigned kDebugStride = HV_SYS_REG_DBGBCR1_EL1 - HV_SYS_REG_DBGBCR0_EL1;
// Values before the controls that enable them.
constexpr hv_sys_reg_t kDebugRegisters[] = {HV_SYS_REG_DBGBVR0_EL1, HV_SYS_REG_DBGBCR0_EL1,
                                            HV_SYS_REG_DBGWVR0_EL1, HV_SYS_REG_DBGWCR0_EL1};

// OSLSR_EL1, which SoftHV lets a host set. Apple's framework has no name for it.
constexpr auto kOsLockStatus = static_cast<hv_sys_reg_t>(arch::sysreg(2, 0, 1, 1, 4));

constexpr hv_gic_icc_reg_t kIccRegisters[] = {
    HV_GIC_ICC_REG_PMR_EL1,   HV_GIC_ICC_REG_BPR0_EL1,    HV_GIC_ICC_REG_BPR1_EL1,
    HV_GIC_ICC_REG_AP0R0_EL1, HV_GIC_ICC_REG_AP1R0_EL1,   HV_GIC_ICC_REG_CTLR_EL1,
    HV_GIC_ICC_REG_SRE_EL1,   HV_GIC_ICC_REG_IGRPEN0_EL1, HV_GIC_ICC_REG_IGRPEN1_EL1,
};

} // namespace

RegisterSet find_registers(hv_vcpu_t vcpu) {
  RegisterSet found;
  const auto try_system = [&](hv_sys_reg_t reg) {
    uint64_t value = 0;
    if (hv_vcpu_get_sys_reg(vcpu, reg, &value) == HV_SUCCESS &&
        hv_vcpu_set_sys_reg(vcpu, reg, value) == HV_SUCCESS) {
      found.system.push_back(reg);
    }
  };
  for (const hv_sys_reg_t reg : kSystemRegisters) {
    try_system(reg);
  }
  for (unsigned i = 0; i < kDebugPairs; ++i) {
    for (const hv_sys_reg_t reg : kDebugRegisters) {
      try_system(static_cast<hv_sys_reg_t>(reg + i * kDebugStride));
    }
  }
  try_system(kOsLockStatus);
  for (const hv_gic_icc_reg_t reg : kIccRegisters) {
    uint64_t value = 0;
    if (hv_gic_get_icc_reg(vcpu, reg, &value) == HV_SUCCESS &&
        hv_gic_set_icc_reg(vcpu, reg, value) == HV_SUCCESS) {
      found.icc.push_back(reg);
    }
  }
  return found;
}

} // namespace kindling::hvf
