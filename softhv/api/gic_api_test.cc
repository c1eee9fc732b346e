// SPDX-License-Identifier: Apache-2.0
// hv_gic_*: results and error codes. What the GIC does is tested in softhv/gic.
#include "softhv/api/test_vm.h"

namespace softhv::api {
namespace {

TEST(GicApi, Parameters) {
  size_t size = 0;
  EXPECT_EQ(hv_gic_get_distributor_size(&size), HV_SUCCESS);
  EXPECT_EQ(size, 0x10000U);
  EXPECT_EQ(hv_gic_get_redistributor_size(&size), HV_SUCCESS);
  EXPECT_EQ(size, 0x20000U);
  EXPECT_EQ(hv_gic_get_redistributor_region_size(&size), HV_SUCCESS);
  EXPECT_EQ(size, 0x20000U * 32);
  EXPECT_EQ(hv_gic_get_distributor_base_alignment(&size), HV_SUCCESS);
  EXPECT_EQ(size, 0x10000U);
  EXPECT_EQ(hv_gic_get_redistributor_base_alignment(&size), HV_SUCCESS);
  EXPECT_EQ(size, 0x10000U);
  EXPECT_EQ(hv_gic_get_msi_region_size(&size), HV_SUCCESS);
  EXPECT_EQ(size, 0x10000U);
  EXPECT_EQ(hv_gic_get_msi_region_base_alignment(&size), HV_SUCCESS);
  EXPECT_EQ(size, 0x10000U);
  EXPECT_EQ(hv_gic_get_distributor_size(nullptr), HV_BAD_ARGUMENT);
  u32 base = 0;
  u32 count = 0;
  EXPECT_EQ(hv_gic_get_spi_interrupt_range(&base, &count), HV_SUCCESS);
  EXPECT_EQ(base, 32U);
  EXPECT_EQ(count, 988U);
  EXPECT_EQ(hv_gic_get_spi_interrupt_range(&base, nullptr), HV_BAD_ARGUMENT);
  u32 intid = 0;
  EXPECT_EQ(hv_gic_get_intid(HV_GIC_INT_EL1_VIRTUAL_TIMER, &intid), HV_SUCCESS);
  EXPECT_EQ(intid, 27U);
  EXPECT_EQ(hv_gic_get_intid(HV_GIC_INT_EL1_PHYSICAL_TIMER, &intid), HV_SUCCESS);
  EXPECT_EQ(intid, 30U);
  EXPECT_EQ(hv_gic_get_intid(HV_GIC_INT_PERFORMANCE_MONITOR, &intid), HV_SUCCESS);
  EXPECT_EQ(intid, 23U);
  EXPECT_EQ(hv_gic_get_intid(HV_GIC_INT_MAINTENANCE, &intid), HV_UNSUPPORTED);
  EXPECT_EQ(hv_gic_get_intid(static_cast<hv_gic_intid_t>(1), &intid), HV_BAD_ARGUMENT);
}

TEST(GicApi, ConfigurationIsChecked) {
  hv_gic_config_t config = hv_gic_config_create();
  EXPECT_EQ(hv_gic_config_set_distributor_base(config, 0x1000), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_config_set_distributor_base(nullptr, 0x10000), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_config_set_redistributor_base(config, 0x30008000), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_config_set_msi_region_base(config, 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_config_set_msi_interrupt_range(config, 31, 4), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_config_set_msi_interrupt_range(config, 1000, 21), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_config_set_msi_interrupt_range(config, 1000, 0), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_config_set_msi_interrupt_range(config, 1000, 20), HV_SUCCESS);

  ASSERT_EQ(hv_vm_create(nullptr), HV_SUCCESS);
  EXPECT_EQ(hv_gic_create(nullptr), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_create(config), HV_BAD_ARGUMENT); // no bases
  EXPECT_EQ(hv_gic_config_set_distributor_base(config, 0x30000000), HV_SUCCESS);
  EXPECT_EQ(hv_gic_config_set_redistributor_base(config, 0x30000000), HV_SUCCESS);
  EXPECT_EQ(hv_gic_create(config), HV_BAD_ARGUMENT); // they overlap
  EXPECT_EQ(hv_gic_config_set_distributor_base(config, 1ULL << 36), HV_SUCCESS);
  EXPECT_EQ(hv_gic_create(config), HV_BAD_ARGUMENT); // beyond the IPA space
  EXPECT_EQ(hv_gic_config_set_distributor_base(config, 0x2fff0000), HV_SUCCESS);
  EXPECT_EQ(hv_gic_config_set_msi_region_base(config, 0x2fff0000), HV_SUCCESS);
  EXPECT_EQ(hv_gic_create(config), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_config_set_msi_region_base(config, 0x2ffe0000), HV_SUCCESS);
  EXPECT_EQ(hv_gic_create(config), HV_SUCCESS);
  EXPECT_EQ(hv_gic_create(config), HV_EXISTS);
  EXPECT_EQ(hv_vm_destroy(), HV_SUCCESS);
  os_release(config);
}

TEST(GicApi, MustPrecedeTheVcpus) {
  TestVm vm(TestVm::Interrupts::kNone);
  const TestVcpu vcpu;
  hv_gic_config_t config = hv_gic_config_create();
  EXPECT_EQ(hv_gic_config_set_distributor_base(config, TestVm::kGicd), HV_SUCCESS);
  EXPECT_EQ(hv_gic_config_set_redistributor_base(config, TestVm::kGicr), HV_SUCCESS);
  EXPECT_EQ(hv_gic_create(config), HV_BUSY);
  os_release(config);
}

TEST(GicApi, SpisAndMessages) {
  TestVm vm;
  EXPECT_EQ(hv_gic_set_spi(32, true), HV_SUCCESS);
  EXPECT_EQ(hv_gic_set_spi(1019, false), HV_SUCCESS);
  for (const u32 bad : {0U, 31U, 1020U, ~0U, TestVm::kMsiBase, TestVm::kMsiBase + 63})
    EXPECT_EQ(hv_gic_set_spi(bad, true), HV_BAD_ARGUMENT) << bad;
  EXPECT_EQ(hv_gic_send_msi(TestVm::kGicm + 0x40, TestVm::kMsiBase), HV_SUCCESS);
  EXPECT_EQ(hv_gic_send_msi(TestVm::kGicm, TestVm::kMsiBase), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_send_msi(TestVm::kGicm + 0x40, 40), HV_BAD_ARGUMENT);
  u64 value = 0;
  EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISPENDR16, &value), HV_SUCCESS);
  EXPECT_EQ(value, 1U);
  EXPECT_EQ(hv_gic_get_msi_reg(HV_GIC_REG_GICM_TYPER, &value), HV_SUCCESS);
  EXPECT_EQ(value, TestVm::kMsiBase << 16 | 64);
  EXPECT_EQ(hv_gic_get_msi_reg(HV_GIC_REG_GICM_SET_SPI_NSR, &value), HV_SUCCESS);
  EXPECT_EQ(hv_gic_get_msi_reg(static_cast<hv_gic_msi_reg_t>(4), &value), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_get_msi_reg(HV_GIC_REG_GICM_TYPER, nullptr), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_set_msi_reg(HV_GIC_REG_GICM_TYPER, 0), HV_DENIED);
  EXPECT_EQ(hv_gic_set_msi_reg(HV_GIC_REG_GICM_SET_SPI_NSR, TestVm::kMsiBase + 1), HV_SUCCESS);
  EXPECT_EQ(hv_gic_set_msi_reg(HV_GIC_REG_GICM_SET_SPI_NSR, 40), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_set_msi_reg(HV_GIC_REG_GICM_SET_SPI_NSR, 1ULL << 32 | TestVm::kMsiBase),
            HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISPENDR16, &value), HV_SUCCESS);
  EXPECT_EQ(value, 3U);
}

