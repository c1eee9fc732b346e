// SPDX-License-Identifier: Apache-2.0
// Configuration of a vCPU, and what its ID registers will say.
#pragma once

#include <Hypervisor/hv_vcpu_types.h>

OS_OBJECT_DECL(hv_vcpu_config);

OS_ENUM(hv_feature_reg, uint32_t, HV_FEATURE_REG_ID_AA64DFR0_EL1 = 0,
        HV_FEATURE_REG_ID_AA64DFR1_EL1 = 1, HV_FEATURE_REG_ID_AA64ISAR0_EL1 = 2,
        HV_FEATURE_REG_ID_AA64ISAR1_EL1 = 3, HV_FEATURE_REG_ID_AA64MMFR0_EL1 = 4,
        HV_FEATURE_REG_ID_AA64MMFR1_EL1 = 5, HV_FEATURE_REG_ID_AA64MMFR2_EL1 = 6,
        HV_FEATURE_REG_ID_AA64PFR0_EL1 = 7, HV_FEATURE_REG_ID_AA64PFR1_EL1 = 8,
        HV_FEATURE_REG_CTR_EL0 = 9, HV_FEATURE_REG_CLIDR_EL1 = 10, HV_FEATURE_REG_DCZID_EL0 = 11);

__BEGIN_DECLS

// A configuration with default values; release it with os_release().
hv_vcpu_config_t hv_vcpu_config_create(void);

// The value of an ID register as a vCPU of this configuration (NULL: the default) presents it.
hv_return_t hv_vcpu_config_get_feature_reg(hv_vcpu_config_t config, hv_feature_reg_t feature_reg,
                                           uint64_t* value);

// CCSIDR_EL1 of each cache level for caches of `cache_type`: values[0..7].
hv_return_t hv_vcpu_config_get_ccsidr_el1_sys_reg_values(hv_vcpu_config_t config,
                                                         hv_cache_type_t cache_type,
                                                         uint64_t* values);

__END_DECLS
