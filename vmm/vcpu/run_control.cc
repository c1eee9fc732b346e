// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/run_control.h"

#include <chrono>

namespace kindling::vmm {

namespace {
// How long a lost kick can delay a stop.
constexpr std::chrono::milliseconds kKickAgain{5};
} // namespace

void RunControl::attach(unsigned index, std::function<void()> kick) {
  const std::lock_guard lock(mutex_);
  slots_[index] = {State::kStopped, std::this_thread::get_id(), std::move(kick), false};
}

void RunControl::detach(unsigned index) {
  const std::lock_guard lock(mutex_);
  if (slots_[index].has_work) {
    work_done(slots_[index]);
  }
  slots_[index] = {};
  changed_.notify_all();
}

bool RunControl::checkpoint(unsigned index) {
  Slot& slot = slots_[index];
  // Only this thread writes its own state to kRunning, so it may look at it without the lock.
  if (slot.state == State::kRunning && !request_.load(std::memory_order_acquire)) {
    return true;
  }
  std::unique_lock lock(mutex_);
  return wait_while_stopped(lock, slot);
}

bool RunControl::wait_while_stopped(std::unique_lock<std::mutex>& lock, Slot& slot) {
  if (stops_ != 0 && !ended_) {
    slot.state = State::kStopped;
    changed_.notify_all();
    wait(lock, slot, [this] { return stops_ == 0 || ended_; });
  }
  slot.state = ended_ ? State::kStopped : State::kRunning;
  changed_.notify_all();
  return !ended_;
}

void RunControl::wait(std::unique_lock<std::mutex>& lock, Slot& slot,
                      const std::function<bool()>& over,
                      std::chrono::steady_clock::time_point moment) {
  while (slot.has_work || !over()) {
    if (slot.has_work) {
      const auto& work = *work_;
      lock.unlock();
      work(static_cast<unsigned>(&slot - slots_.data()));
      lock.lock();
      work_done(slot);
    } else if (moment == kNever) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, moment) == std::cv_status::timeout) {
      return;
    }
  }
}

void RunControl::work_done(Slot& slot) {
  slot.has_work = false;
  if (--working_ == 0) {
    changed_.notify_all();
  }
}

void RunControl::run_on_stopped(const std::function<void(unsigned)>& work) {
  std::unique_lock lock(mutex_);
  work_ = &work;
  for (Slot& slot : slots_) {
    if (slot.state != State::kAbsent) {
      slot.has_work = true;
      ++working_;
    }
  }
  changed_.notify_all();
  changed_.wait(lock, [this] { return working_ == 0; });
  work_ = nullptr;
}

bool RunControl::wait_until(unsigned index, const std::function<bool()>& due) {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[index];
  slot.state = State::kStopped;
  changed_.notify_all();
  wait(lock, slot, [&] { return ended_ || (stops_ == 0 && due()); });
  slot.state = ended_ ? State::kStopped : State::kRunning;
  return !ended_;
}

void RunControl::pause_briefly(unsigned index, unsigned milliseconds) {
  std::unique_lock lock(mutex_);
  Slot& slot = slots_[index];
  const u64 before = notifications_;
  slot.state = State::kStopped;
  changed_.notify_all();
  wait(
      lock, slot, [&] { return ended_ || stops_ != 0 || notifications_ != before; },
      std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds));
  wait_while_stopped(lock, slot);
}

void RunControl::notify() {
  const std::lock_guard lock(mutex_);
  ++notifications_;
  changed_.notify_all();
}

Status RunControl::stop_all(const std::stop_token& cancel) {
  std::unique_lock lock(mutex_);
  for (const Slot& slot : slots_) {
    if (slot.state != State::kAbsent && slot.thread == std::this_thread::get_id()) {
      return Error{"a vCPU's own thread cannot stop all vCPUs"};
    }
  }
  ++stops_;
  update_request();
  while (!ended_ && any_running() && !cancel.stop_requested()) {
    kick_running();
    changed_.wait_for(lock, cancel, kKickAgain, [this] { return ended_ || !any_running(); });
  }
  if (!ended_ && !any_running()) {
    return {};
  }
  --stops_;
  update_request();
  changed_.notify_all();
  return Error{ended_ ? "the vCPUs are ending" : "stopping the vCPUs was cancelled"};
}

void RunControl::resume_all() {
  const std::lock_guard lock(mutex_);
  if (stops_ != 0) {
    --stops_;
  }
  update_request();
  changed_.notify_all();
}

bool RunControl::stopped() const {
  const std::lock_guard lock(mutex_);
  return stops_ != 0 && !any_running();
}

void RunControl::end() {
  std::unique_lock lock(mutex_);
  ended_ = true;
  update_request();
  changed_.notify_all();
  while (any_running()) {
    kick_running();
    changed_.wait_for(lock, kKickAgain, [this] { return !any_running(); });
  }
}

bool RunControl::any_running() const {
  for (const Slot& slot : slots_) {
    if (slot.state == State::kRunning) {
      return true;
    }
  }
  return false;
}

void RunControl::kick_running() {
  for (const Slot& slot : slots_) {
    if (slot.state == State::kRunning) {
      slot.kick();
    }
  }
}

void RunControl::update_request() {
  request_.store(stops_ != 0 || ended_, std::memory_order_release);
}

} // namespace kindling::vmm
