// SPDX-License-Identifier: Apache-2.0
// Wakes a thread that waits in poll().
#pragma once

#include <memory>

#include "arch/result.h"

namespace kindling::vmm {

class WakePipe {
public:
  static Result<std::unique_ptr<WakePipe>> create();
  ~WakePipe();
  WakePipe(const WakePipe&) = delete;
  WakePipe& operator=(const WakePipe&) = delete;

  // What to wait for in poll(), with POLLIN.
  [[nodiscard]] int reader() const { return reader_; }
  // For the thread that waited, before it looks at what it was woken for.
  void clear() const;

  // Any thread. Wakes the next poll() if none is under way.
  void wake() const;

private:
  WakePipe(int reader, int writer) : reader_(reader), writer_(writer) {}

  const int reader_;
  const int writer_;
};

} // namespace kindling::vmm
