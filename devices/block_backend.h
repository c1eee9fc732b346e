// SPDX-License-Identifier: Apache-2.0
// The storage behind a block device.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <sys/uio.h>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::devices {

inline constexpr u64 kSectorSize = 512;

// Offsets and lengths are in bytes, multiples of kSectorSize, and within size(): the caller has
// checked. False: the host failed to do it, wholly or in part. May block; one thread at a time.
class BlockBackend {
public:
  virtual ~BlockBackend() = default;

  [[nodiscard]] virtual u64 size() const = 0; // a multiple of kSectorSize, not 0, and constant
  [[nodiscard]] virtual bool read_only() const = 0;

  virtual bool read(u64 offset, std::span<u8> to) = 0;
  // Not called, like all that follow, when read_only().
  virtual bool write(u64 offset, std::span<const iovec> from) = 0;
  // What was written before is on stable storage.
  virtual bool flush() = 0;
  // The contents are needed no more; a backend that cannot give space back does nothing.
  virtual bool discard(u64 offset, u64 length) = 0;
  virtual bool write_zeroes(u64 offset, u64 length, bool may_unmap) = 0;
};

// A raw disk image, or a block device of the host. A writable one is locked against every other
// process and every other backend of this one, a read-only one against writers (flock).
// Errors: no such file, no permission, not a file or block device, empty, not a whole number of
// sectors, in use.
Result<std::unique_ptr<BlockBackend>> open_disk(const std::string& path, bool read_only);

// Room without an end for data that nobody needs after this process: a file without a name in the
// directory for temporary files. Its size() means nothing. Errors: the host gives no such file.
Result<std::unique_ptr<BlockBackend>> open_scratch_disk();

} // namespace kindling::devices
