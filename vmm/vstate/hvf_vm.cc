// SPDX-License-Identifier: Apache-2.0
#include "vmm/vstate/hvf_vm.h"

#include <map>
#include <mutex>

#include "arch/cpu_features.h"
#include "hvf/engine.h"
#include "hvf/vcpu.h"
#include "hvf/vm.h"
#include "hvf/write_watch.h"

namespace kindling::vmm::vstate {

namespace {

class HvfVcpu final : public Vcpu {
public:
  explicit HvfVcpu(std::unique_ptr<hvf::Vcpu> vcpu) : vcpu_(std::move(vcpu)) {}

  Status reset(const arch::BootState& state) override { return vcpu_->reset(state); }
  Result<arch::VcpuExit> run() override { return vcpu_->run(); }
  bool pending() const override { return vcpu_->pending(); }
  Status save(arch::VcpuState& to) override { return vcpu_->save(to); }
  Status restore(const arch::VcpuState& from) override { return vcpu_->restore(from); }
  bool borrow() override { return vcpu_->borrow(); }
  void give_back() override { vcpu_->give_back(); }
  Status complete_read(u64 value) override { return vcpu_->complete_read(value); }
  Status complete_write() override { return vcpu_->complete_write(); }
  Status complete_call(u64 x0) override { return vcpu_->complete_call(x0); }
  Status complete_wait() override { return vcpu_->complete_wait(); }
  Status complete_register(u64 value) override { return vcpu_->complete_register(value); }
  Status abort_access() override { return vcpu_->abort_access(); }
  Status raise_undefined() override { return vcpu_->raise_undefined(); }
  Result<std::vector<arch::RegisterValue>> read_redistributor() override {
    return vcpu_->read_redistributor();
  }
  Status write_redistributor(std::span<const arch::RegisterValue> registers) override {
    return vcpu_->write_redistributor(registers);
  }
  std::vector<arch::RegisterValue> features() override {
    std::vector<arch::RegisterValue> all;
    for (const u32 reg : arch::feature_registers()) {
      if (const auto value = vcpu_->get_system(static_cast<hv_sys_reg_t>(reg)); value) {
        all.push_back({reg, *value});
      }
    }
    return all;
  }
  Status shift_counter(u64 ticks) override { return vcpu_->shift_counter(ticks); }
  Result<u64> general_register(unsigned index) override {
    if (index > HV_REG_X30 - HV_REG_X0) {
      return Error{"there is no such general register"};
    }
    return vcpu_->get(static_cast<hv_reg_t>(HV_REG_X0 + index));
  }
  Result<u64> program_counter() override { return vcpu_->get(HV_REG_PC); }
  void kick() override { vcpu_->kick(); }
  void take_part(bool on) override {
    if (on) {
      hvf::Vcpu::expect(vcpu_->handle());
    } else {
      vcpu_->rest();
    }
  }

private:
  std::unique_ptr<hvf::Vcpu> vcpu_;
};

class HvfVm final : public Vm {
public:
  HvfVm(std::unique_ptr<hvf::Vm> vm, const arch::GicPlacement& gic, arch::AddressRange ram,
        hvf::WriteWatch::Method method)
      : vm_(std::move(vm)), gic_(gic), watch_(*vm_, ram, method) {}

  Status map(void* host, u64 address, u64 size) override {
    return vm_->map(host, address, size, hvf::Access{});
  }
  Status unmap(u64 address, u64 size) override { return vm_->unmap(address, size); }
  Status set_writable(u64 address, u64 size, bool writable) override {
    return vm_->protect(address, size, hvf::Access{.write = writable});
  }
  Status watch_writes(const FirstWrite& first_write) override { return watch_.start(first_write); }
  void unwatch_writes() override { watch_.stop(); }
  Status open_page(u64 address) override { return watch_.open_page(address); }
  void memory_changed(u64 address, u64 size) override { vm_->memory_changed(address, size); }
  void pages_changed(std::span<const u64> pages) override { vm_->pages_changed(pages); }
  const arch::GicPlacement& gic() const override { return gic_; }
  Status set_spi(u32 intid, bool high) override { return vm_->set_spi(intid, high); }
  Result<std::vector<u8>> save_gic() override { return vm_->save_gic(); }
  Status restore_gic(std::span<const u8> state) override { return vm_->restore_gic(state); }
  [[nodiscard]] bool restoring_gic_keeps_inputs() const override {
    return hvf::Vm::restoring_gic_keeps_inputs();
  }
  Result<std::vector<arch::RegisterValue>> read_distributor() override {
    return vm_->read_distributor();
  }
  Status write_distributor(std::span<const arch::RegisterValue> registers) override {
    return vm_->write_distributor(registers);
  }
  u64 guest_time_ns() const override { return vm_->guest_time_ns(); }
  Result<u64> set_guest_time_ns(u64 ns) override { return vm_->set_guest_time_ns(ns); }
  Result<std::unique_ptr<Vcpu>> create_vcpu(unsigned index) override {
    auto vcpu = hvf::Vcpu::create(arch::mpidr_of(index));
    if (!vcpu) {
      return vcpu.error();
    }
    const std::lock_guard lock(mutex_);
    handles_[index] = (*vcpu)->handle();
    return std::unique_ptr<Vcpu>(new HvfVcpu(std::move(*vcpu)));
  }

  Result<std::vector<arch::Statistic>> statistics() override { return hvf::read_statistics(); }

  u64 instructions() const override { return vm_->instructions(); }
  u64 time_ns() const override { return vm_->time_ns(); }
  void set_event_time(u64 ns) override { vm_->set_event_time(ns); }
  void expect_vcpu(unsigned index) override {
    const std::lock_guard lock(mutex_);
    if (const auto handle = handles_.find(index); handle != handles_.end()) {
      hvf::Vcpu::expect(handle->second);
    }
  }

private:
  std::unique_ptr<hvf::Vm> vm_;
  arch::GicPlacement gic_;
  hvf::WriteWatch watch_;
  std::mutex mutex_;
  std::map<unsigned, hv_vcpu_t> handles_; // of vCPUs, by index; under mutex_
};

} // namespace

Result<std::unique_ptr<Vm>> create_hvf_vm(const VmConfig& config, u32 address_bits) {
  const auto limits = hvf::query_limits();
  if (!limits) {
    return limits.error();
  }
  auto vm = hvf::Vm::create(address_bits > limits->default_ipa_bits ? address_bits : 0);
  if (!vm) {
    return vm.error();
  }
  if (Status s = hvf::set_engine(config.engine); !s) {
    return s.error();
  }
  if (const auto& time = config.instruction_time; time) {
    if (Status s = (*vm)->count_instructions(time->shift, time->live, time->event); !s) {
      return s.error().with_context("--icount");
    }
  }
  const auto gic = (*vm)->create_gic(config.vcpus);
  if (!gic) {
    return gic.error();
  }
  const auto method = config.watch_by_faults || !hvf::can_watch_without_faults()
                          ? hvf::WriteWatch::Method::kProtect
                          : hvf::WriteWatch::Method::kWithoutFaults;
  return std::unique_ptr<Vm>(
      new HvfVm(std::move(*vm), *gic, arch::ram_range(config.ram_size), method));
}

} // namespace kindling::vmm::vstate
