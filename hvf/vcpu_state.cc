// SPDX-License-Identifier: Apache-2.0
// Reading and writing all registers of a vCPU.
//
// A reset writes what they had when the vCPU was created: PSCI CPU_OFF followed by CPU_ON resets
// one core, and destroying and creating the vCPU instead would also take its redistributor away,
// which keeps its state through CPU_OFF.
#include <cstring>

#include "arch/gic_registers.h"
#include "arch/sysreg.h"
#include "hvf/error.h"
#include "hvf/register_list.h"
#include "hvf/vcpu.h"

namespace kindling::hvf {

namespace {

constexpr hv_reg_t kPlainRegisters[] = {HV_REG_PC, HV_REG_CPSR, HV_REG_FPCR, HV_REG_FPSR};

u64* field(arch::VcpuState& state, hv_reg_t reg) {
  switch (reg) {
  case HV_REG_PC: return &state.pc;
  case HV_REG_CPSR: return &state.pstate;
  case HV_REG_FPCR: return &state.fpcr;
  default: return &state.fpsr;
  }
}

Status read_general(hv_vcpu_t vcpu, arch::VcpuState& to) {
  for (unsigned i = 0; i < to.x.size(); ++i) {
    const auto reg = static_cast<hv_reg_t>(HV_REG_X0 + i);
    uint64_t value = 0;
    if (Status s = check(hv_vcpu_get_reg(vcpu, reg, &value), "hv_vcpu_get_reg"); !s) {
      return s;
    }
    to.x[i] = value;
  }
  for (const hv_reg_t reg : kPlainRegisters) {
    uint64_t value = 0;
    if (Status s = check(hv_vcpu_get_reg(vcpu, reg, &value), "hv_vcpu_get_reg"); !s) {
      return s;
    }
    *field(to, reg) = value;
  }
  for (unsigned i = 0; i < to.q.size(); ++i) {
    hv_simd_fp_uchar16_t value = {};
    if (Status s = check(hv_vcpu_get_simd_fp_reg(
                             vcpu, static_cast<hv_simd_fp_reg_t>(HV_SIMD_FP_REG_Q0 + i), &value),
                         "hv_vcpu_get_simd_fp_reg");
        !s) {
      return s;
    }
    std::memcpy(to.q[i].data(), &value, sizeof value);
  }
  return {};
}

Status write_general(hv_vcpu_t vcpu, const arch::VcpuState& from) {
  for (unsigned i = 0; i < from.x.size(); ++i) {
    const auto reg = static_cast<hv_reg_t>(HV_REG_X0 + i);
    if (Status s = check(hv_vcpu_set_reg(vcpu, reg, from.x[i]), "hv_vcpu_set_reg"); !s) {
      return s;
    }
  }
  // PSTATE among them, and so before the stack pointers, of which it selects one.
  arch::VcpuState values;
  values.pc = from.pc;
  values.pstate = from.pstate;
  values.fpcr = from.fpcr;
  values.fpsr = from.fpsr;
  for (const hv_reg_t reg : kPlainRegisters) {
    if (Status s = check(hv_vcpu_set_reg(vcpu, reg, *field(values, reg)), "hv_vcpu_set_reg"); !s) {
      return s;
    }
  }
  for (unsigned i = 0; i < from.q.size(); ++i) {
    hv_simd_fp_uchar16_t value;
    std::memcpy(&value, from.q[i].data(), sizeof value);
    if (Status s = check(hv_vcpu_set_simd_fp_reg(
                             vcpu, static_cast<hv_simd_fp_reg_t>(HV_SIMD_FP_REG_Q0 + i), value),
                         "hv_vcpu_set_simd_fp_reg");
        !s) {
      return s;
    }
  }
  return {};
}

} // namespace

Result<u64> Vcpu::vtimer_offset() const {
  uint64_t offset = 0;
  Status s = check(hv_vcpu_get_vtimer_offset(handle_, &offset), "hv_vcpu_get_vtimer_offset");
  return s ? Result<u64>(offset) : s.error();
}

Status Vcpu::set_vtimer_offset(u64 offset) {
  return check(hv_vcpu_set_vtimer_offset(handle_, offset), "hv_vcpu_set_vtimer_offset");
}

Status Vcpu::save(arch::VcpuState& to) const {
  if (pending()) {
    return Error{
        "the vCPU is not at an instruction boundary: its last exit has not been completed"};
  }
  if (Status s = read_general(handle_, to); !s) {
    return s;
  }
  to.system.clear();
  for (const hv_sys_reg_t reg : registers_.system) {
    uint64_t value = 0;
    if (Status s = check(hv_vcpu_get_sys_reg(handle_, reg, &value), "hv_vcpu_get_sys_reg"); !s) {
      return s;
    }
    to.system.push_back({reg, value});
  }
  to.icc.clear();
  for (const hv_gic_icc_reg_t reg : registers_.icc) {
    uint64_t value = 0;
    if (Status s = check(hv_gic_get_icc_reg(handle_, reg, &value), "hv_gic_get_icc_reg"); !s) {
      return s;
    }
    to.icc.push_back({reg, value});
  }
  const auto offset = vtimer_offset();
  if (!offset) {
    return offset.error();
  }
  to.vtimer_offset = *offset;
  return check(hv_vcpu_get_vtimer_mask(handle_, &to.vtimer_masked), "hv_vcpu_get_vtimer_mask");
}

Status Vcpu::restore(const arch::VcpuState& from) {
  pending_ = Pending::kNone;
  if (Status s = write_general(handle_, from); !s) {
    return s;
  }
  // Before the timers, which look at their counters when they are set.
  if (Status s = set_vtimer_offset(from.vtimer_offset); !s) {
    return s;
  }
  if (Status s =
          check(hv_vcpu_set_vtimer_mask(handle_, from.vtimer_masked), "hv_vcpu_set_vtimer_mask");
      !s) {
    return s;
  }
  Status system = write_changed(
      from.system, "hv_vcpu_set_sys_reg", arch::sysreg_name,
      [this](u32 reg, uint64_t& value) {
        return hv_vcpu_get_sys_reg(handle_, static_cast<hv_sys_reg_t>(reg), &value);
      },
      [this](u32 reg, u64 value) {
        return hv_vcpu_set_sys_reg(handle_, static_cast<hv_sys_reg_t>(reg), value);
      });
  if (!system) {
    return system;
  }
  return write_changed(
      from.icc, "hv_gic_set_icc_reg", arch::sysreg_name,
      [this](u32 reg, uint64_t& value) {
        return hv_gic_get_icc_reg(handle_, static_cast<hv_gic_icc_reg_t>(reg), &value);
      },
      [this](u32 reg, u64 value) {
        return hv_gic_set_icc_reg(handle_, static_cast<hv_gic_icc_reg_t>(reg), value);
      });
}

Result<std::vector<arch::RegisterValue>> Vcpu::read_redistributor() const {
  return read_existing(arch::gicr_state_registers(), "hv_gic_get_redistributor_reg",
                       arch::gicr_register_name, [this](u32 offset, uint64_t& value) {
                         return hv_gic_get_redistributor_reg(
                             handle_, static_cast<hv_gic_redistributor_reg_t>(offset), &value);
                       });
}

Status Vcpu::write_redistributor(std::span<const arch::RegisterValue> registers) {
  return write_registers(registers, "hv_gic_set_redistributor_reg", arch::gicr_register_name,
                         [this](u32 offset, u64 value) {
                           return hv_gic_set_redistributor_reg(
                               handle_, static_cast<hv_gic_redistributor_reg_t>(offset), value);
                         });
}

Status Vcpu::shift_counter(u64 ticks) {
  const auto offset = vtimer_offset();
  if (!offset) {
    return offset.error();
  }
  if (Status s = set_vtimer_offset(*offset + ticks); !s) {
    return s;
  }
  const auto compare = get_system(HV_SYS_REG_CNTP_CVAL_EL0);
  return compare ? set_system(HV_SYS_REG_CNTP_CVAL_EL0, *compare + ticks) : compare.error();
}

Status Vcpu::reset(const arch::BootState& state) {
  arch::VcpuState values = reset_values_;
  const auto offset = vtimer_offset(); // time goes on
  if (!offset) {
    return offset.error();
  }
  values.vtimer_offset = *offset;
  values.x[0] = state.x0;
  values.pc = state.pc;
  values.pstate = state.pstate;
  return restore(values);
}

} // namespace kindling::hvf
