// SPDX-License-Identifier: Apache-2.0
#include "softhv/mmu/stage2.h"

#include <sys/mman.h>

#include <algorithm>
#include <mutex>

#include "arch/bits.h"
#include "softhv/mmu/tlb.h"

namespace softhv {
namespace {

// An array of zeroes whose pages the host provides when they are first touched.
template <typename T>
class LazyArray {
public:
  explicit LazyArray(u64 count) : bytes_(count * sizeof(T)) {
    void* p = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    data_ = p == MAP_FAILED ? nullptr : static_cast<T*>(p);
  }
  ~LazyArray() {
    if (data_ != nullptr)
      munmap(data_, bytes_);
  }
  LazyArray(const LazyArray&) = delete;
  LazyArray& operator=(const LazyArray&) = delete;

  [[nodiscard]] bool ok() const { return data_ != nullptr; }
  T& operator[](u64 i) { return data_[i]; }

private:
  u64 bytes_;
  T* data_ = nullptr;
};

// Of Stage2Page::info, and one to spare, so that a page's words share a cache line.
constexpr u64 kInfoWords = 4;

constexpr u8 kAllPermissions = kStage2Read | kStage2Write | kStage2Exec;

bool bad_range(u64 ipa, u64 size) {
  return size == 0 || !is_aligned(ipa | size, kTlbPageSize) || ipa + size < ipa;
}

} // namespace

// Permissions are kept page by page, as the difference to those given to map(), so that protecting
// single pages (dirty tracking) neither splits regions nor touches more than a byte.
struct Stage2::Backing {
  Backing(u8* host_base, u64 pages, u64 base_permissions)
      : host(host_base), permissions(static_cast<u8>(base_permissions)), info(kInfoWords * pages),
        difference(pages) {}

  u8* host;
  u8 permissions;
  LazyArray<std::atomic<u32>> info;
  LazyArray<std::atomic<u8>> difference;
};

Stage2::Regions::const_iterator Stage2::find(u64 ipa) const {
  const auto after = std::upper_bound(regions_.begin(), regions_.end(), ipa,
                                      [](u64 a, const Region& r) { return a < r.ipa; });
  if (after == regions_.begin())
    return regions_.end();
  const auto it = after - 1;
  return ipa - it->ipa < it->size ? it : regions_.end();
}

bool Stage2::covered(u64 ipa, u64 size) const {
  for (u64 at = ipa; at < ipa + size;) {
    const auto it = find(at);
    if (it == regions_.end())
      return false;
    at = it->ipa + it->size;
  }
  return true;
}

Stage2::Status Stage2::map(void* host, u64 ipa, u64 size, u64 permissions) {
  if (bad_range(ipa, size) || !is_aligned(reinterpret_cast<u64>(host), kTlbPageSize) ||
      (permissions & ~u64{kAllPermissions}) != 0)
    return Status::kUnaligned;
  auto backing =
      std::make_shared<Backing>(static_cast<u8*>(host), size / kTlbPageSize, permissions);
  if (!backing->info.ok() || !backing->difference.ok())
    return Status::kNoMemory;
  const std::unique_lock lock(mutex_);
  retired_.clear();
  const auto after = std::upper_bound(regions_.begin(), regions_.end(), ipa,
                                      [](u64 a, const Region& r) { return a < r.ipa; });
  if (after != regions_.end() && after->ipa < ipa + size)
    return Status::kOverlap;
  if (after != regions_.begin() && (after - 1)->ipa + (after - 1)->size > ipa)
    return Status::kOverlap;
  regions_.insert(after, Region{ipa, size, 0, std::move(backing)});
  return Status::kOk;
}

Stage2::Status Stage2::unmap(u64 ipa, u64 size) {
  if (bad_range(ipa, size))
    return Status::kUnaligned;
  const std::unique_lock lock(mutex_);
  retired_.clear();
  if (!covered(ipa, size))
    return Status::kNotMapped;
  Regions kept;
  for (const Region& r : regions_) {
    const u64 end = r.ipa + r.size;
    if (end <= ipa || r.ipa >= ipa + size) {
      kept.push_back(r);
      continue;
    }
    if (r.ipa < ipa)
      kept.push_back({r.ipa, ipa - r.ipa, r.first_page, r.backing});
    if (end > ipa + size)
      kept.push_back({ipa + size, end - (ipa + size),
                      r.first_page + (ipa + size - r.ipa) / kTlbPageSize, r.backing});
    retired_.push_back(r.backing);
  }
  regions_ = std::move(kept);
  return Status::kOk;
}

Stage2::Status Stage2::protect(u64 ipa, u64 size, u64 permissions) {
  if (bad_range(ipa, size) || (permissions & ~u64{kAllPermissions}) != 0)
    return Status::kUnaligned;
  const std::unique_lock lock(mutex_);
  retired_.clear();
  if (!covered(ipa, size))
    return Status::kNotMapped;
  for (u64 at = ipa; at < ipa + size;) {
    const auto it = find(at);
    const u64 end = std::min(it->ipa + it->size, ipa + size);
    Backing& backing = *it->backing;
    const u8 difference = static_cast<u8>(permissions) ^ backing.permissions;
    for (; at < end; at += kTlbPageSize)
      backing.difference[it->first_page + (at - it->ipa) / kTlbPageSize].store(
          difference, std::memory_order_relaxed);
  }
  return Status::kOk;
}

void Stage2::forget_writes() {
  const std::unique_lock lock(mutex_);
  for (const Region& r : regions_)
    for (u64 page = r.first_page; page < r.first_page + r.size / kTlbPageSize; ++page)
      r.backing->info[kInfoWords * page + 2].store(0, std::memory_order_seq_cst);
}

Stage2Page Stage2::page_of(const Region& region, u64 ipa) {
  const u64 page = region.first_page + (ipa - region.ipa) / kTlbPageSize;
  Backing& backing = *region.backing;
  const u8 difference = backing.difference[page].load(std::memory_order_relaxed);
  return {.host = backing.host + page * kTlbPageSize,
          .permissions = static_cast<u64>(backing.permissions ^ difference),
          .info = &backing.info[kInfoWords * page]};
}

std::optional<Stage2Page> Stage2::lookup(u64 ipa) const {
  const std::shared_lock lock(mutex_);
  const auto it = find(ipa);
  return it == regions_.end() ? std::nullopt : std::optional(page_of(*it, ipa));
}

void Stage2::for_each_mapped(std::span<const u64> ipas, const Visit& visit) const {
  const std::shared_lock lock(mutex_);
  for (const u64 ipa : ipas)
    if (const auto it = find(ipa); it != regions_.end())
      visit(ipa, page_of(*it, ipa));
}

} // namespace softhv
