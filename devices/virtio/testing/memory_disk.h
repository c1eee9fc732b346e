// SPDX-License-Identifier: Apache-2.0
// A disk in memory that remembers what was asked of it, for tests.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "devices/block_backend.h"

namespace kindling::devices::virtio::testing {

class MemoryDisk final : public BlockBackend {
public:
  struct Range {
    u64 offset;
    u64 length;
    bool may_unmap;
    friend bool operator==(const Range&, const Range&) = default;
  };

  MemoryDisk(u64 sectors, bool read_only) : bytes(sectors * kSectorSize), read_only_(read_only) {}

  [[nodiscard]] u64 size() const override { return bytes.size(); }
  [[nodiscard]] bool read_only() const override { return read_only_; }
  bool read(u64 offset, std::span<u8> to) override {
    if (!inside(offset, to.size()) || fail) {
      return false;
    }
    std::copy_n(bytes.begin() + static_cast<long>(offset), to.size(), to.begin());
    return true;
  }
  bool write(u64 offset, std::span<const iovec> from) override {
    for (const iovec& piece : from) {
      if (!inside(offset, piece.iov_len) || fail || read_only_) {
        return false;
      }
      std::copy_n(static_cast<const u8*>(piece.iov_base), piece.iov_len,
                  bytes.begin() + static_cast<long>(offset));
      offset += piece.iov_len;
    }
    return true;
  }
  bool flush() override {
    ++flushes;
    return !fail;
  }
  bool discard(u64 offset, u64 length) override { return note(discarded, {offset, length, true}); }
  bool write_zeroes(u64 offset, u64 length, bool may_unmap) override {
    return note(zeroed, {offset, length, may_unmap});
  }

  std::vector<u8> bytes;
  std::vector<Range> discarded;
  std::vector<Range> zeroed;
  std::atomic<int> flushes{0};
  std::atomic<bool> fail{false};

private:
  [[nodiscard]] bool inside(u64 offset, u64 length) const {
    return length <= bytes.size() && offset <= bytes.size() - length;
  }
  bool note(std::vector<Range>& ranges, Range range) {
    if (!inside(range.offset, range.length) || fail || read_only_) {
      return false;
    }
    ranges.push_back(range);
    std::fill_n(bytes.begin() + static_cast<long>(range.offset), range.length, u8{0});
    return true;
  }

  const bool read_only_;
};

} // namespace kindling::devices::virtio::testing
