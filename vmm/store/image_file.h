// SPDX-License-Identifier: Apache-2.0
// Files that hold blocks of an image of memory or of a disk, each at its own offset, with holes
// where they have none. A RangeMap beside the file tells which blocks mean something.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "arch/result.h"
#include "vmm/file.h"
#include "vmm/store/range_map.h"

namespace kindling::vmm {

// A checksum of bytes, or of the blocks of an image in their order: XXH3, 128 bits, as 32
// hexadecimal digits. It tells damage, not malice.
class Checksum {
public:
  Checksum();
  ~Checksum();
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;
  void add(std::span<const u8> bytes);
  [[nodiscard]] std::string digest() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};
std::string checksum(std::span<const u8> bytes);
// Of the blocks of `map` in `file`; the last one may be cut short by the end of an image of `size`
// bytes.
Result<std::string> checksum(const File& file, const RangeMap& map, u64 size);

[[nodiscard]] bool is_zero(std::span<const u8> bytes);

// Copies the blocks of `map` from one file to the same place in another, sharing storage where the
// file system can.
Status copy_blocks(const File& from, File& to, const RangeMap& map, u64 size);

// The blocks of a file of `size` bytes that are not holes. A file system without holes has all.
Result<RangeMap> data_blocks(const File& file, u64 size);

} // namespace kindling::vmm
