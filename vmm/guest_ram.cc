// SPDX-License-Identifier: Apache-2.0
#include "vmm/guest_ram.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "arch/bits.h"

namespace kindling::vmm {

namespace {

constexpr u64 kHugePage = 2ULL << 20;
constexpr u64 kMiB = 1ULL << 20;

#if !defined(MAP_NORESERVE)
#define MAP_NORESERVE 0
#endif

} // namespace

Result<std::unique_ptr<GuestRam>> GuestRam::create(u64 size) {
  const u64 reserved = size + kHugePage;
  void* at = ::mmap(nullptr, reserved, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    return Error{fmt::format("--mem: the host has no room for {} MiB of guest RAM ({}); "
                             "a smaller size would fit",
                             size / kMiB, std::strerror(errno))};
  }
  const auto start = reinterpret_cast<uintptr_t>(at);
  const uintptr_t aligned = arch::align_up(start, kHugePage);
  if (aligned != start) {
    ::munmap(at, aligned - start);
  }
  const uintptr_t end = start + reserved;
  if (aligned + size != end) {
    ::munmap(reinterpret_cast<void*>(aligned + size), end - (aligned + size));
  }
  auto* memory = reinterpret_cast<u8*>(aligned);
#if defined(MADV_HUGEPAGE)
  ::madvise(memory, size, MADV_HUGEPAGE); // a hint; hosts without huge pages refuse it
#endif
  return std::unique_ptr<GuestRam>(new GuestRam({memory, size}));
}

GuestRam::~GuestRam() {
  ::munmap(bytes_.data(), bytes_.size());
}

namespace {

// Of a file whose blocks lie at their places, over memory that is already there.
Status map_blocks(std::span<u8> memory, const BlockRange& range, const File& file) {
  const u64 offset = range.first * kStoreBlock;
  const u64 length = std::min<u64>(range.count * kStoreBlock, memory.size() - offset);
  void* at = ::mmap(memory.data() + offset, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
                    file.fd(), static_cast<off_t>(offset));
  return at == MAP_FAILED ? Error{fmt::format("cannot map {} KiB of a snapshot's memory: {}",
                                              length / 1024, std::strerror(errno))}
                          : Status();
}

} // namespace

Status GuestRam::show(std::span<const Image> layers, std::vector<LayerRange> above,
                      size_t most_mapped) {
  // The lowest layer as a whole: where it has nothing its file reads as zeros.
  if (Status s = map_blocks(bytes_, {0, bytes_.size() / kStoreBlock}, layers.front().file); !s) {
    return s;
  }
  RangeMap all;
  for (const Image& layer : layers) {
    all = RangeMap::united(all, layer.map);
  }
  if (above.size() > most_mapped) {
    std::ranges::sort(above, std::greater(), [](const LayerRange& r) { return r.blocks.count; });
  }
  for (size_t i = 0; i < above.size(); ++i) {
    const BlockRange& blocks = above[i].blocks;
    const File& file = layers[above[i].layer].file;
    Status s = i < most_mapped ? map_blocks(bytes_, blocks, file)
                               : file.read(blocks.first * kStoreBlock, part(blocks));
    if (!s) {
      return s;
    }
  }
  shown_ = std::move(all);
  return {};
}

Status GuestRam::reset() {
#if defined(__linux__)
  // On private anonymous memory this is defined to give zeros on the next touch.
  if (!shown_) {
    if (::madvise(bytes_.data(), bytes_.size(), MADV_DONTNEED) != 0) {
      return Error{fmt::format("cannot clear guest RAM: {}", std::strerror(errno))};
    }
    return {};
  }
#endif
  void* at = ::mmap(bytes_.data(), bytes_.size(), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (at == MAP_FAILED) {
    return Error{fmt::format("cannot clear guest RAM: {}", std::strerror(errno))};
  }
  shown_.reset();
  return {};
}

#if defined(__linux__)

// What the host's page tables have (Linux Documentation/admin-guide/mm/pagemap.rst): bit 63 is set
// for a page in memory, bit 62 for one that is swapped out.
Result<RangeMap> GuestRam::present_blocks() const {
  const File pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  const auto host_page = static_cast<u64>(::sysconf(_SC_PAGESIZE));
  const u64 blocks_per_page = host_page / kStoreBlock;
  const u64 pages = bytes_.size() / host_page;
  const u64 first_page = reinterpret_cast<uintptr_t>(bytes_.data()) / host_page;
  RangeMap used;
  std::vector<u64> entries;
  constexpr u64 kMostAtOnce = 65536;
  for (u64 page = 0; page < pages; page += entries.size()) {
    entries.resize(std::min(kMostAtOnce, pages - page));
    if (Status s =
            pagemap.read((first_page + page) * sizeof(u64),
                         {reinterpret_cast<u8*>(entries.data()), entries.size() * sizeof(u64)});
        !s) {
      return s.error().with_context("/proc/self/pagemap");
    }
    for (u64 i = 0; i < entries.size(); ++i) {
      if ((entries[i] >> 62) != 0) {
        (void)used.append({(page + i) * blocks_per_page, blocks_per_page}); // they ascend
      }
    }
  }
  return used;
}

Result<RangeMap> GuestRam::used_blocks() const {
  auto used = present_blocks();
  return used && shown_ ? RangeMap::united(*used, *shown_) : used;
}

#else

// By mincore(), which on a Mac tells what this process has referenced or modified.
Result<RangeMap> GuestRam::present_blocks() const {
  const auto host_page = static_cast<u64>(::sysconf(_SC_PAGESIZE));
  const u64 blocks_per_page = host_page / kStoreBlock;
  std::vector<char> pages(bytes_.size() / host_page);
  if (::mincore(bytes_.data(), bytes_.size(), pages.data()) != 0) {
    return Error{fmt::format("cannot tell which memory was touched: {}", std::strerror(errno))};
  }
  RangeMap present;
  for (u64 page = 0; page < pages.size(); ++page) {
    if ((pages[page] & (MINCORE_REFERENCED | MINCORE_MODIFIED)) != 0) {
      (void)present.append({page * blocks_per_page, blocks_per_page}); // they ascend
    }
  }
  return present;
}

Result<RangeMap> GuestRam::used_blocks() const {
  RangeMap all;
  (void)all.append({0, bytes_.size() / kStoreBlock});
  return all;
}

#endif

Result<RangeMap> GuestRam::touched_blocks() const {
  const auto present = present_blocks();
  if (!present || !shown_) {
    return present ? RangeMap() : present;
  }
  return RangeMap::without(*present, RangeMap::without(*present, *shown_));
}

std::span<u8> GuestRam::part(const BlockRange& blocks) const {
  const u64 first = std::min<u64>(blocks.first * kStoreBlock, bytes_.size());
  return bytes_.subspan(first, std::min<u64>(blocks.count * kStoreBlock, bytes_.size() - first));
}

void GuestRam::bring_in(const BlockRange& blocks) const {
  const std::span<u8> bytes = part(blocks);
#if defined(MADV_POPULATE_READ)
  if (::madvise(bytes.data(), bytes.size(), MADV_POPULATE_READ) == 0) {
    return; // kernels before 5.14 do not know it
  }
#endif
  ::madvise(bytes.data(), bytes.size(), MADV_WILLNEED);
}

} // namespace kindling::vmm
