// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/disk.h"

#include <array>
#include <cstring>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

// The superblock of ext4 (the kernel's filesystems/ext4 documentation, "Super Block").
constexpr u64 kSuperblockOffset = 1024;
constexpr u64 kSuperblockSize = 1024;
constexpr size_t kBlocksLow = 0x4;
constexpr size_t kLogBlockSize = 0x18;
constexpr size_t kMagic = 0x38;
constexpr size_t kIncompatible = 0x60;
constexpr size_t kBlocksHigh = 0x150;
constexpr u16 kExtMagic = 0xef53;
constexpr u32 kIncompatible64Bit = 0x80;
constexpr u32 kMaxLogBlockSize = 6; // 64 KiB

template <typename T>
T load(const std::array<u8, kSuperblockSize>& bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(T));
  return value;
}

// The length that a file system on the disk claims; 0 when there is none that is known here.
u64 claimed_size(devices::BlockBackend& disk) {
  std::array<u8, kSuperblockSize> super{};
  if (disk.size() < kSuperblockOffset + kSuperblockSize || !disk.read(kSuperblockOffset, super)) {
    return 0;
  }
  const u32 log_block_size = load<u32>(super, kLogBlockSize);
  if (load<u16>(super, kMagic) != kExtMagic || log_block_size > kMaxLogBlockSize) {
    return 0;
  }
  u64 blocks = load<u32>(super, kBlocksLow);
  if ((load<u32>(super, kIncompatible) & kIncompatible64Bit) != 0) {
    blocks |= static_cast<u64>(load<u32>(super, kBlocksHigh)) << 32;
  }
  const u64 block_size = 1024ULL << log_block_size;
  return blocks > ~0ULL / block_size ? 0 : blocks * block_size;
}

} // namespace

Result<std::unique_ptr<devices::BlockBackend>> open_machine_disk(const std::string& path,
                                                                 bool read_only) {
  auto disk = devices::open_disk(path, read_only);
  if (!disk) {
    return disk.error();
  }
  const u64 claimed = claimed_size(**disk);
  if (claimed > (*disk)->size()) {
    return Error{fmt::format("cannot use the disk {}: it is truncated: it has {} bytes, and its "
                             "ext4 file system needs {}",
                             path, (*disk)->size(), claimed)};
  }
  return disk;
}

} // namespace kindling::vmm
