// SPDX-License-Identifier: Apache-2.0
// The bytes of a chain as one string, however the driver cut it into descriptors (virtio 1.2
// §2.7.4: a device makes no assumption about the framing).
#pragma once

#include <span>
#include <vector>

#include "arch/types.h"
#include "devices/guest_memory.h"
#include "devices/virtio/queue.h"

namespace kindling::devices::virtio {

// The bytes [offset, offset + length) of `segments`, or fewer when there are not as many.
std::vector<Segment> slice(std::span<const Segment> segments, u64 offset, u64 length);

// Copies from the beginning of `segments`; false when they are shorter than `to` or not in RAM.
bool gather(const GuestMemory& memory, std::span<const Segment> segments, std::span<u8> to);

// Copies to the beginning of `segments`; false when they are shorter than `from` or not in RAM.
bool scatter(const GuestMemory& memory, std::span<const Segment> segments,
             std::span<const u8> from);

} // namespace kindling::devices::virtio
