// SPDX-License-Identifier: Apache-2.0
// Every function of the API, its results and its error codes.
#include <Hypervisor/hv_softhv.h>

#include "softhv/api/test_vm.h"

namespace softhv::api {
namespace {

constexpr hv_memory_flags_t kAll = HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC;

TEST(VmApi, WithoutAVmThereIsNoDevice) {
  u64 value;
  hv_vcpu_t id;
  hv_vcpu_exit_t* exit;
  EXPECT_EQ(hv_vm_destroy(), HV_NO_DEVICE);
  EXPECT_EQ(hv_vm_map(&value, 0, 0x1000, kAll), HV_NO_DEVICE);
  EXPECT_EQ(hv_vm_unmap(0, 0x1000), HV_NO_DEVICE);
  EXPECT_EQ(hv_vm_protect(0, 0x1000, kAll), HV_NO_DEVICE);
  EXPECT_EQ(hv_vcpu_create(&id, &exit, nullptr), HV_NO_DEVICE);
  EXPECT_EQ(hv_gic_set_spi(40, true), HV_NO_DEVICE);
  EXPECT_EQ(hv_gic_reset(), HV_NO_DEVICE);
  EXPECT_EQ(hv_gic_state_create(), nullptr);
  hv_gic_config_t config = hv_gic_config_create();
  EXPECT_EQ(hv_gic_create(config), HV_NO_DEVICE);
  os_release(config);
}

TEST(VmApi, OneVmForTheProcess) {
  ASSERT_EQ(hv_vm_create(nullptr), HV_SUCCESS);
  EXPECT_EQ(hv_vm_create(nullptr), HV_BUSY);
  u32 count = 0;
  EXPECT_EQ(hv_vm_get_max_vcpu_count(&count), HV_SUCCESS);
  EXPECT_EQ(count, 32U);
  EXPECT_EQ(hv_vm_get_max_vcpu_count(nullptr), HV_BAD_ARGUMENT);
  hv_vcpu_t id;
  hv_vcpu_exit_t* exit;
  ASSERT_EQ(hv_vcpu_create(&id, &exit, nullptr), HV_SUCCESS);
  EXPECT_EQ(hv_vm_destroy(), HV_BUSY);
  EXPECT_EQ(hv_vcpu_destroy(id), HV_SUCCESS);
  EXPECT_EQ(hv_vm_destroy(), HV_SUCCESS);
  EXPECT_EQ(hv_vm_destroy(), HV_NO_DEVICE);
}

TEST(VmApi, Configuration) {
  hv_vm_config_t config = hv_vm_config_create();
  u32 bits = 0;
  u32 max = 0;
  EXPECT_EQ(hv_vm_config_get_max_ipa_size(&max), HV_SUCCESS);
  EXPECT_EQ(hv_vm_config_get_default_ipa_size(&bits), HV_SUCCESS);
  EXPECT_LE(bits, max);
  u32 own = 0;
  EXPECT_EQ(hv_vm_config_get_ipa_size(config, &own), HV_SUCCESS);
  EXPECT_EQ(own, bits);
  EXPECT_EQ(hv_vm_config_set_ipa_size(config, max + 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_config_set_ipa_size(config, 31), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_config_set_ipa_size(config, 33), HV_SUCCESS);
  EXPECT_EQ(hv_vm_config_get_ipa_size(config, &own), HV_SUCCESS);
  EXPECT_EQ(own, 33U);
  hv_ipa_granule_t granule;
  EXPECT_EQ(hv_vm_config_get_default_ipa_granule(&granule), HV_SUCCESS);
  EXPECT_EQ(granule, HV_IPA_GRANULE_4KB);
  EXPECT_EQ(hv_vm_config_set_ipa_granule(config, HV_IPA_GRANULE_16KB), HV_SUCCESS);
  EXPECT_EQ(hv_vm_config_get_ipa_granule(config, &granule), HV_SUCCESS);
  EXPECT_EQ(granule, HV_IPA_GRANULE_16KB);
  EXPECT_EQ(hv_vm_config_set_ipa_granule(config, static_cast<hv_ipa_granule_t>(2)),
            HV_BAD_ARGUMENT);
  bool el2 = true;
  EXPECT_EQ(hv_vm_config_get_el2_supported(&el2), HV_SUCCESS);
  EXPECT_FALSE(el2);
  EXPECT_EQ(hv_vm_config_set_el2_enabled(config, true), HV_UNSUPPORTED);
  EXPECT_EQ(hv_vm_config_set_el2_enabled(config, false), HV_SUCCESS);
  el2 = true;
  EXPECT_EQ(hv_vm_config_get_el2_enabled(config, &el2), HV_SUCCESS);
  EXPECT_FALSE(el2);
  EXPECT_EQ(hv_vm_config_get_ipa_size(nullptr, &own), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_config_get_ipa_size(config, nullptr), HV_BAD_ARGUMENT);
  // An object of another kind.
  hv_gic_config_t other = hv_gic_config_create();
  EXPECT_EQ(hv_vm_create(reinterpret_cast<hv_vm_config_t>(other)), HV_BAD_ARGUMENT);
  os_release(other);

  // The configuration counts: 8 GiB of IPA space in units of 16 KiB.
  ASSERT_EQ(hv_vm_create(config), HV_SUCCESS);
  void* memory = nullptr;
  ASSERT_EQ(hv_vm_allocate(&memory, 0x10000, HV_ALLOCATE_DEFAULT), HV_SUCCESS);
  auto* aligned =
      reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(memory) + 0x3fff) & ~0x3fffULL);
  EXPECT_EQ(hv_vm_map(aligned, 0x1000, 0x4000, kAll), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_map(aligned, 0x4000, 0x1000, kAll), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_map(aligned, 1ULL << 33, 0x4000, kAll), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_map(aligned, (1ULL << 33) - 0x4000, 0x4000, kAll), HV_SUCCESS);
  EXPECT_EQ(hv_vm_map(aligned, (1ULL << 33) - 0x4000, 0x8000, kAll), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_destroy(), HV_SUCCESS);
  EXPECT_EQ(hv_vm_deallocate(memory, 0x10000), HV_SUCCESS);
  EXPECT_EQ(os_retain(config), config);
  os_release(config);
  os_release(config);
  os_release(nullptr);
  EXPECT_EQ(os_retain(nullptr), nullptr);
}

TEST(VmApi, Memory) {
  TestVm vm;
  void* memory = nullptr;
  EXPECT_EQ(hv_vm_allocate(nullptr, 0x1000, HV_ALLOCATE_DEFAULT), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_allocate(&memory, 0, HV_ALLOCATE_DEFAULT), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_allocate(&memory, 0x1001, HV_ALLOCATE_DEFAULT), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_allocate(&memory, 0x1000, static_cast<hv_allocate_flags_t>(1)), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_allocate(&memory, 1ULL << 60, HV_ALLOCATE_DEFAULT), HV_NO_RESOURCES);
  ASSERT_EQ(hv_vm_allocate(&memory, 0x2000, HV_ALLOCATE_DEFAULT), HV_SUCCESS);
  auto* bytes = static_cast<u8*>(memory);
  EXPECT_EQ(hv_vm_map(nullptr, 0x80000000, 0x1000, kAll), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_map(bytes + 1, 0x80000000, 0x1000, kAll), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_map(bytes, 0x80000001, 0x1000, kAll), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_map(bytes, 0x80000000, 0, kAll), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_map(bytes, 0x80000000, 0x1000, 8), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_map(bytes, 0x80000000, 0x2000, kAll), HV_SUCCESS);
  EXPECT_EQ(hv_vm_map(bytes, 0x80001000, 0x1000, kAll), HV_ERROR);
  EXPECT_EQ(hv_vm_protect(0x80000000, 0x1000, HV_MEMORY_READ), HV_SUCCESS);
  EXPECT_EQ(hv_vm_protect(0x80000000, 0x4000, HV_MEMORY_READ), HV_ERROR);
  EXPECT_EQ(hv_vm_protect(0x80000000, 0x1000, 16), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_protect(0x80000800, 0x1000, 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_unmap(0x80000000, 0x800), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_unmap(0x80000000, 0x2000), HV_SUCCESS);
  EXPECT_EQ(hv_vm_unmap(0x80000000, 0x2000), HV_ERROR);
  EXPECT_EQ(hv_vm_deallocate(bytes + 1, 0x2000), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vm_deallocate(memory, 0x2000), HV_SUCCESS);
}

TEST(VcpuApi, BelongsToItsThread) {
  TestVm vm;
  hv_vcpu_t id;
  hv_vcpu_exit_t* exit;
  EXPECT_EQ(hv_vcpu_create(nullptr, &exit, nullptr), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpu_create(&id, nullptr, nullptr), HV_BAD_ARGUMENT);
  const TestVcpu vcpu;
  EXPECT_EQ(hv_vcpu_create(&id, &exit, nullptr), HV_BUSY); // one for each thread
  std::thread other([&] {
    u64 value;
    bool flag;
    hv_simd_fp_uchar16_t vector{};
    EXPECT_EQ(hv_vcpu_destroy(vcpu.id), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_run(vcpu.id), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_reg(vcpu.id, HV_REG_X0, &value), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_set_reg(vcpu.id, HV_REG_X0, 0), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_simd_fp_reg(vcpu.id, HV_SIMD_FP_REG_Q0, &vector), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_set_simd_fp_reg(vcpu.id, HV_SIMD_FP_REG_Q0, vector), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, HV_SYS_REG_SCTLR_EL1, &value), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, HV_SYS_REG_SCTLR_EL1, 0), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_pending_interrupt(vcpu.id, HV_INTERRUPT_TYPE_IRQ, &flag),
              HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_set_pending_interrupt(vcpu.id, HV_INTERRUPT_TYPE_IRQ, true), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_trap_debug_exceptions(vcpu.id, &flag), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu.id, true), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_trap_debug_reg_accesses(vcpu.id, &flag), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_set_trap_debug_reg_accesses(vcpu.id, true), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_exec_time(vcpu.id, &value), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_vtimer_mask(vcpu.id, &flag), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_set_vtimer_mask(vcpu.id, true), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_get_vtimer_offset(vcpu.id, &value), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_set_vtimer_offset(vcpu.id, 0), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_gic_get_redistributor_reg(vcpu.id, HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER, &value),
              HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_gic_get_icc_reg(vcpu.id, HV_GIC_ICC_REG_PMR_EL1, &value), HV_BAD_ARGUMENT);
    // This one is anybody's.
    EXPECT_EQ(hv_gic_get_redistributor_base(vcpu.id, &value), HV_SUCCESS);
    EXPECT_EQ(value, TestVm::kGicr);
  });
  other.join();
}

