// SPDX-License-Identifier: Apache-2.0
// WriteJournal: what a run of instructions changes in memory, kept so that it can be undone. While
// Cpu::journal points to one, every access takes the slow path of mmu/access.h (the TLB tables of
// the vCPU have to be empty ones) and no access reaches a device.
#pragma once

#include <cstring>
#include <vector>

#include "arch/types.h"

namespace softhv {

class WriteJournal {
public:
  static constexpr unsigned kMaxSize = 64; // of one write: DC ZVA

  struct Write {
    u8* host = nullptr;
    u64 va = 0;
    unsigned size = 0;
    u8 before[kMaxSize] = {};
    u8 after[kMaxSize] = {}; // once settle() has been called
  };

  void clear() {
    writes_.clear();
    left_memory_ = false;
  }

  // `size` bytes at `host` are about to be written.
  void note(u8* host, u64 va, unsigned size) {
    Write& write = writes_.emplace_back();
    write.host = host;
    write.va = va;
    write.size = size;
    std::memcpy(write.before, host, size);
  }

  // An access found no memory; it is not made.
  void note_no_memory() { left_memory_ = true; }
  [[nodiscard]] bool left_memory() const { return left_memory_; }

  // Keeps what is in memory now as Write::after.
  void settle() {
    for (Write& write : writes_)
      std::memcpy(write.after, write.host, write.size);
  }

  // Memory is again what it was before the first write.
  void undo() const {
    for (size_t i = writes_.size(); i-- > 0;)
      std::memcpy(writes_[i].host, writes_[i].before, writes_[i].size);
  }

  [[nodiscard]] const std::vector<Write>& writes() const { return writes_; }

private:
  std::vector<Write> writes_;
  bool left_memory_ = false;
};

} // namespace softhv
