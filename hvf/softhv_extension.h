// SPDX-License-Identifier: Apache-2.0
// What SoftHV has beyond Hypervisor.framework, where it is SoftHV that this is built with.
#pragma once

#include <Hypervisor/Hypervisor.h>

#if __has_include(<Hypervisor/hv_softhv.h>)
#include <Hypervisor/hv_softhv.h>
#define KINDLING_HAS_SOFTHV 1
#else
#define KINDLING_HAS_SOFTHV 0
#endif