TEST(VcpuApi, EndsWithItsThread) {
  TestVm vm;
  std::thread([] {
    hv_vcpu_t id;
    hv_vcpu_exit_t* exit;
    EXPECT_EQ(hv_vcpu_create(&id, &exit, nullptr), HV_SUCCESS);
  }).join();
  // ~TestVm destroys the VM, which needs all vCPUs gone.
}

TEST(VcpuApi, AsManyAsTheMaximum) {
  TestVm vm;
  std::atomic<u32> created{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (u32 i = 0; i < 32; ++i)
    threads.emplace_back([&, i] {
      const TestVcpu vcpu(i);
      ++created;
      // A frame is settled when it is first asked for: only once every vCPU has its affinity.
      while (!stop)
        std::this_thread::yield();
      hv_ipa_t base = 0;
      EXPECT_EQ(hv_gic_get_redistributor_base(vcpu.id, &base), HV_SUCCESS);
      EXPECT_EQ(base, TestVm::kGicr + 0x20000 * i);
    });
  while (created < 32)
    std::this_thread::yield();
  hv_vcpu_t id;
  hv_vcpu_exit_t* exit;
  EXPECT_EQ(hv_vcpu_create(&id, &exit, nullptr), HV_NO_RESOURCES);
  stop = true;
  for (std::thread& thread : threads)
    thread.join();
}

TEST(VcpuApi, GeneralRegisters) {
  TestVm vm;
  const TestVcpu vcpu;
  for (u32 i = 0; i <= 30; ++i)
    vcpu.set(static_cast<hv_reg_t>(HV_REG_X0 + i), 0x1111111111111111ULL * (i & 15) + i);
  for (u32 i = 0; i <= 30; ++i)
    EXPECT_EQ(vcpu.get(static_cast<hv_reg_t>(HV_REG_X0 + i)), 0x1111111111111111ULL * (i & 15) + i);
  vcpu.set(HV_REG_PC, 0x123456789abcdef0);
  EXPECT_EQ(vcpu.get(HV_REG_PC), 0x123456789abcdef0U);
  vcpu.set(HV_REG_FPCR, ~0ULL);
  EXPECT_EQ(vcpu.get(HV_REG_FPCR), 0x07c80000U);
  vcpu.set(HV_REG_FPSR, ~0ULL);
  EXPECT_EQ(vcpu.get(HV_REG_FPSR), 0x0800009fU);
  vcpu.set(HV_REG_CPSR, 0xf00003c4);
  EXPECT_EQ(vcpu.get(HV_REG_CPSR), 0xf00003c4U);
  for (const u64 bad : {0x3c9ULL, 0x10ULL, 0x3cdULL, 0x1'000003c5ULL})
    EXPECT_EQ(hv_vcpu_set_reg(vcpu.id, HV_REG_CPSR, bad), HV_BAD_ARGUMENT) << std::hex << bad;
  u64 value;
  EXPECT_EQ(hv_vcpu_get_reg(vcpu.id, static_cast<hv_reg_t>(35), &value), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpu_set_reg(vcpu.id, static_cast<hv_reg_t>(0xffffffff), 0), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpu_get_reg(vcpu.id, HV_REG_X0, nullptr), HV_BAD_ARGUMENT);
}

TEST(VcpuApi, StackPointersAreBanked) {
  TestVm vm;
  const TestVcpu vcpu;
  EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, HV_SYS_REG_SP_EL0, 0x1000), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, HV_SYS_REG_SP_EL1, 0x2000), HV_SUCCESS);
  for (const u64 cpsr : {0x3c5, 0x3c4, 0x3c0, 0x3c5}) {
    vcpu.set(HV_REG_CPSR, cpsr);
    u64 value = 0;
    EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, HV_SYS_REG_SP_EL0, &value), HV_SUCCESS);
    EXPECT_EQ(value, 0x1000U);
    EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, HV_SYS_REG_SP_EL1, &value), HV_SUCCESS);
    EXPECT_EQ(value, 0x2000U);
  }
}

