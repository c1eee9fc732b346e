// SPDX-License-Identifier: Apache-2.0
// hv_vm_config_*.
#include <new>

#include <Hypervisor/Hypervisor.h>

#include "softhv/api/object.h"

using namespace softhv::api;

namespace {

template <typename T>
hv_return_t give(T* out, T value) {
  if (out == nullptr)
    return HV_BAD_ARGUMENT;
  *out = value;
  return HV_SUCCESS;
}

} // namespace

hv_vm_config_t hv_vm_config_create(void) {
  return new (std::nothrow) hv_vm_config_s;
}

hv_return_t hv_vm_config_get_max_ipa_size(uint32_t* ipa_bit_length) {
  return give(ipa_bit_length, uint32_t{kMaxIpaBits});
}

hv_return_t hv_vm_config_get_default_ipa_size(uint32_t* ipa_bit_length) {
  return give(ipa_bit_length, uint32_t{kDefaultIpaBits});
}

hv_return_t hv_vm_config_set_ipa_size(hv_vm_config_t config, uint32_t ipa_bit_length) {
  if (checked(config) == nullptr || ipa_bit_length < kMinIpaBits || ipa_bit_length > kMaxIpaBits)
    return HV_BAD_ARGUMENT;
  config->ipa_bits = ipa_bit_length;
  return HV_SUCCESS;
}

hv_return_t hv_vm_config_get_ipa_size(hv_vm_config_t config, uint32_t* ipa_bit_length) {
  if (checked(config) == nullptr)
    return HV_BAD_ARGUMENT;
  return give(ipa_bit_length, config->ipa_bits.load());
}

hv_return_t hv_vm_config_get_default_ipa_granule(hv_ipa_granule_t* granule) {
  return give(granule, HV_IPA_GRANULE_4KB);
}

hv_return_t hv_vm_config_get_ipa_granule(hv_vm_config_t config, hv_ipa_granule_t* granule) {
  if (checked(config) == nullptr)
    return HV_BAD_ARGUMENT;
  return give(granule, config->granule.load());
}

hv_return_t hv_vm_config_set_ipa_granule(hv_vm_config_t config, hv_ipa_granule_t granule) {
  if (checked(config) == nullptr ||
      (granule != HV_IPA_GRANULE_4KB && granule != HV_IPA_GRANULE_16KB))
    return HV_BAD_ARGUMENT;
  config->granule = granule;
  return HV_SUCCESS;
}

hv_return_t hv_vm_config_get_el2_supported(bool* el2_supported) {
  return give(el2_supported, false);
}

hv_return_t hv_vm_config_get_el2_enabled(hv_vm_config_t config, bool* el2_enabled) {
  if (checked(config) == nullptr)
    return HV_BAD_ARGUMENT;
  return give(el2_enabled, false);
}

hv_return_t hv_vm_config_set_el2_enabled(hv_vm_config_t config, bool el2_enabled) {
  if (checked(config) == nullptr)
    return HV_BAD_ARGUMENT;
  return el2_enabled ? HV_UNSUPPORTED : HV_SUCCESS;
}
