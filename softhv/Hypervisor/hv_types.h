// SPDX-License-Identifier: Apache-2.0
// The memory flags, under the name that programs for both architectures include.
#pragma once

#include <Hypervisor/hv_kern_types.h>