TEST(VcpuApi, SimdRegisters) {
  TestVm vm;
  const TestVcpu vcpu;
  for (u32 i = 0; i < 32; ++i) {
    hv_simd_fp_uchar16_t value;
    for (u32 j = 0; j < 16; ++j)
      value[j] = static_cast<u8>(16 * i + j);
    EXPECT_EQ(hv_vcpu_set_simd_fp_reg(vcpu.id, static_cast<hv_simd_fp_reg_t>(i), value),
              HV_SUCCESS);
  }
  for (u32 i = 0; i < 32; ++i) {
    hv_simd_fp_uchar16_t value{};
    EXPECT_EQ(hv_vcpu_get_simd_fp_reg(vcpu.id, static_cast<hv_simd_fp_reg_t>(i), &value),
              HV_SUCCESS);
    for (u32 j = 0; j < 16; ++j)
      EXPECT_EQ(value[j], static_cast<u8>(16 * i + j));
  }
  hv_simd_fp_uchar16_t value{};
  EXPECT_EQ(hv_vcpu_get_simd_fp_reg(vcpu.id, static_cast<hv_simd_fp_reg_t>(32), &value),
            HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpu_set_simd_fp_reg(vcpu.id, static_cast<hv_simd_fp_reg_t>(32), value),
            HV_BAD_ARGUMENT);
}

