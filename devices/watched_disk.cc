// SPDX-License-Identifier: Apache-2.0
#include "devices/watched_disk.h"

namespace kindling::devices {

void WatchedDisk::tell(u64 offset, u64 length) {
  if (length != 0) {
    before_change(offset, length);
  }
}

bool WatchedDisk::write(u64 offset, std::span<const iovec> from) {
  u64 length = 0;
  for (const iovec& part : from) {
    length += part.iov_len;
  }
  tell(offset, length);
  return below_->write(offset, from);
}

bool WatchedDisk::discard(u64 offset, u64 length) {
  tell(offset, length);
  return below_->discard(offset, length);
}

bool WatchedDisk::write_zeroes(u64 offset, u64 length, bool may_unmap) {
  tell(offset, length);
  return below_->write_zeroes(offset, length, may_unmap);
}

} // namespace kindling::devices