TEST(GicApi, Registers) {
  TestVm vm;
  const TestVcpu vcpu;
  u64 value = 0;
  EXPECT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_IROUTER40, 0x100), HV_SUCCESS);
  EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_IROUTER40, &value), HV_SUCCESS);
  EXPECT_EQ(value, 0x100U);
  EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2, &value), HV_SUCCESS);
  EXPECT_EQ(value >> 4, 3U);
  EXPECT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_TYPER, 0), HV_DENIED);
  EXPECT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_PIDR2, 0), HV_DENIED);
  EXPECT_EQ(hv_gic_get_distributor_reg(static_cast<hv_gic_distributor_reg_t>(0xd00), &value),
            HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_CTLR, nullptr), HV_BAD_ARGUMENT);

  EXPECT_EQ(hv_gic_get_redistributor_reg(vcpu.id, HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER, &value),
            HV_SUCCESS);
  EXPECT_EQ(value, 0x30U); // DPGS, Last
  EXPECT_EQ(hv_gic_set_redistributor_reg(vcpu.id, HV_GIC_REDISTRIBUTOR_REG_GICR_TYPER, 0),
            HV_DENIED);
  EXPECT_EQ(hv_gic_set_redistributor_reg(vcpu.id, HV_GIC_REDISTRIBUTOR_REG_GICR_ISENABLER0, 0xff00),
            HV_SUCCESS);
  EXPECT_EQ(hv_gic_get_redistributor_reg(vcpu.id, HV_GIC_REDISTRIBUTOR_REG_GICR_ISENABLER0, &value),
            HV_SUCCESS);
  EXPECT_EQ(value, 0xff00U);
  EXPECT_EQ(hv_gic_get_redistributor_reg(vcpu.id, static_cast<hv_gic_redistributor_reg_t>(0x20000),
                                         &value),
            HV_BAD_ARGUMENT);

  EXPECT_EQ(hv_gic_set_icc_reg(vcpu.id, HV_GIC_ICC_REG_PMR_EL1, 0xf0), HV_SUCCESS);
  EXPECT_EQ(hv_gic_get_icc_reg(vcpu.id, HV_GIC_ICC_REG_PMR_EL1, &value), HV_SUCCESS);
  EXPECT_EQ(value, 0xf0U);
  EXPECT_EQ(hv_gic_set_icc_reg(vcpu.id, HV_GIC_ICC_REG_AP1R0_EL1, 1U << 20), HV_SUCCESS);
  EXPECT_EQ(hv_gic_get_icc_reg(vcpu.id, HV_GIC_ICC_REG_RPR_EL1, &value), HV_SUCCESS);
  EXPECT_EQ(value, 20U << 3);
  EXPECT_EQ(hv_gic_set_icc_reg(vcpu.id, HV_GIC_ICC_REG_RPR_EL1, 0), HV_DENIED);
  EXPECT_EQ(hv_gic_get_icc_reg(vcpu.id, HV_GIC_ICC_REG_SRE_EL2, &value), HV_UNSUPPORTED);
  EXPECT_EQ(hv_gic_set_icc_reg(vcpu.id, HV_GIC_ICC_REG_SRE_EL2, 0), HV_UNSUPPORTED);
  EXPECT_EQ(hv_gic_get_icc_reg(vcpu.id, static_cast<hv_gic_icc_reg_t>(0xc660), &value),
            HV_BAD_ARGUMENT); // ICC_IAR1_EL1 has side effects
  EXPECT_EQ(hv_gic_get_ich_reg(vcpu.id, HV_GIC_ICH_REG_HCR_EL2, &value), HV_UNSUPPORTED);
  EXPECT_EQ(hv_gic_set_ich_reg(vcpu.id, HV_GIC_ICH_REG_HCR_EL2, 0), HV_UNSUPPORTED);
  EXPECT_EQ(hv_gic_get_icv_reg(vcpu.id, HV_GIC_ICV_REG_PMR_EL1, &value), HV_UNSUPPORTED);
  EXPECT_EQ(hv_gic_set_icv_reg(vcpu.id, HV_GIC_ICV_REG_PMR_EL1, 0), HV_UNSUPPORTED);
  EXPECT_EQ(hv_gic_get_ich_reg(vcpu.id + 1, HV_GIC_ICH_REG_HCR_EL2, &value), HV_BAD_ARGUMENT);
}

