// SPDX-License-Identifier: Apache-2.0
#include "hvf/error.h"

#include <fmt/format.h>

namespace kindling::hvf {

std::string_view return_name(hv_return_t code) {
  // HV_* are of several integer types in Apple's headers.
  switch (static_cast<unsigned>(code)) {
  case static_cast<unsigned>(HV_SUCCESS): return "HV_SUCCESS";
  case static_cast<unsigned>(HV_ERROR): return "HV_ERROR";
  case static_cast<unsigned>(HV_BUSY): return "HV_BUSY";
  case static_cast<unsigned>(HV_BAD_ARGUMENT): return "HV_BAD_ARGUMENT";
  case static_cast<unsigned>(HV_ILLEGAL_GUEST_STATE): return "HV_ILLEGAL_GUEST_STATE";
  case static_cast<unsigned>(HV_NO_RESOURCES): return "HV_NO_RESOURCES";
  case static_cast<unsigned>(HV_NO_DEVICE): return "HV_NO_DEVICE";
  case static_cast<unsigned>(HV_DENIED): return "HV_DENIED";
  case static_cast<unsigned>(HV_UNSUPPORTED): return "HV_UNSUPPORTED";
  default: return "an unknown error";
  }
}

Status check(hv_return_t code, std::string_view call) {
  if (code == HV_SUCCESS) {
    return {};
  }
  return Error{fmt::format("{} failed with {} ({:#x})", call, return_name(code),
                           static_cast<unsigned>(code))};
}

} // namespace kindling::hvf
