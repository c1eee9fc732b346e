// SPDX-License-Identifier: Apache-2.0
// hv_vcpu_config_*.
#include <new>

#include <Hypervisor/Hypervisor.h>

#include "softhv/api/machine.h"
#include "softhv/api/object.h"
#include "softhv/system/id_profile.h"

using namespace softhv;
using namespace softhv::api;

namespace {

// The register behind a feature enumerator; 0: it is not one of ID_AA64*.
u32 encoding_of(hv_feature_reg_t reg) {
  switch (reg) {
  case HV_FEATURE_REG_ID_AA64DFR0_EL1: return HV_SYS_REG_ID_AA64DFR0_EL1;
  case HV_FEATURE_REG_ID_AA64DFR1_EL1: return HV_SYS_REG_ID_AA64DFR1_EL1;
  case HV_FEATURE_REG_ID_AA64ISAR0_EL1: return HV_SYS_REG_ID_AA64ISAR0_EL1;
  case HV_FEATURE_REG_ID_AA64ISAR1_EL1: return HV_SYS_REG_ID_AA64ISAR1_EL1;
  case HV_FEATURE_REG_ID_AA64MMFR0_EL1: return HV_SYS_REG_ID_AA64MMFR0_EL1;
  case HV_FEATURE_REG_ID_AA64MMFR1_EL1: return HV_SYS_REG_ID_AA64MMFR1_EL1;
  case HV_FEATURE_REG_ID_AA64MMFR2_EL1: return HV_SYS_REG_ID_AA64MMFR2_EL1;
  case HV_FEATURE_REG_ID_AA64PFR0_EL1: return HV_SYS_REG_ID_AA64PFR0_EL1;
  case HV_FEATURE_REG_ID_AA64PFR1_EL1: return HV_SYS_REG_ID_AA64PFR1_EL1;
  default: return 0;
  }
}

bool valid(hv_vcpu_config_t config) {
  return config == nullptr || checked(config) != nullptr;
}

// ID registers tell of the VM: of the present one, or of a default one.
id::Variation variation() {
  const auto machine = current_machine();
  if (machine == nullptr)
    return {.ipa_bits = kDefaultIpaBits, .gic = false};
  return {.ipa_bits = machine->vm.ipa_bits, .gic = machine->vm.gic != nullptr};
}

} // namespace

hv_vcpu_config_t hv_vcpu_config_create(void) {
  return new (std::nothrow) hv_vcpu_config_s;
}

hv_return_t hv_vcpu_config_get_feature_reg(hv_vcpu_config_t config, hv_feature_reg_t feature_reg,
                                           uint64_t* value) {
  if (!valid(config) || value == nullptr)
    return HV_BAD_ARGUMENT;
  switch (feature_reg) {
  case HV_FEATURE_REG_CTR_EL0: *value = id::kCtr; return HV_SUCCESS;
  case HV_FEATURE_REG_CLIDR_EL1: *value = id::kClidr; return HV_SUCCESS;
  case HV_FEATURE_REG_DCZID_EL0: *value = id::kDczid; return HV_SUCCESS;
  default: break;
  }
  const u32 encoding = encoding_of(feature_reg);
  if (encoding == 0)
    return HV_BAD_ARGUMENT;
  *value = id::feature_register(encoding, variation());
  return HV_SUCCESS;
}

hv_return_t hv_vcpu_config_get_ccsidr_el1_sys_reg_values(hv_vcpu_config_t config,
                                                         hv_cache_type_t cache_type,
                                                         uint64_t* values) {
  if (!valid(config) || values == nullptr ||
      (cache_type != HV_CACHE_TYPE_DATA && cache_type != HV_CACHE_TYPE_INSTRUCTION))
    return HV_BAD_ARGUMENT;
  for (u64 level = 0; level < 8; ++level) {
    const u64 csselr = level << 1 | (cache_type == HV_CACHE_TYPE_INSTRUCTION ? 1 : 0);
    values[level] = level == 7 ? 0 : id::ccsidr(csselr).value_or(0);
  }
  return HV_SUCCESS;
}