TEST(GicApi, StateIsSavedRestoredAndReset) {
  TestVm vm;
  const TestVcpu vcpu;
  EXPECT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, 0x55), HV_SUCCESS);
  hv_gic_state_t state = hv_gic_state_create();
  ASSERT_NE(state, nullptr);
  size_t size = 0;
  EXPECT_EQ(hv_gic_state_get_size(state, &size), HV_SUCCESS);
  EXPECT_EQ(hv_gic_state_get_size(nullptr, &size), HV_BAD_ARGUMENT);
  std::vector<u8> data(size);
  EXPECT_EQ(hv_gic_state_get_data(state, data.data()), HV_SUCCESS);
  EXPECT_EQ(hv_gic_state_get_data(state, nullptr), HV_BAD_ARGUMENT);
  os_release(state);
  EXPECT_EQ(hv_gic_reset(), HV_SUCCESS);
  u64 value = 1;
  EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, &value), HV_SUCCESS);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(hv_gic_set_state(data.data(), data.size() - 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_set_state(nullptr, 0), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_gic_set_state(data.data(), data.size()), HV_SUCCESS);
  EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, &value), HV_SUCCESS);
  EXPECT_EQ(value, 0x55U);
}

TEST(GicApi, StateNeedsStoppedVcpus) {
  TestVm vm;
  vm.put_code({0xd4000022, 0xd503207f, 0x17ffffff}); // hvc #1; wfi; b .-4
  std::atomic<hv_vcpu_t> id{~0ULL};
  std::thread thread([&] {
    const TestVcpu vcpu;
    EXPECT_EQ(vcpu.run(), 0x16);
    id = vcpu.id;
    EXPECT_EQ(hv_vcpu_run(vcpu.id), HV_SUCCESS);
    EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_CANCELED);
  });
  while (id == ~0ULL)
    std::this_thread::yield();
  while (hv_gic_reset() != HV_BUSY)
    std::this_thread::yield();
  u8 byte = 0;
  EXPECT_EQ(hv_gic_set_state(&byte, 1), HV_BUSY);
  EXPECT_EQ(hv_gic_state_create(), nullptr);
  hv_vcpu_t target = id;
  EXPECT_EQ(hv_vcpus_exit(&target, 1), HV_SUCCESS);
  thread.join();
}

} // namespace
} // namespace softhv::api