TEST(VcpuApi, SystemRegistersKeepTheirValues) {
  TestVm vm;
  const TestVcpu vcpu;
  for (const hv_sys_reg_t reg :
       {HV_SYS_REG_TTBR0_EL1, HV_SYS_REG_TTBR1_EL1, HV_SYS_REG_MAIR_EL1, HV_SYS_REG_ELR_EL1,
        HV_SYS_REG_TPIDR_EL0, HV_SYS_REG_TPIDRRO_EL0, HV_SYS_REG_TPIDR_EL1, HV_SYS_REG_FAR_EL1,
        HV_SYS_REG_CNTV_CVAL_EL0, HV_SYS_REG_CNTP_CVAL_EL0, HV_SYS_REG_APIAKEYLO_EL1,
        HV_SYS_REG_APGAKEYHI_EL1}) {
    u64 value = 0;
    EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, reg, 0x0000123456789ab0), HV_SUCCESS) << std::hex << reg;
    EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, reg, &value), HV_SUCCESS) << std::hex << reg;
    EXPECT_EQ(value, 0x0000123456789ab0U) << std::hex << reg;
  }
  u64 value;
  EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, HV_SYS_REG_HCR_EL2, &value), HV_UNSUPPORTED);
  EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, HV_SYS_REG_SP_EL2, 0), HV_UNSUPPORTED);
  EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, HV_SYS_REG_CNTVOFF_EL2, &value), HV_UNSUPPORTED);
  EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, static_cast<hv_sys_reg_t>(0xc660), &value),
            HV_BAD_ARGUMENT); // ICC_IAR1_EL1
  EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, static_cast<hv_sys_reg_t>(0xffff), &value),
            HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, HV_SYS_REG_SCTLR_EL1, nullptr), HV_BAD_ARGUMENT);
}

