// SPDX-License-Identifier: Apache-2.0
// A VM made through the public API, for tests: RAM with a guest program, a GIC if wanted, and vCPU
// threads that run until the guest's HVC #0.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <Hypervisor/Hypervisor.h>
#include <Hypervisor/hv_softhv.h>

#include "arch/types.h"

namespace softhv::api {

inline bool has_jit() {
  u32 version = 0;
  EXPECT_EQ(hv_softhv_get_capability(HV_SOFTHV_CAPABILITY_JIT, &version), HV_SUCCESS);
  return version != 0;
}

class TestVm {
public:
  static constexpr hv_ipa_t kRamBase = 0x40000000;
  static constexpr size_t kRamSize = 0x40000;
  static constexpr u64 kData = 0x8000; // guest.h
  static constexpr hv_ipa_t kGicd = 0x3fe00000;
  static constexpr hv_ipa_t kGicr = 0x30000000;
  static constexpr hv_ipa_t kGicm = 0x3ff00000;
  static constexpr u32 kMsiBase = 512;

  enum class Interrupts : u8 { kGic, kNone };

  explicit TestVm(Interrupts interrupts = Interrupts::kGic, const std::string& program = "") {
    EXPECT_EQ(hv_vm_create(nullptr), HV_SUCCESS);
    if (interrupts == Interrupts::kGic)
      create_gic();
    EXPECT_EQ(hv_vm_allocate(&ram_, kRamSize, HV_ALLOCATE_DEFAULT), HV_SUCCESS);
    EXPECT_EQ(
        hv_vm_map(ram_, kRamBase, kRamSize, HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC),
        HV_SUCCESS);
    if (!program.empty())
      load(program);
  }
  ~TestVm() {
    EXPECT_EQ(hv_vm_destroy(), HV_SUCCESS);
    EXPECT_EQ(hv_vm_deallocate(ram_, kRamSize), HV_SUCCESS);
  }
  TestVm(const TestVm&) = delete;
  TestVm& operator=(const TestVm&) = delete;

  void load(const std::string& program) {
    std::ifstream file(std::string(KINDLING_GUEST_PROGRAMS) + "/" + program + ".bin",
                       std::ios::binary);
    const std::vector<char> code((std::istreambuf_iterator<char>(file)), {});
    ASSERT_FALSE(code.empty()) << program;
    ASSERT_LT(code.size(), kData);
    std::memcpy(ram_, code.data(), code.size());
  }
  void put_code(std::initializer_list<u32> words) {
    std::memcpy(ram_, words.begin(), words.size() * sizeof(u32));
  }

  [[nodiscard]] u64 word(hv_ipa_t ipa) const {
    u64 value;
    std::memcpy(&value, static_cast<u8*>(ram_) + (ipa - kRamBase), sizeof value);
    return value;
  }

  // The guest's slot `n` of vCPU `cpu` (guest.h).
  [[nodiscard]] u64 slot(u32 cpu, u32 n) const {
    return word(kRamBase + kData + 0x100 * cpu + 8 * n);
  }

private:
  static void create_gic() {
    hv_gic_config_t config = hv_gic_config_create();
    EXPECT_EQ(hv_gic_config_set_distributor_base(config, kGicd), HV_SUCCESS);
    EXPECT_EQ(hv_gic_config_set_redistributor_base(config, kGicr), HV_SUCCESS);
    EXPECT_EQ(hv_gic_config_set_msi_region_base(config, kGicm), HV_SUCCESS);
    EXPECT_EQ(hv_gic_config_set_msi_interrupt_range(config, kMsiBase, 64), HV_SUCCESS);
    EXPECT_EQ(hv_gic_create(config), HV_SUCCESS);
    os_release(config);
  }

  void* ram_ = nullptr;
};

// A vCPU of the calling thread, set up as guest.h says.
class TestVcpu {
public:
  explicit TestVcpu(u32 number = 0) {
    EXPECT_EQ(hv_vcpu_create(&id, &exit, nullptr), HV_SUCCESS);
    EXPECT_EQ(hv_vcpu_set_sys_reg(id, HV_SYS_REG_MPIDR_EL1, 0x80000000 | number), HV_SUCCESS);
    set(HV_REG_PC, TestVm::kRamBase);
    set(HV_REG_CPSR, 0x3c5);
    set(HV_REG_X0, number);
  }
  ~TestVcpu() { EXPECT_EQ(hv_vcpu_destroy(id), HV_SUCCESS); }
  TestVcpu(const TestVcpu&) = delete;
  TestVcpu& operator=(const TestVcpu&) = delete;

  [[nodiscard]] u64 get(hv_reg_t reg) const {
    u64 value = 0;
    EXPECT_EQ(hv_vcpu_get_reg(id, reg, &value), HV_SUCCESS);
    return value;
  }
  void set(hv_reg_t reg, u64 value) const {
    EXPECT_EQ(hv_vcpu_set_reg(id, reg, value), HV_SUCCESS);
  }

  // Runs until an exit that is not CANCELED. Returns the exception class, or -1 for another reason.
  int run() const {
    do
      EXPECT_EQ(hv_vcpu_run(id), HV_SUCCESS);
    while (exit->reason == HV_EXIT_REASON_CANCELED);
    return exit->reason == HV_EXIT_REASON_EXCEPTION
               ? static_cast<int>(exit->exception.syndrome >> 26 & 0x3f)
               : -1;
  }

  // Runs until the guest's HVC #0, with `on_hvc` for others. Fails the test at any other exit.
  bool run_to_end(const std::function<void(u32 number)>& on_hvc = nullptr) const {
    for (;;) {
      const int ec = run();
      const u32 number = exit->exception.syndrome & 0xffff;
      if (ec == 0x16 && number == 0)
        return true;
      if (ec != 0x16 || on_hvc == nullptr || number > 0xff) {
        ADD_FAILURE() << "exit: class " << ec << std::hex << ", syndrome "
                      << exit->exception.syndrome << ", x0 " << get(HV_REG_X0) << ", x1 "
                      << get(HV_REG_X1) << ", x2 " << get(HV_REG_X2) << ", pc " << get(HV_REG_PC);
        return false;
      }
      on_hvc(number);
    }
  }

  hv_vcpu_t id = 0;
  hv_vcpu_exit_t* exit = nullptr;
};

} // namespace softhv::api
