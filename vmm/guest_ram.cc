// SPDX-License-Identifier: Apache-2.0
#include "vmm/guest_ram.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sys/mman.h>

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

Status GuestRam::reset() {
#if defined(__linux__)
  // On private anonymous memory this is defined to give zeros on the next touch.
  if (::madvise(bytes_.data(), bytes_.size(), MADV_DONTNEED) != 0) {
    return Error{fmt::format("cannot clear guest RAM: {}", std::strerror(errno))};
  }
#else
  void* at = ::mmap(bytes_.data(), bytes_.size(), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (at == MAP_FAILED) {
    return Error{fmt::format("cannot clear guest RAM: {}", std::strerror(errno))};
  }
#endif
  return {};
}

} // namespace kindling::vmm