// Every register of hv_sys_reg_t can at least be read.
TEST(VcpuApi, AllSystemRegistersCanBeRead) {
  TestVm vm;
  const TestVcpu vcpu;
  std::vector<u32> registers = {
      0x8010, 0x8012, 0xc000, 0xc005, 0xc020, 0xc021, 0xc028, 0xc029, 0xc030, 0xc031, 0xc038,
      0xc039, 0xc03a, 0xc080, 0xc081, 0xc082, 0xc100, 0xc101, 0xc102, 0xc108, 0xc109, 0xc10a,
      0xc10b, 0xc110, 0xc111, 0xc112, 0xc113, 0xc118, 0xc119, 0xc200, 0xc201, 0xc208, 0xc288,
      0xc289, 0xc290, 0xc300, 0xc3a0, 0xc510, 0xc518, 0xc600, 0xc681, 0xc684, 0xc708, 0xd000,
      0xde82, 0xde83, 0xdf19, 0xdf1a, 0xe208, 0xdf11, 0xdf12, 0xdf10};
  for (u32 n = 0; n < 16; ++n)
    for (u32 op2 = 4; op2 < 8; ++op2)
      registers.push_back(0x8000 + 8 * n + op2);
  for (const u32 reg : registers) {
    u64 value;
    EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, static_cast<hv_sys_reg_t>(reg), &value), HV_SUCCESS)
        << std::hex << reg;
  }
}

TEST(VcpuApi, PhysicalTimerRegistersNeedAGic) {
  TestVm vm(TestVm::Interrupts::kNone);
  const TestVcpu vcpu;
  u64 value;
  EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, HV_SYS_REG_CNTP_CTL_EL0, &value), HV_UNSUPPORTED);
  EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, HV_SYS_REG_CNTP_CVAL_EL0, 0), HV_UNSUPPORTED);
  EXPECT_EQ(hv_gic_get_icc_reg(vcpu.id, HV_GIC_ICC_REG_PMR_EL1, &value), HV_NO_DEVICE);
  hv_ipa_t base;
  EXPECT_EQ(hv_gic_get_redistributor_base(vcpu.id, &base), HV_NO_DEVICE);
}

TEST(VcpuApi, FeatureRegistersAreWhatTheGuestReads) {
  TestVm vm;
  const TestVcpu vcpu;
  hv_vcpu_config_t config = hv_vcpu_config_create();
  const std::pair<hv_feature_reg_t, hv_sys_reg_t> pairs[] = {
      {HV_FEATURE_REG_ID_AA64DFR0_EL1, HV_SYS_REG_ID_AA64DFR0_EL1},
      {HV_FEATURE_REG_ID_AA64DFR1_EL1, HV_SYS_REG_ID_AA64DFR1_EL1},
      {HV_FEATURE_REG_ID_AA64ISAR0_EL1, HV_SYS_REG_ID_AA64ISAR0_EL1},
      {HV_FEATURE_REG_ID_AA64ISAR1_EL1, HV_SYS_REG_ID_AA64ISAR1_EL1},
      {HV_FEATURE_REG_ID_AA64MMFR0_EL1, HV_SYS_REG_ID_AA64MMFR0_EL1},
      {HV_FEATURE_REG_ID_AA64MMFR1_EL1, HV_SYS_REG_ID_AA64MMFR1_EL1},
      {HV_FEATURE_REG_ID_AA64MMFR2_EL1, HV_SYS_REG_ID_AA64MMFR2_EL1},
      {HV_FEATURE_REG_ID_AA64PFR0_EL1, HV_SYS_REG_ID_AA64PFR0_EL1},
      {HV_FEATURE_REG_ID_AA64PFR1_EL1, HV_SYS_REG_ID_AA64PFR1_EL1}};
  for (const auto& [feature, reg] : pairs) {
    u64 a = 1;
    u64 b = 2;
    EXPECT_EQ(hv_vcpu_config_get_feature_reg(config, feature, &a), HV_SUCCESS);
    EXPECT_EQ(hv_vcpu_get_sys_reg(vcpu.id, reg, &b), HV_SUCCESS);
    EXPECT_EQ(a, b) << std::hex << reg;
  }
  u64 pfr0 = 0;
  EXPECT_EQ(hv_vcpu_config_get_feature_reg(nullptr, HV_FEATURE_REG_ID_AA64PFR0_EL1, &pfr0),
            HV_SUCCESS);
  EXPECT_EQ(pfr0 >> 24 & 0xf, 1U); // the GIC's system registers
  for (const auto feature :
       {HV_FEATURE_REG_CTR_EL0, HV_FEATURE_REG_CLIDR_EL1, HV_FEATURE_REG_DCZID_EL0}) {
    u64 value = 0;
    EXPECT_EQ(hv_vcpu_config_get_feature_reg(config, feature, &value), HV_SUCCESS);
    EXPECT_NE(value, 0U);
  }
  u64 values[8];
  EXPECT_EQ(hv_vcpu_config_get_feature_reg(config, static_cast<hv_feature_reg_t>(99), values),
            HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpu_config_get_feature_reg(config, HV_FEATURE_REG_CTR_EL0, nullptr),
            HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpu_config_get_ccsidr_el1_sys_reg_values(config, HV_CACHE_TYPE_DATA, values),
            HV_SUCCESS);
  EXPECT_NE(values[0], 0U);
  EXPECT_EQ(values[7], 0U);
  EXPECT_EQ(hv_vcpu_config_get_ccsidr_el1_sys_reg_values(config, HV_CACHE_TYPE_INSTRUCTION, values),
            HV_SUCCESS);
  EXPECT_NE(values[0], 0U);
  EXPECT_EQ(
      hv_vcpu_config_get_ccsidr_el1_sys_reg_values(config, static_cast<hv_cache_type_t>(2), values),
      HV_BAD_ARGUMENT);
  os_release(config);
}

