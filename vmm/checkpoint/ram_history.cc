// SPDX-License-Identifier: Apache-2.0
#include "vmm/checkpoint/ram_history.h"

#include <cstring>
#include <new>

#include "vmm/checkpoint/copy_page.h"

namespace kindling::vmm {

namespace {

// Zeros that cost nothing before they are touched.
template <typename T>
struct FreeArray {
  void operator()(T* array) const { std::free(array); } // NOLINT(cppcoreguidelines-no-malloc)
};
template <typename T>
using ZeroArray = std::unique_ptr<T[], FreeArray<T>>; // NOLINT(modernize-avoid-c-arrays)

template <typename T>
ZeroArray<T> make_zeros(size_t count) {
  return ZeroArray<T>(
      static_cast<T*>(std::calloc(count, sizeof(T)))); // NOLINT(cppcoreguidelines-no-malloc)
}

constexpr size_t kPagesOfChunk = 64;
struct alignas(kPageSize) Chunk {
  u8 bytes[kPagesOfChunk * kPageSize];
};

} // namespace

// One moment. A page that was put back keeps its copy: it is the same again when it changes again.
class RamHistory::Layer {
public:
  explicit Layer(size_t pages)
      : slots_(make_zeros<u32>(pages)), changed_(make_zeros<std::atomic<u8>>(pages)) {}

  [[nodiscard]] bool ok() const { return slots_ != nullptr && changed_ != nullptr; }
  [[nodiscard]] bool changed(size_t page) const {
    return changed_[page].load(std::memory_order_acquire) != 0;
  }
  [[nodiscard]] const std::vector<u32>& pages() const { return pages_; }

  // `now` are the page's bytes, about to change. By one thread at a time.
  [[nodiscard]] bool add(size_t page, const u8* now) {
    try {
      if (slots_[page] == 0) {
        if (used_ == chunks_.size() * kPagesOfChunk) {
          chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
        }
        std::memcpy(copy(++used_), now, kPageSize);
        slots_[page] = used_;
      }
      pages_.push_back(static_cast<u32>(page));
    } catch (const std::bad_alloc&) {
      return false;
    }
    changed_[page].store(1, std::memory_order_release);
    return true;
  }

  void put_back(std::span<u8> ram, std::vector<u64>& put) {
    for (size_t i = 0; i < pages_.size(); ++i) {
      const size_t page = pages_[i];
      if (i + kAhead < pages_.size()) {
        const size_t next = pages_[i + kAhead];
        prefetch_page(ram.data() + next * kPageSize, copy(slots_[next]));
      }
      copy_page(ram.data() + page * kPageSize, copy(slots_[page]));
      changed_[page].store(0, std::memory_order_relaxed);
      put.push_back(page * kPageSize);
    }
    pages_.clear();
  }

private:
  static constexpr size_t kAhead = 2;

  u8* copy(u32 slot) {
    return chunks_[(slot - 1) / kPagesOfChunk]->bytes + (slot - 1) % kPagesOfChunk * kPageSize;
  }

  ZeroArray<u32> slots_;               // by page: 0, or the number of its copy
  ZeroArray<std::atomic<u8>> changed_; // by page
  std::vector<u32> pages_;             // that have changed
  std::vector<std::unique_ptr<Chunk>> chunks_;
  u32 used_ = 0; // copies
};

RamHistory::RamHistory(std::span<u8> ram) : ram_(ram) {}
RamHistory::~RamHistory() = default;

void RamHistory::clear() {
  layers_.clear();
}

bool RamHistory::push() {
  try {
    auto layer = std::make_unique<Layer>(ram_.size() / kPageSize);
    if (!layer->ok()) {
      return false;
    }
    layers_.push_back(std::move(layer));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

bool RamHistory::before_write(u64 offset, u64 size) {
  if (layers_.empty()) {
    return true;
  }
  Layer& layer = *layers_.back();
  bool kept = true;
  for (u64 page = offset / kPageSize; page * kPageSize < offset + size; ++page) {
    if (layer.changed(page)) {
      continue;
    }
    const std::lock_guard lock(mutex_);
    if (!layer.changed(page)) {
      kept = layer.add(page, ram_.data() + page * kPageSize) && kept;
    }
  }
  return kept;
}

size_t RamHistory::changed_pages(size_t index) const {
  return layers_[index]->pages().size();
}

void RamHistory::roll_back(size_t index, std::vector<u64>& changed) {
  while (layers_.size() > index + 1) {
    layers_.back()->put_back(ram_, changed);
    layers_.pop_back();
  }
  layers_.back()->put_back(ram_, changed);
}

} // namespace kindling::vmm
