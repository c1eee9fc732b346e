// SPDX-License-Identifier: Apache-2.0
// hv_vcpu_{get,set}_{reg,simd_fp_reg,sys_reg}.
#include <cstring>

#include <Hypervisor/Hypervisor.h>

#include "arch/bits.h"
#include "softhv/api/machine.h"
#include "softhv/gic/cpu_interface.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/exception.h"
#include "softhv/system/sysreg.h"

using namespace softhv;
using namespace softhv::api;

namespace {

// FPCR.{AHP,DN,FZ,RMode,FZ16} and FPSR.{QC,IDC,IXC,UFC,OFC,DZC,IOC}.
constexpr u32 kFpcrMask = 0x07c80000;
constexpr u32 kFpsrMask = 0x0800009f;

// PSTATE.{nRW,M}: what SoftHV can run is EL0t, EL1t and EL1h in AArch64.
bool valid_cpsr(u64 value) {
  const u64 mode = bits(value, 4, 0);
  return value >> 32 == 0 && (mode == 0 || mode == 4 || mode == 5);
}

// Why the VM has no such register, or HV_SUCCESS.
hv_return_t availability(const Vcpu& vcpu, hv_sys_reg_t reg) {
  switch (reg) {
  case HV_SYS_REG_SP_EL1: return HV_SUCCESS;
  case HV_SYS_REG_SP_EL2: return HV_UNSUPPORTED;
  case HV_SYS_REG_CNTP_CTL_EL0:
  case HV_SYS_REG_CNTP_CVAL_EL0:
  case HV_SYS_REG_CNTP_TVAL_EL0: return vcpu.cpu->gic != nullptr ? HV_SUCCESS : HV_UNSUPPORTED;
  default: break;
  }
  const bool el2 = bits(reg, 15, 14) == 3 && bits(reg, 13, 11) == 4;
  if (el2)
    return HV_UNSUPPORTED;
  // The GIC's registers have functions of their own; reading some has side effects.
  const bool icc = bits(reg, 10, 7) == 12 && bits(reg, 6, 3) >= 8;
  return icc || reg == gic::kIccPmrEl1 ? HV_BAD_ARGUMENT : HV_SUCCESS;
}

} // namespace

hv_return_t hv_vcpu_get_reg(hv_vcpu_t vcpu, hv_reg_t reg, uint64_t* value) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || value == nullptr)
    return HV_BAD_ARGUMENT;
  const CpuState& s = own->cpu->s;
  switch (reg) {
  case HV_REG_PC: *value = s.pc; return HV_SUCCESS;
  case HV_REG_FPCR: *value = s.fpcr; return HV_SUCCESS;
  case HV_REG_FPSR: *value = s.fpsr; return HV_SUCCESS;
  case HV_REG_CPSR: *value = pstate_to_spsr(s); return HV_SUCCESS;
  default: break;
  }
  if (reg > HV_REG_X30)
    return HV_BAD_ARGUMENT;
  *value = s.x[reg];
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_set_reg(hv_vcpu_t vcpu, hv_reg_t reg, uint64_t value) {
  Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return HV_BAD_ARGUMENT;
  CpuState& s = own->cpu->s;
  switch (reg) {
  case HV_REG_PC: s.pc = value; return HV_SUCCESS;
  case HV_REG_FPCR: s.fpcr = static_cast<u32>(value) & kFpcrMask; return HV_SUCCESS;
  case HV_REG_FPSR: s.fpsr = static_cast<u32>(value) & kFpsrMask; return HV_SUCCESS;
  case HV_REG_CPSR:
    if (!valid_cpsr(value))
      return HV_BAD_ARGUMENT;
    set_pstate(*own->cpu, static_cast<u32>(value));
    s.exclusive_size = 0;
    return HV_SUCCESS;
  default: break;
  }
  if (reg > HV_REG_X30)
    return HV_BAD_ARGUMENT;
  s.x[reg] = value;
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_simd_fp_reg(hv_vcpu_t vcpu, hv_simd_fp_reg_t reg,
                                    hv_simd_fp_uchar16_t* value) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || value == nullptr || reg > HV_SIMD_FP_REG_Q31)
    return HV_BAD_ARGUMENT;
  std::memcpy(value, own->cpu->s.v[reg].d, sizeof *value);
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_set_simd_fp_reg(hv_vcpu_t vcpu, hv_simd_fp_reg_t reg,
                                    hv_simd_fp_uchar16_t value) {
  Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || reg > HV_SIMD_FP_REG_Q31)
    return HV_BAD_ARGUMENT;
  std::memcpy(own->cpu->s.v[reg].d, &value, sizeof value);
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_get_sys_reg(hv_vcpu_t vcpu, hv_sys_reg_t reg, uint64_t* value) {
  const Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr || value == nullptr)
    return HV_BAD_ARGUMENT;
  if (const hv_return_t result = availability(*own, reg); result != HV_SUCCESS)
    return result;
  return read_system_register(*own->cpu, reg, *value) ? HV_SUCCESS : HV_BAD_ARGUMENT;
}

hv_return_t hv_vcpu_set_sys_reg(hv_vcpu_t vcpu, hv_sys_reg_t reg, uint64_t value) {
  Vcpu* own = own_vcpu(vcpu);
  if (own == nullptr)
    return HV_BAD_ARGUMENT;
  if (const hv_return_t result = availability(*own, reg); result != HV_SUCCESS)
    return result;
  // A state that is put back register by register goes through contexts that mean nothing.
  own->cpu->mmu->begin_host_change();
  const bool written = write_system_register(*own->cpu, reg, value);
  own->cpu->mmu->end_host_change();
  if (!written)
    return HV_BAD_ARGUMENT;
  if (reg == HV_SYS_REG_MPIDR_EL1 && own->cpu->gic != nullptr)
    own->cpu->gic->set_affinity(own->cpu->s.sys.mpidr_el1);
  return HV_SUCCESS;
}
