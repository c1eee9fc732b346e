// SPDX-License-Identifier: Apache-2.0
#include "devices/virtio/segments.h"

#include <algorithm>

namespace kindling::devices::virtio {

std::vector<Segment> slice(std::span<const Segment> segments, u64 offset, u64 length) {
  std::vector<Segment> result;
  for (const Segment& segment : segments) {
    const u64 skip = std::min<u64>(offset, segment.length);
    offset -= skip;
    const u64 part = std::min<u64>(segment.length - skip, length);
    if (part > 0) {
      result.push_back({segment.address + skip, static_cast<u32>(part)});
      length -= part;
    }
  }
  return result;
}

bool gather(const GuestMemory& memory, std::span<const Segment> segments, std::span<u8> to) {
  for (const Segment& segment : segments) {
    const size_t part = std::min<size_t>(segment.length, to.size());
    if (!memory.read(segment.address, to.first(part))) {
      return false;
    }
    to = to.subspan(part);
  }
  return to.empty();
}

bool scatter(const GuestMemory& memory, std::span<const Segment> segments,
             std::span<const u8> from) {
  for (const Segment& segment : segments) {
    const size_t part = std::min<size_t>(segment.length, from.size());
    if (!memory.write(segment.address, from.first(part))) {
      return false;
    }
    from = from.subspan(part);
  }
  return from.empty();
}

} // namespace kindling::devices::virtio