TEST(VcpuApi, CancelIsLatched) {
  TestVm vm;
  vm.put_code({0xd4000002}); // hvc #0
  const TestVcpu vcpu;
  hv_vcpu_t id = vcpu.id;
  EXPECT_EQ(hv_vcpus_exit(&id, 1), HV_SUCCESS);
  EXPECT_EQ(hv_vcpus_exit(&id, 1), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_run(vcpu.id), HV_SUCCESS);
  EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_CANCELED);
  EXPECT_EQ(vcpu.get(HV_REG_PC), TestVm::kRamBase); // nothing was executed
  EXPECT_EQ(hv_vcpu_run(vcpu.id), HV_SUCCESS);
  EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_EXCEPTION);
  EXPECT_EQ(hv_vcpus_exit(nullptr, 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpus_exit(nullptr, 0), HV_SUCCESS);
  hv_vcpu_t bad[] = {id + 1, 0xdeadbeef};
  EXPECT_EQ(hv_vcpus_exit(bad, 2), HV_BAD_ARGUMENT);
}

TEST(VcpuApi, CancelStopsALoop) {
  TestVm vm;
  vm.put_code({0x14000000}); // b .
  std::atomic<hv_vcpu_t> id{~0ULL};
  std::thread thread([&] {
    const TestVcpu vcpu;
    id = vcpu.id;
    EXPECT_EQ(hv_vcpu_run(vcpu.id), HV_SUCCESS);
    EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_CANCELED);
  });
  while (id == ~0ULL)
    std::this_thread::yield();
  hv_vcpu_t target = id;
  EXPECT_EQ(hv_vcpus_exit(&target, 1), HV_SUCCESS);
  thread.join();
}

TEST(VcpuApi, ExitsDescribeTheAccess) {
  TestVm vm;
  // mov x2, #0x9000000; ldrb w5, [x2, #3]; str x6, [x2, #8]; smc #7
  vm.put_code({0xd2a12002, 0x39400c45, 0xf9000446, 0xd40000e3});
  const TestVcpu vcpu;
  ASSERT_EQ(vcpu.run(), 0x24);
  EXPECT_EQ(vcpu.exit->exception.physical_address, 0x9000003U);
  EXPECT_EQ(vcpu.exit->exception.virtual_address, 0x9000003U);
  u64 iss = vcpu.exit->exception.syndrome & 0x1ffffff;
  EXPECT_EQ(iss >> 24 & 1, 1U);  // ISV
  EXPECT_EQ(iss >> 22 & 3, 0U);  // a byte
  EXPECT_EQ(iss >> 16 & 31, 5U); // to W5
  EXPECT_EQ(iss >> 6 & 1, 0U);   // a read
  EXPECT_EQ(vcpu.get(HV_REG_PC), TestVm::kRamBase + 4);
  vcpu.set(HV_REG_PC, TestVm::kRamBase + 8);
  ASSERT_EQ(vcpu.run(), 0x24);
  iss = vcpu.exit->exception.syndrome & 0x1ffffff;
  EXPECT_EQ(vcpu.exit->exception.physical_address, 0x9000008U);
  EXPECT_EQ(iss >> 22 & 3, 3U);
  EXPECT_EQ(iss >> 15 & 1, 1U); // 64-bit
  EXPECT_EQ(iss >> 6 & 1, 1U);
  vcpu.set(HV_REG_PC, TestVm::kRamBase + 12);
  ASSERT_EQ(vcpu.run(), 0x17);
  EXPECT_EQ(vcpu.exit->exception.syndrome & 0xffff, 7U);
}

