// SPDX-License-Identifier: Apache-2.0
// The host memory behind guest RAM.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"
#include "vmm/store/image_writer.h"

namespace kindling::vmm {

// Memory that the host fills in as the guest touches it; nothing is reserved ahead. It starts out
// as zeros, aligned to the host's huge pages.
class GuestRam {
public:
  static Result<std::unique_ptr<GuestRam>> create(u64 size);
  ~GuestRam();
  GuestRam(const GuestRam&) = delete;
  GuestRam& operator=(const GuestRam&) = delete;

  [[nodiscard]] std::span<u8> bytes() const { return bytes_; }

  // Shows the contents of images of the same size, the later ones over the earlier ones, without
  // reading them: pages come from the host's page cache when they are touched, and are copied when
  // they are written to. Each range of `above`, which is ranges_above_the_lowest(), takes a
  // mapping; those beyond the `most_mapped` largest are read instead. Once, before anybody uses the
  // memory; files may be closed afterwards.
  Status show(std::span<const Image> layers, std::vector<LayerRange> above, size_t most_mapped);

  // Zeros again, and gives the memory back to the host. Nobody may access it meanwhile.
  Status reset();

  // The pages, in blocks of a store, that may hold anything but zeros.
  [[nodiscard]] Result<RangeMap> used_blocks() const;

  // The blocks of the images that have been touched: read, written to, or close to such a block,
  // for a host may bring in several at once.
  [[nodiscard]] Result<RangeMap> touched_blocks() const;

  // A hint, for any thread: blocks of the images are wanted now, and are in memory when it returns,
  // or soon after on a host that only reads ahead.
  void bring_in(const BlockRange& blocks) const;

private:
  [[nodiscard]] Result<RangeMap> present_blocks() const;
  [[nodiscard]] std::span<u8> part(const BlockRange& blocks) const;

  explicit GuestRam(std::span<u8> bytes) : bytes_(bytes) {}

  std::span<u8> bytes_;
  std::optional<RangeMap> shown_; // what images have
};

} // namespace kindling::vmm
