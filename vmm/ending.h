// SPDX-License-Identifier: Apache-2.0
// How a machine's run ends, when several of its threads may want it to.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::vmm {

// From the mildest to the gravest.
enum class Ending : u8 { kNone, kReset, kPowerOff, kQuit, kFailure };

// Thread-safe.
class EndingRequest {
public:
  // The gravest that was asked for wins; of several failures the first.
  void ask(Ending ending, std::optional<Error> error = std::nullopt) {
    const std::lock_guard lock(mutex_);
    if (ending > ending_) {
      ending_ = ending;
      failure_ = std::move(error);
      changed_.notify_all();
    }
  }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ending_ != Ending::kNone; });
  }

  // What those who have stopped by now wanted, all together: two vCPUs may ask for a reset at once,
  // and one may power off while another resets. A reset is over with that.
  Ending take() {
    const std::lock_guard lock(mutex_);
    return ending_ == Ending::kReset ? std::exchange(ending_, Ending::kNone) : ending_;
  }

  // Of kFailure, when nobody asks any more.
  [[nodiscard]] const Error& failure() const { return *failure_; }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Ending ending_ = Ending::kNone;
  std::optional<Error> failure_;
};

} // namespace kindling::vmm