TEST(VcpuApi, WriteProtectionExitsAndIsLiftedAtOnce) {
  TestVm vm;
  // mov x2, #0x40020000; str x0, [x2]; str x0, [x2]; hvc #0
  vm.put_code({0xd2a80042, 0xf9000040, 0xf9000040, 0xd4000002});
  const TestVcpu vcpu;
  ASSERT_EQ(hv_vm_protect(TestVm::kRamBase + 0x20000, 0x1000, HV_MEMORY_READ), HV_SUCCESS);
  ASSERT_EQ(vcpu.run(), 0x24);
  EXPECT_EQ(vcpu.exit->exception.physical_address, TestVm::kRamBase + 0x20000);
  EXPECT_EQ(vcpu.exit->exception.syndrome & 0x3c, 0x0cU); // a permission fault
  ASSERT_EQ(hv_vm_protect(TestVm::kRamBase + 0x20000, 0x1000, HV_MEMORY_READ | HV_MEMORY_WRITE),
            HV_SUCCESS);
  ASSERT_EQ(vcpu.run(), 0x16);
}

TEST(VcpuApi, HostChangesOfCodeAreSeen) {
  TestVm vm;
  vm.put_code({0xd2800020, 0xd4000002}); // mov x0, #1; hvc #0
  const TestVcpu vcpu;
  ASSERT_EQ(vcpu.run(), 0x16);
  EXPECT_EQ(vcpu.get(HV_REG_X0), 1U);
  vm.put_code({0xd2800040}); // mov x0, #2
  EXPECT_EQ(hv_softhv_memory_changed(TestVm::kRamBase, 4), HV_SUCCESS);
  vcpu.set(HV_REG_PC, TestVm::kRamBase);
  ASSERT_EQ(vcpu.run(), 0x16);
  EXPECT_EQ(vcpu.get(HV_REG_X0), 2U);
  EXPECT_EQ(hv_softhv_memory_changed(0, 0x1000), HV_SUCCESS); // nothing mapped
  EXPECT_EQ(hv_softhv_memory_changed(~0ULL, 2), HV_BAD_ARGUMENT);
}

TEST(VcpuApi, AnnouncedHostChangesOfCodeAreSeen) {
  TestVm vm;
  ASSERT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_HOST_WRITES_ANNOUNCED, 1), HV_SUCCESS);
  vm.put_code({0xd2800020, 0xd4000002}); // mov x0, #1; hvc #0
  const TestVcpu vcpu;
  ASSERT_EQ(vcpu.run(), 0x16);
  for (const bool by_pages : {false, true}) {
    vm.put_code({by_pages ? 0xd2800060U : 0xd2800040U}); // mov x0, #3 or #2
    const hv_ipa_t pages[] = {TestVm::kRamBase + 0x1000, TestVm::kRamBase};
    EXPECT_EQ(by_pages ? hv_softhv_pages_changed(pages, 2)
                       : hv_softhv_memory_changed(TestVm::kRamBase, 4),
              HV_SUCCESS);
    vcpu.set(HV_REG_PC, TestVm::kRamBase);
    ASSERT_EQ(vcpu.run(), 0x16);
    EXPECT_EQ(vcpu.get(HV_REG_X0), by_pages ? 3U : 2U);
  }
}

