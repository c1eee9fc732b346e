// SPDX-License-Identifier: Apache-2.0
#include "hvf/vcpu.h"

#include <fmt/format.h>

#include "hvf/error.h"
#include "hvf/softhv_extension.h"

namespace kindling::hvf {

namespace {

using arch::ExceptionClass;

constexpr u8 kZeroRegister = 31;

hv_reg_t general(u8 index) {
  return static_cast<hv_reg_t>(HV_REG_X0 + index);
}

} // namespace

Result<std::unique_ptr<Vcpu>> Vcpu::create(u64 mpidr) {
  hv_vcpu_t handle = 0;
  hv_vcpu_exit_t* exit = nullptr;
  if (Status s = check(hv_vcpu_create(&handle, &exit, nullptr), "hv_vcpu_create"); !s) {
    return s.error();
  }
  std::unique_ptr<Vcpu> vcpu(new Vcpu(handle, exit));
  vcpu->mpidr_ = mpidr;
  // The GIC finds a vCPU's redistributor by its affinity, so this comes before anything else.
  if (Status s = vcpu->set_system(HV_SYS_REG_MPIDR_EL1, mpidr); !s) {
    return s.error();
  }
  vcpu->registers_ = find_registers(handle);
  if (Status s = vcpu->save(vcpu->reset_values_); !s) {
    return s.error();
  }
  return vcpu;
}

Vcpu::~Vcpu() {
  hv_vcpu_destroy(handle_);
}

Result<arch::VcpuExit> Vcpu::run() {
  if (pending()) {
    return Error{"the vCPU's last exit has not been completed"};
  }
  if (Status s = check(hv_vcpu_run(handle_), "hv_vcpu_run"); !s) {
    return s.error();
  }
  switch (exit_->reason) {
  case HV_EXIT_REASON_CANCELED: return arch::VcpuExit{arch::Canceled{}};
  case HV_EXIT_REASON_VTIMER_ACTIVATED: return arch::VcpuExit{arch::VtimerActivated{}};
  case HV_EXIT_REASON_EXCEPTION: return decode_exception();
  default:
    return Error{fmt::format("hv_vcpu_run returned for an unknown reason ({})",
                             static_cast<unsigned>(exit_->reason))};
  }
}

Result<arch::VcpuExit> Vcpu::decode_exception() {
  syndrome_ = exit_->exception.syndrome;
  address_ = exit_->exception.virtual_address;
  switch (arch::exception_class(syndrome_)) {
  case ExceptionClass::kDataAbortLower: return decode_data_abort(syndrome_);
  case ExceptionClass::kInstructionAbortLower:
    pending_ = Pending::kAccess;
    return arch::VcpuExit{
        arch::UnserviceableAccess{syndrome_, address_, exit_->exception.physical_address}};
  case ExceptionClass::kHvc64:
    pending_ = Pending::kHvc;
    return arch::VcpuExit{arch::Hvc{static_cast<u16>(arch::bits(syndrome_, 15, 0))}};
  case ExceptionClass::kSmc64:
    pending_ = Pending::kSmc;
    return arch::VcpuExit{arch::Smc{static_cast<u16>(arch::bits(syndrome_, 15, 0))}};
  case ExceptionClass::kWfx:
    pending_ = Pending::kWait;
    return arch::VcpuExit{arch::WaitForInterrupt{arch::is_wfe(syndrome_)}};
  case ExceptionClass::kSysReg: return decode_system_register(syndrome_);
  default:
    pending_ = Pending::kOther;
    return arch::VcpuExit{arch::Unhandled{syndrome_, arch::describe_esr(syndrome_)}};
  }
}

Result<arch::VcpuExit> Vcpu::decode_data_abort(u64 syndrome) {
  const arch::DataAbort abort = arch::decode_data_abort(syndrome);
  const u64 address = exit_->exception.physical_address;
  if (abort.write && arch::is_permission_fault(abort.fault_status)) {
    return arch::VcpuExit{arch::WriteRefused{address}};
  }
  if (!abort.valid || abort.table_walk || abort.cache_maintenance) {
    pending_ = Pending::kAccess;
    return arch::VcpuExit{arch::UnserviceableAccess{syndrome, address_, address}};
  }
  if (!abort.write) {
    pending_ = Pending::kRead;
    return arch::VcpuExit{arch::MmioRead{address, abort.access_size}};
  }
  const auto value = get_operand(abort.reg);
  if (!value) {
    return value.error();
  }
  pending_ = Pending::kWrite;
  return arch::VcpuExit{arch::MmioWrite{address, abort.access_size,
                                        arch::bits(*value, abort.access_size * 8U - 1, 0)}};
}

Result<arch::VcpuExit> Vcpu::decode_system_register(u64 syndrome) {
  arch::SystemRegister exit{arch::decode_system_register_trap(syndrome), 0};
  if (!exit.trap.read) {
    const auto value = get_operand(exit.trap.reg);
    if (!value) {
      return value.error();
    }
    exit.value = *value;
  }
  pending_ = Pending::kRegister;
  return arch::VcpuExit{exit};
}

Status Vcpu::expect(Pending kind, const char* operation) const {
  if (pending_ == kind) {
    return {};
  }
  return Error{fmt::format("the vCPU's pending exit does not want {}", operation)};
}

Status Vcpu::complete_read(u64 value) {
  if (Status s = expect(Pending::kRead, "the value of a load"); !s) {
    return s;
  }
  const arch::DataAbort abort = arch::decode_data_abort(syndrome_);
  if (Status s = set_operand(abort.reg, arch::extend_load(abort, value)); !s) {
    return s;
  }
  return advance();
}

Status Vcpu::complete_write() {
  if (Status s = expect(Pending::kWrite, "the end of a store"); !s) {
    return s;
  }
  return advance();
}

Status Vcpu::complete_call(u64 x0) {
  if (pending_ != Pending::kHvc && pending_ != Pending::kSmc) {
    return expect(Pending::kHvc, "the result of a call");
  }
  if (Status s = set(HV_REG_X0, x0); !s) {
    return s;
  }
  // The preferred return address of HVC is the next instruction; a trapped SMC's is its own.
  if (pending_ == Pending::kSmc) {
    return advance();
  }
  pending_ = Pending::kNone;
  return {};
}

Status Vcpu::complete_wait() {
  if (Status s = expect(Pending::kWait, "the end of a wait"); !s) {
    return s;
  }
  return advance();
}

Status Vcpu::complete_register(u64 value) {
  if (Status s = expect(Pending::kRegister, "the value of a system register"); !s) {
    return s;
  }
  const arch::SystemRegisterTrap trap = arch::decode_system_register_trap(syndrome_);
  if (trap.read) {
    if (Status s = set_operand(trap.reg, value); !s) {
      return s;
    }
  }
  return advance();
}

Status Vcpu::abort_access() {
  if (pending_ != Pending::kRead && pending_ != Pending::kWrite) {
    if (Status s = expect(Pending::kAccess, "an external abort"); !s) {
      return s;
    }
  }
  const auto pstate = get(HV_REG_CPSR);
  if (!pstate) {
    return pstate.error();
  }
  return take_exception(arch::external_abort_syndrome(syndrome_, *pstate), true);
}

Status Vcpu::raise_undefined() {
  if (pending_ == Pending::kHvc) { // the PC is behind it, the exception is taken at it
    const auto pc = get(HV_REG_PC);
    if (!pc) {
      return pc.error();
    }
    if (Status s = set(HV_REG_PC, *pc - 4); !s) {
      return s;
    }
  }
  if (!pending()) {
    return expect(Pending::kOther, "an exception");
  }
  return take_exception(arch::undefined_instruction_syndrome(), false);
}

Status Vcpu::take_exception(u64 esr, bool has_address) {
  const auto pc = get(HV_REG_PC);
  const auto pstate = get(HV_REG_CPSR);
  const auto vbar = get_system(HV_SYS_REG_VBAR_EL1);
  const auto sctlr = get_system(HV_SYS_REG_SCTLR_EL1);
  for (const auto* value : {&pc, &pstate, &vbar, &sctlr}) {
    if (!*value) {
      return value->error();
    }
  }
  const arch::ExceptionEntry entry =
      arch::take_synchronous_exception({*pc, *pstate, *vbar, *sctlr});
  if (has_address) {
    if (Status s = set_system(HV_SYS_REG_FAR_EL1, address_); !s) {
      return s;
    }
  }
  if (Status s = set_system(HV_SYS_REG_ESR_EL1, esr); !s) {
    return s;
  }
  if (Status s = set_system(HV_SYS_REG_ELR_EL1, entry.elr); !s) {
    return s;
  }
  if (Status s = set_system(HV_SYS_REG_SPSR_EL1, entry.spsr); !s) {
    return s;
  }
  if (Status s = set(HV_REG_CPSR, entry.pstate); !s) {
    return s;
  }
  pending_ = Pending::kNone;
  return set(HV_REG_PC, entry.pc);
}

void Vcpu::kick() {
  hv_vcpu_t handle = handle_;
  hv_vcpus_exit(&handle, 1);
}

bool Vcpu::borrow() const {
#if KINDLING_HAS_SOFTHV
  return hv_softhv_vcpu_borrow(handle_) == HV_SUCCESS;
#else
  return false;
#endif
}

void Vcpu::give_back() const {
#if KINDLING_HAS_SOFTHV
  hv_softhv_vcpu_give_back(handle_);
#endif
}

void Vcpu::expect([[maybe_unused]] hv_vcpu_t handle) {
#if KINDLING_HAS_SOFTHV
  hv_softhv_vcpu_expect(handle);
#endif
}

void Vcpu::rest() {
#if KINDLING_HAS_SOFTHV
  hv_softhv_vcpu_rest(handle_);
#endif
}

Result<u64> Vcpu::get(hv_reg_t reg) const {
  uint64_t value = 0;
  if (Status s = check(hv_vcpu_get_reg(handle_, reg, &value), "hv_vcpu_get_reg"); !s) {
    return s.error();
  }
  return static_cast<u64>(value);
}

Status Vcpu::set(hv_reg_t reg, u64 value) {
  return check(hv_vcpu_set_reg(handle_, reg, value), "hv_vcpu_set_reg");
}

Result<u64> Vcpu::get_system(hv_sys_reg_t reg) const {
  uint64_t value = 0;
  if (Status s = check(hv_vcpu_get_sys_reg(handle_, reg, &value), "hv_vcpu_get_sys_reg"); !s) {
    return s.error();
  }
  return static_cast<u64>(value);
}

Status Vcpu::set_system(hv_sys_reg_t reg, u64 value) {
  return check(hv_vcpu_set_sys_reg(handle_, reg, value), "hv_vcpu_set_sys_reg");
}

Status Vcpu::mask_vtimer(bool masked) {
  return check(hv_vcpu_set_vtimer_mask(handle_, masked), "hv_vcpu_set_vtimer_mask");
}

Result<u64> Vcpu::get_operand(u8 reg) const {
  return reg == kZeroRegister ? Result<u64>(u64{0}) : get(general(reg));
}

Status Vcpu::set_operand(u8 reg, u64 value) {
  return reg == kZeroRegister ? Status() : set(general(reg), value);
}

Status Vcpu::advance() {
  const auto pc = get(HV_REG_PC);
  if (!pc) {
    return pc.error();
  }
  const auto pstate = get(HV_REG_CPSR);
  if (!pstate) {
    return pstate.error();
  }
  // To a guest that single-steps, the instruction completed here counts as stepped (Arm ARM D2.12).
  if ((*pstate & arch::kPstateSs) != 0) {
    if (Status s = set(HV_REG_CPSR, *pstate & ~arch::kPstateSs); !s) {
      return s;
    }
  }
  pending_ = Pending::kNone;
  return set(HV_REG_PC, *pc + 4);
}

} // namespace kindling::hvf
