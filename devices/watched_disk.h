// SPDX-License-Identifier: Apache-2.0
// A disk over another one, for whoever has to know of changes before they are made.
#pragma once

#include <memory>

#include "devices/block_backend.h"

namespace kindling::devices {

class WatchedDisk : public BlockBackend {
public:
  [[nodiscard]] u64 size() const override { return below_->size(); }
  [[nodiscard]] bool read_only() const override { return below_->read_only(); }
  bool read(u64 offset, std::span<u8> to) override { return below_->read(offset, to); }
  bool write(u64 offset, std::span<const iovec> from) override;
  bool flush() override { return below_->flush(); }
  bool discard(u64 offset, u64 length) override;
  bool write_zeroes(u64 offset, u64 length, bool may_unmap) override;

protected:
  explicit WatchedDisk(std::unique_ptr<BlockBackend> below) : below_(std::move(below)) {}

  // These bytes, at least one, are about to change.
  virtual void before_change(u64 offset, u64 length) = 0;
  [[nodiscard]] BlockBackend& below() { return *below_; }

private:
  void tell(u64 offset, u64 length);

  const std::unique_ptr<BlockBackend> below_;
};

} // namespace kindling::devices
