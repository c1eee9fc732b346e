// SPDX-License-Identifier: Apache-2.0
// Running and stopping the vCPUs of a machine: the one place that knows, for every vCPU thread,
// whether it may be executing guest code.
//
// A vCPU thread is a *participant* between attach() and detach(). It calls checkpoint() before each
// entry into the guest, with its last exit retired; while a stop is asked for it waits there, at an
// instruction boundary. A participant that waits to be powered on counts as stopped; so does one
// that has not attached yet, or has detached: it will meet the request at its first checkpoint.
//
// A request is a flag that checkpoint() tests, and a kick that makes a vCPU leave the guest. Should
// a kick fall between the test and the entry and get lost, it is repeated until the vCPU has come
// to its checkpoint.
//
// Thread-safe. A participant must not call stop_all(): it would wait for itself.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::vmm {

class RunControl {
public:
  explicit RunControl(unsigned vcpus) : slots_(vcpus) {}

  // --- For vCPU threads ---

  // Makes the calling thread participant `index`. `kick` makes its vCPU leave the guest soon; any
  // thread may call it, until detach() has returned.
  void attach(unsigned index, std::function<void()> kick);
  void detach(unsigned index);

  // Waits while the vCPUs are to be stopped. False: the thread must end.
  bool checkpoint(unsigned index);

  // Waits, counted as stopped, until `due` holds (it is asked again after each notify()) and no
  // stop is asked for. False: the thread must end.
  bool wait_until(unsigned index, const std::function<bool()>& due);
  // The same, but for `milliseconds` at most and ended early by any notify(), kick or stop.
  void pause_briefly(unsigned index, unsigned milliseconds);
  void notify();

  // --- For controlling threads ---

  // Stops every vCPU; returns when all of them are stopped. Stops nest: the vCPUs run again when
  // each successful stop_all() has been matched by a resume_all(). Errors, with nothing left
  // stopped: `cancel` was triggered first; the vCPUs are to end; the caller is a participant.
  Status stop_all(const std::stop_token& cancel = {});
  void resume_all();

  // Calls `work(index)` on the thread of every participant, all at once, and returns when all have
  // done it. Between a successful stop_all() and its resume_all(); `work` must not use this.
  void run_on_stopped(const std::function<void(unsigned)>& work);

  // Whether all vCPUs are stopped by stop_all() right now.
  [[nodiscard]] bool stopped() const;

  // Makes every participant's next checkpoint() return false, for good.
  void end();

private:
  enum class State : u8 { kAbsent, kRunning, kStopped };
  struct Slot {
    State state = State::kAbsent;
    std::thread::id thread;
    std::function<void()> kick;
    bool has_work = false; // work_ is to be done by its thread
  };

  [[nodiscard]] bool any_running() const;
  void kick_running();
  void update_request();
  bool wait_while_stopped(std::unique_lock<std::mutex>& lock, Slot& slot);
  // Of a participant: waits until `over` holds, or until the moment, and works meanwhile.
  void wait(std::unique_lock<std::mutex>& lock, Slot& slot, const std::function<bool()>& over,
            std::chrono::steady_clock::time_point moment = kNever);

  void work_done(Slot& slot);

  static constexpr auto kNever = std::chrono::steady_clock::time_point::max();

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<Slot> slots_;
  unsigned stops_ = 0; // stop_all() calls that hold or wait
  bool ended_ = false;
  u64 notifications_ = 0;
  const std::function<void(unsigned)>* work_ = nullptr;
  unsigned working_ = 0;             // participants that have not done it yet
  std::atomic<bool> request_{false}; // stops_ != 0 || ended_, for the fast path of checkpoint()
};

// Keeps the vCPUs stopped for as long as it lives.
class StoppedVcpus {
public:
  static Result<StoppedVcpus> stop(RunControl& control, const std::stop_token& cancel = {}) {
    if (Status s = control.stop_all(cancel); !s) {
      return s.error();
    }
    return StoppedVcpus(control);
  }
  ~StoppedVcpus() {
    if (control_ != nullptr) {
      control_->resume_all();
    }
  }
  StoppedVcpus(StoppedVcpus&& other) noexcept : control_(std::exchange(other.control_, nullptr)) {}
  StoppedVcpus& operator=(StoppedVcpus&&) = delete;

private:
  explicit StoppedVcpus(RunControl& control) : control_(&control) {}
  RunControl* control_;
};

} // namespace kindling::vmm
