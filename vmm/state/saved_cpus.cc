// SPDX-License-Identifier: Apache-2.0
#include "vmm/state/saved_cpus.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "arch/gic_registers.h"
#include "arch/sysreg.h"

namespace kindling::vmm {

namespace {

// An engine without external debug has no OS Lock that would have to be put back.
constexpr std::string_view kOptional[] = {"OSLSR_EL1"};

struct PlainRegister {
  std::string_view name;
  u64 arch::VcpuState::*field;
};
constexpr PlainRegister kPlainRegisters[] = {
    {"PC", &arch::VcpuState::pc},
    {"PSTATE", &arch::VcpuState::pstate},
    {"FPCR", &arch::VcpuState::fpcr},
    {"FPSR", &arch::VcpuState::fpsr},
    {"CNTVOFF_EL2", &arch::VcpuState::vtimer_offset},
};

std::string in_vcpu(size_t index, std::string_view name) {
  return fmt::format("vcpu{}/{}", index, name);
}

using Names = std::string (*)(u32 number);

void put_registers(const std::vector<arch::RegisterValue>& registers, const std::string& prefix,
                   Names name, bool zeros, StateTable& table) {
  for (const auto& [number, value] : registers) {
    if (zeros || value != 0) {
      table.put(prefix + name(number), value);
    }
  }
}

// Collects the first error of many steps.
class Taker {
public:
  explicit Taker(StateTable& table) : table_(table) {}

