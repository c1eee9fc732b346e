// SPDX-License-Identifier: Apache-2.0
// The reference-counted objects of the API: configurations and saved GIC states. A pointer that the
// caller passes in is checked against the kind of object it must be.
#pragma once

#include <atomic>
#include <optional>
#include <vector>

#include <Hypervisor/Hypervisor.h>

#include "arch/types.h"

namespace softhv::api {

struct Object {
  enum class Kind : u32 {
    kVmConfig = 0x766d6366,
    kVcpuConfig = 0x76636366,
    kGicConfig = 0x67696366,
    kGicState = 0x67697374,
  };
  explicit Object(Kind kind) : kind(kind) {}
  virtual ~Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  std::atomic<u32> references{1};
  const Kind kind;
};

inline constexpr u32 kMinIpaBits = 32;
inline constexpr u32 kDefaultIpaBits = 36;
inline constexpr u32 kMaxIpaBits = 48;

} // namespace softhv::api

// What the opaque types of the C headers are.
struct hv_vm_config_s final : softhv::api::Object {
  static constexpr Kind kKind = Kind::kVmConfig;
  hv_vm_config_s() : Object(kKind) {}
  std::atomic<uint32_t> ipa_bits{softhv::api::kDefaultIpaBits};
  std::atomic<hv_ipa_granule_t> granule{HV_IPA_GRANULE_4KB};
};

struct hv_vcpu_config_s final : softhv::api::Object {
  static constexpr Kind kKind = Kind::kVcpuConfig;
  hv_vcpu_config_s() : Object(kKind) {}
};

struct hv_gic_config_s final : softhv::api::Object {
  static constexpr Kind kKind = Kind::kGicConfig;
  hv_gic_config_s() : Object(kKind) {}
  std::optional<hv_ipa_t> distributor_base;
  std::optional<hv_ipa_t> redistributor_base;
  std::optional<hv_ipa_t> msi_base;
  uint32_t msi_intid_base = 0;
  uint32_t msi_intid_count = 0;
};

struct hv_gic_state_s final : softhv::api::Object {
  static constexpr Kind kKind = Kind::kGicState;
  explicit hv_gic_state_s(std::vector<uint8_t> data) : Object(kKind), data(std::move(data)) {}
  const std::vector<uint8_t> data;
};

namespace softhv::api {

// `object` if it is one of type T, else null.
template <typename T>
T* checked(T* object) {
  return object != nullptr && object->kind == T::kKind ? object : nullptr;
}

} // namespace softhv::api