TEST(VcpuApi, ChangedPagesAreWholePages) {
  const TestVm vm;
  const hv_ipa_t nowhere = 0x1000;
  const hv_ipa_t unaligned = TestVm::kRamBase + 4;
  EXPECT_EQ(hv_softhv_pages_changed(&nowhere, 1), HV_SUCCESS);
  EXPECT_EQ(hv_softhv_pages_changed(&unaligned, 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_pages_changed(nullptr, 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_pages_changed(nullptr, 0), HV_SUCCESS);
}

TEST(VcpuApi, DebugTrapControls) {
  TestVm vm;
  vm.put_code({0xd4200000 | 5 << 5, 0xd5300240}); // brk #5; mrs x0, mdscr_el1
  const TestVcpu vcpu;
  bool value = true;
  EXPECT_EQ(hv_vcpu_get_trap_debug_exceptions(vcpu.id, &value), HV_SUCCESS);
  EXPECT_FALSE(value);
  EXPECT_EQ(hv_vcpu_set_trap_debug_exceptions(vcpu.id, true), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_get_trap_debug_exceptions(vcpu.id, &value), HV_SUCCESS);
  EXPECT_TRUE(value);
  ASSERT_EQ(vcpu.run(), 0x3c);
  EXPECT_EQ(vcpu.exit->exception.syndrome & 0xffff, 5U);
  EXPECT_EQ(vcpu.get(HV_REG_PC), TestVm::kRamBase);
  EXPECT_EQ(hv_vcpu_set_trap_debug_reg_accesses(vcpu.id, true), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_get_trap_debug_reg_accesses(vcpu.id, &value), HV_SUCCESS);
  EXPECT_TRUE(value);
  vcpu.set(HV_REG_PC, TestVm::kRamBase + 4);
  ASSERT_EQ(vcpu.run(), 0x18);
}

TEST(VcpuApi, TimerOffsetAndTime) {
  TestVm vm;
  vm.put_code({0xd53be040, 0xd4000002}); // mrs x0, cntvct_el0; hvc #0
  const TestVcpu vcpu;
  const u64 before = hv_softhv_absolute_time();
  ASSERT_EQ(hv_vcpu_set_vtimer_offset(vcpu.id, before), HV_SUCCESS);
  u64 offset = 0;
  EXPECT_EQ(hv_vcpu_get_vtimer_offset(vcpu.id, &offset), HV_SUCCESS);
  EXPECT_EQ(offset, before);
  ASSERT_EQ(vcpu.run(), 0x16);
  const u64 elapsed = hv_softhv_absolute_time() - before;
  EXPECT_LE(vcpu.get(HV_REG_X0), elapsed);
  u64 executed = ~0ULL;
  EXPECT_EQ(hv_vcpu_get_exec_time(vcpu.id, &executed), HV_SUCCESS);
  EXPECT_LE(executed, elapsed);
  EXPECT_GT(executed, 0U);
  EXPECT_EQ(hv_vcpu_get_exec_time(vcpu.id, nullptr), HV_BAD_ARGUMENT);
  bool pending;
  EXPECT_EQ(hv_vcpu_set_pending_interrupt(vcpu.id, static_cast<hv_interrupt_type_t>(2), true),
            HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_vcpu_get_pending_interrupt(vcpu.id, static_cast<hv_interrupt_type_t>(2), &pending),
            HV_BAD_ARGUMENT);
}

TEST(SofthvApi, Capabilities) {
  u32 value = 9;
  EXPECT_EQ(hv_softhv_get_capability(HV_SOFTHV_CAPABILITY_MULTIPLE_VMS, &value), HV_SUCCESS);
  EXPECT_EQ(value, 1U);
  EXPECT_EQ(hv_softhv_get_capability(static_cast<hv_softhv_capability_t>(12345), &value),
            HV_SUCCESS);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(hv_softhv_get_capability(HV_SOFTHV_CAPABILITY_MULTIPLE_VMS, nullptr), HV_BAD_ARGUMENT);
}

TEST(SofthvApi, SeveralVmsInAProcess) {
  TestVm first;
  first.put_code({0xd2800020, 0xd4000002}); // mov x0, #1; hvc #0
  std::thread thread([] {
    hv_softhv_vm_t id = 0;
    ASSERT_EQ(hv_softhv_vm_create(nullptr, &id), HV_SUCCESS);
    hv_softhv_vm_t current = 0;
    EXPECT_EQ(hv_softhv_vm_get_current(&current), HV_SUCCESS);
    EXPECT_EQ(current, id);
    void* memory = nullptr;
    ASSERT_EQ(hv_vm_allocate(&memory, 0x1000, HV_ALLOCATE_DEFAULT), HV_SUCCESS);
    const u32 code[] = {0xd2800040, 0xd4000002}; // mov x0, #2; hvc #0
    std::memcpy(memory, code, sizeof code);
    ASSERT_EQ(hv_vm_map(memory, TestVm::kRamBase, 0x1000, kAll), HV_SUCCESS);
    {
      const TestVcpu vcpu;
      ASSERT_EQ(vcpu.run(), 0x16);
      EXPECT_EQ(vcpu.get(HV_REG_X0), 2U);
      hv_vcpu_t other = vcpu.id;
      EXPECT_EQ(hv_vcpus_exit(&other, 1), HV_SUCCESS);
      EXPECT_EQ(hv_softhv_vm_destroy(id), HV_BUSY);
    }
    EXPECT_EQ(hv_softhv_vm_set_current(0), HV_SUCCESS);
    EXPECT_EQ(hv_softhv_vm_set_current(id), HV_SUCCESS);
    EXPECT_EQ(hv_softhv_vm_destroy(id), HV_SUCCESS);
    EXPECT_EQ(hv_softhv_vm_destroy(id), HV_NO_DEVICE);
    EXPECT_EQ(hv_softhv_vm_set_current(id), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_softhv_vm_get_current(&current), HV_SUCCESS);
    EXPECT_EQ(current, 0U);
    EXPECT_EQ(hv_vm_deallocate(memory, 0x1000), HV_SUCCESS);
  });
  const TestVcpu vcpu;
  EXPECT_EQ(vcpu.run(), 0x16);
  EXPECT_EQ(vcpu.get(HV_REG_X0), 1U);
  thread.join();
  EXPECT_EQ(hv_softhv_vm_destroy(0), HV_BAD_ARGUMENT);
}

} // namespace
} // namespace softhv::api