  u64 number(const std::string& name) {
    const auto value = table_.take_number(name);
    if (!value && error_) {
      error_ = value.error();
    }
    return value ? *value : 0;
  }
  std::vector<u8> bytes(const std::string& name, size_t size) {
    const auto value = table_.take_bytes(name);
    if (value && value->size() == size) {
      return *value;
    }
    fail(value ? Error{fmt::format("{} of the saved state has {} bytes, and {} are right", name,
                                   value->size(), size)}
               : value.error());
    return std::vector<u8>(size);
  }
  void registers(std::vector<arch::RegisterValue>& registers, const std::string& prefix) {
    for (auto& [register_number, value] : registers) {
      value = number(prefix + arch::sysreg_name(register_number));
    }
  }
  // Of those that are left out where they are zero. What is there and not among `registers` stays
  // in the table.
  void gic_registers(std::vector<arch::RegisterValue>& registers, const std::string& prefix,
                     std::optional<u32> (*find)(std::string_view name)) {
    std::map<u32, u64> given;
    for (const std::string& name : table_.names(prefix)) {
      const auto offset = find(std::string_view(name).substr(prefix.size()));
      if (offset &&
          std::ranges::find(registers, *offset, &arch::RegisterValue::number) != registers.end()) {
        given[*offset] = number(name);
      }
    }
    for (auto& [offset, value] : registers) {
      const auto found = given.find(offset);
      value = found == given.end() ? 0 : found->second;
    }
  }
  void fail(Error error) {
    if (error_) {
      error_ = std::move(error);
    }
  }
  [[nodiscard]] const Status& status() const { return error_; }
  StateTable& table() { return table_; }

private:
  StateTable& table_;
  Status error_; // ok until something has failed
};

void put_vcpu(const arch::VcpuState& vcpu, size_t index, StateTable& table) {
  for (size_t i = 0; i < vcpu.x.size(); ++i) {
    table.put(in_vcpu(index, fmt::format("X{}", i)), vcpu.x[i]);
  }
  for (size_t i = 0; i < vcpu.q.size(); ++i) {
    table.put(in_vcpu(index, fmt::format("V{}", i)),
              std::vector<u8>(vcpu.q[i].begin(), vcpu.q[i].end()));
  }
  for (const auto& [name, field] : kPlainRegisters) {
    table.put(in_vcpu(index, name), vcpu.*field);
  }
  table.put(in_vcpu(index, "vtimer_masked"), u64{vcpu.vtimer_masked ? 1U : 0U});
  put_registers(vcpu.system, in_vcpu(index, ""), arch::sysreg_name, true, table);
  put_registers(vcpu.icc, in_vcpu(index, ""), arch::sysreg_name, true, table);
}

void take_vcpu(Taker& taker, size_t index, arch::VcpuState& vcpu) {
  for (size_t i = 0; i < vcpu.x.size(); ++i) {
    vcpu.x[i] = taker.number(in_vcpu(index, fmt::format("X{}", i)));
  }
  for (size_t i = 0; i < vcpu.q.size(); ++i) {
    std::ranges::copy(taker.bytes(in_vcpu(index, fmt::format("V{}", i)), vcpu.q[i].size()),
                      vcpu.q[i].begin());
  }
  for (const auto& [name, field] : kPlainRegisters) {
    vcpu.*field = taker.number(in_vcpu(index, name));
  }
  vcpu.vtimer_masked = taker.number(in_vcpu(index, "vtimer_masked")) != 0;
  taker.registers(vcpu.system, in_vcpu(index, ""));
  taker.registers(vcpu.icc, in_vcpu(index, ""));
  for (const std::string_view name : kOptional) {
    (void)taker.table().take_number(in_vcpu(index, name));
  }
}

void put_power(const CpuPowerState& power, size_t index, StateTable& table) {
  table.put(in_vcpu(index, "power"), static_cast<u64>(power.power));
  if (power.power == CpuPower::kOnPending) {
    table.put(in_vcpu(index, "start/PC"), power.start.pc);
    table.put(in_vcpu(index, "start/X0"), power.start.x0);
    table.put(in_vcpu(index, "start/PSTATE"), power.start.pstate);
    table.put(in_vcpu(index, "start/MPIDR_EL1"), power.start.mpidr);
  }
}

CpuPowerState take_power(Taker& taker, size_t index) {
  CpuPowerState state;
  const u64 power = taker.number(in_vcpu(index, "power"));
  if (power > static_cast<u64>(CpuPower::kOn)) {
    taker.fail(Error{fmt::format("a vCPU's power of {} makes no sense", power)});
    return state;
  }
  state.power = static_cast<CpuPower>(power);
  if (state.power == CpuPower::kOnPending) {
    state.start.pc = taker.number(in_vcpu(index, "start/PC"));
    state.start.x0 = taker.number(in_vcpu(index, "start/X0"));
    state.start.pstate = taker.number(in_vcpu(index, "start/PSTATE"));
    state.start.mpidr = taker.number(in_vcpu(index, "start/MPIDR_EL1"));
  }
  return state;
}

// What is left of vCPUs and GIC is what this engine does not know.
Status check_all_known(const StateTable& table) {
  std::vector<std::string> unknown;
  for (const char* part : {"vcpu", "gic"}) {
    const std::vector<std::string> names = table.names(part);
    unknown.insert(unknown.end(), names.begin(), names.end());
  }
  return unknown.empty() ? Status()
                         : Error{fmt::format("this engine does not have what the saved state has: "
                                             "{}",
                                             fmt::join(unknown, ", "))};
}

} // namespace

void put_cpus(const SavedCpus& cpus, StateTable& table) {
  table.put("vcpus", u64{cpus.vcpus.size()});
  table.put("time_ns", cpus.time_ns);
  for (size_t i = 0; i < cpus.vcpus.size(); ++i) {
    put_vcpu(cpus.vcpus[i], i, table);
    put_power(cpus.power[i], i, table);
    put_registers(cpus.gic.redistributors[i], fmt::format("gic/vcpu{}/", i),
                  arch::gicr_register_name, false, table);
  }
  put_registers(cpus.gic.distributor, "gic/", arch::gicd_register_name, false, table);
}

Result<SavedCpus> take_cpus(StateTable& table, const SavedCpus& present) {
  SavedCpus cpus = present;
  Taker taker(table);
  const u64 vcpus = taker.number("vcpus");
  if (vcpus != present.vcpus.size()) {
    taker.fail(Error{fmt::format("the saved state has {} vCPUs, and the machine {}", vcpus,
                                 present.vcpus.size())});
  }
  cpus.time_ns = taker.number("time_ns");
  for (size_t i = 0; taker.status() && i < cpus.vcpus.size(); ++i) {
    take_vcpu(taker, i, cpus.vcpus[i]);
    cpus.power[i] = take_power(taker, i);
    taker.gic_registers(cpus.gic.redistributors[i], fmt::format("gic/vcpu{}/", i),
                        arch::gicr_register);
  }
  taker.gic_registers(cpus.gic.distributor, "gic/", arch::gicd_register);
  if (!taker.status()) {
    return taker.status().error();
  }
  if (Status s = check_all_known(table); !s) {
    return s.error();
  }
  return cpus;
}

} // namespace kindling::vmm
