// SPDX-License-Identifier: Apache-2.0
// From hv_return_t to Status.
#pragma once

#include <string_view>

#include <Hypervisor/Hypervisor.h>

#include "arch/result.h"

namespace kindling::hvf {

// "HV_BAD_ARGUMENT", or "an unknown error".
std::string_view return_name(hv_return_t code);

// Ok for HV_SUCCESS; otherwise an error that names the call and the code.
Status check(hv_return_t code, std::string_view call);

} // namespace kindling::hvf
