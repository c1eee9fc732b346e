// SPDX-License-Identifier: Apache-2.0
// hv_gic_config_* and the parameters of the GIC.
#include <new>

#include <Hypervisor/Hypervisor.h>

#include "arch/bits.h"
#include "softhv/api/object.h"
#include "softhv/gic/gic.h"

using namespace softhv;
using namespace softhv::api;

namespace {

hv_return_t set_base(hv_gic_config_t config, std::optional<hv_ipa_t> hv_gic_config_s::*base,
                     hv_ipa_t address) {
  if (checked(config) == nullptr || !is_aligned(address, gic::kBaseAlignment))
    return HV_BAD_ARGUMENT;
  config->*base = address;
  return HV_SUCCESS;
}

hv_return_t give(size_t* out, u64 value) {
  if (out == nullptr)
    return HV_BAD_ARGUMENT;
  *out = value;
  return HV_SUCCESS;
}

} // namespace

hv_gic_config_t hv_gic_config_create(void) {
  return new (std::nothrow) hv_gic_config_s;
}

hv_return_t hv_gic_config_set_distributor_base(hv_gic_config_t config,
                                               hv_ipa_t distributor_base_address) {
  return set_base(config, &hv_gic_config_s::distributor_base, distributor_base_address);
}

hv_return_t hv_gic_config_set_redistributor_base(hv_gic_config_t config,
                                                 hv_ipa_t redistributor_base_address) {
  return set_base(config, &hv_gic_config_s::redistributor_base, redistributor_base_address);
}

hv_return_t hv_gic_config_set_msi_region_base(hv_gic_config_t config,
                                              hv_ipa_t msi_region_base_address) {
  return set_base(config, &hv_gic_config_s::msi_base, msi_region_base_address);
}

hv_return_t hv_gic_config_set_msi_interrupt_range(hv_gic_config_t config, uint32_t msi_intid_base,
                                                  uint32_t msi_intid_count) {
  if (checked(config) == nullptr || msi_intid_count == 0 || !gic::is_spi(msi_intid_base) ||
      msi_intid_count > gic::kFirstSpi + gic::kSpiCount - msi_intid_base)
    return HV_BAD_ARGUMENT;
  config->msi_intid_base = msi_intid_base;
  config->msi_intid_count = msi_intid_count;
  return HV_SUCCESS;
}

hv_return_t hv_gic_get_distributor_size(size_t* distributor_size) {
  return give(distributor_size, gic::kDistributorSize);
}

hv_return_t hv_gic_get_distributor_base_alignment(size_t* distributor_base_alignment) {
  return give(distributor_base_alignment, gic::kBaseAlignment);
}

hv_return_t hv_gic_get_redistributor_region_size(size_t* redistributor_region_size) {
  return give(redistributor_region_size, gic::kRedistributorRegionSize);
}

hv_return_t hv_gic_get_redistributor_size(size_t* redistributor_size) {
  return give(redistributor_size, gic::kRedistributorSize);
}

hv_return_t hv_gic_get_redistributor_base_alignment(size_t* redistributor_base_alignment) {
  return give(redistributor_base_alignment, gic::kBaseAlignment);
}

hv_return_t hv_gic_get_msi_region_size(size_t* msi_region_size) {
  return give(msi_region_size, gic::kMsiRegionSize);
}

hv_return_t hv_gic_get_msi_region_base_alignment(size_t* msi_region_base_alignment) {
  return give(msi_region_base_alignment, gic::kBaseAlignment);
}

hv_return_t hv_gic_get_spi_interrupt_range(uint32_t* spi_intid_base, uint32_t* spi_intid_count) {
  if (spi_intid_base == nullptr || spi_intid_count == nullptr)
    return HV_BAD_ARGUMENT;
  *spi_intid_base = gic::kFirstSpi;
  *spi_intid_count = gic::kSpiCount;
  return HV_SUCCESS;
}

hv_return_t hv_gic_get_intid(hv_gic_intid_t interrupt, uint32_t* intid) {
  if (intid == nullptr)
    return HV_BAD_ARGUMENT;
  switch (interrupt) {
  case HV_GIC_INT_PERFORMANCE_MONITOR:
  case HV_GIC_INT_EL1_VIRTUAL_TIMER:
  case HV_GIC_INT_EL1_PHYSICAL_TIMER: *intid = interrupt; return HV_SUCCESS;
  case HV_GIC_INT_MAINTENANCE:
  case HV_GIC_INT_EL2_PHYSICAL_TIMER: return HV_UNSUPPORTED; // there is no EL2
  }
  return HV_BAD_ARGUMENT;
}
