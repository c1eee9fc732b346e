// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/shootdown.h"

#include <memory>

#include "softhv/core/vm.h"
#include "softhv/mmu/mmu.h"

namespace softhv {
namespace {

// A queue longer than this is cheaper to serve by dropping everything.
constexpr size_t kMaxQueued = 64;

// How often to look before sleeping, some microseconds: what falling asleep costs, and more than
// another core takes to reach a block boundary. A vCPU that takes longer has no core: the host
// should give it this one.
constexpr int kSpins = 1000;

struct Ticket {
  std::shared_ptr<ShootdownMailbox> mailbox;
  u64 number;

  [[nodiscard]] bool served() const {
    return mailbox->served.load(std::memory_order_seq_cst) >= number ||
           !mailbox->in_guest.load(std::memory_order_seq_cst);
  }
};

// What the calling thread has posted and not yet waited for.
std::vector<Ticket>& tickets() {
  thread_local std::vector<Ticket> list;
  return list;
}

// Keeps the queue short: a vCPU that waits to be switched on serves nobody for long.
void enqueue(std::vector<ShootdownRequest>& queue, const ShootdownRequest& request) {
  if (queue.size() == 1 && queue.front().kind == ShootdownRequest::Kind::kEverything)
    return; // covers every other
  if (queue.size() < kMaxQueued)
    queue.push_back(request);
  else
    queue.assign(1, ShootdownRequest{});
}

void add_ticket(const std::shared_ptr<ShootdownMailbox>& mailbox, u64 number) {
  for (Ticket& ticket : tickets())
    if (ticket.mailbox == mailbox) {
      ticket.number = number;
      return;
    }
  tickets().push_back({mailbox, number});
}

// Whether all that was posted has been served; drops the tickets of what has.
bool all_served() {
  std::erase_if(tickets(), [](const Ticket& ticket) { return ticket.served(); });
  return tickets().empty();
}

void sleep_until_all_served() {
  for (int spins = 0; spins < kSpins; ++spins)
    if (all_served())
      return;
  for (const Ticket& ticket : tickets())
    ticket.mailbox->waiters.sleep_until(WaitQueue::TimePoint::max(),
                                        [&] { return ticket.served(); });
  tickets().clear();
}

} // namespace

void shootdown_post(Vm& vm, Cpu* self, const ShootdownRequest& request, u32 targets) {
  if (self != nullptr) {
    // What the caller has changed comes before whatever a vCPU that is created now reads.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (vm.has_one_cpu())
      return;
  }
  vm.for_each_cpu([&](Cpu& cpu) {
    if (&cpu == self || (targets >> cpu.index & 1) == 0 || !cpu.mmu->concerned(request))
      return;
    ShootdownMailbox& mailbox = *cpu.mailbox;
    u64 number;
    {
      const std::lock_guard lock(mailbox.mutex);
      enqueue(mailbox.queue, request);
      number = ++mailbox.posted;
    }
    cpu.request(kAttentionShootdown);
    if (self != nullptr)
      self->statistics.shootdowns_sent.add();
    if (request.kind == ShootdownRequest::Kind::kCode)
      return;
    add_ticket(cpu.mailbox, number);
    if (self != nullptr)
      self->shootdowns_posted = 1;
  });
}

void shootdown_wait(Cpu* self) {
  if (self != nullptr)
    self->shootdowns_posted = 0;
  if (all_served())
    return;
  // Two vCPUs that wait for each other must not.
  const bool in_guest = self != nullptr && self->mailbox->in_guest.load(std::memory_order_relaxed);
  if (in_guest)
    leave_guest(*self);
  sleep_until_all_served();
  if (in_guest)
    enter_guest(*self);
}

void shootdown_serve(Cpu& cpu) {
  ShootdownMailbox& mailbox = *cpu.mailbox;
  std::vector<ShootdownRequest> queue;
  u64 posted;
  {
    const std::lock_guard lock(mailbox.mutex);
    if (mailbox.queue.empty())
      return;
    queue.swap(mailbox.queue);
    posted = mailbox.posted;
  }
  for (const ShootdownRequest& request : queue)
    cpu.mmu->invalidate(request);
  mailbox.served.store(posted, std::memory_order_seq_cst);
  mailbox.waiters.wake();
}

void enter_guest(Cpu& cpu) {
  // Whoever queues a request after shootdown_serve() has looked sees in_guest set and waits.
  cpu.mailbox->in_guest.store(true, std::memory_order_seq_cst);
  shootdown_serve(cpu);
  cpu.mmu->settle_context();
  ++cpu.code_epoch;
}

void leave_guest(Cpu& cpu) {
  cpu.mailbox->in_guest.store(false, std::memory_order_seq_cst);
  cpu.mailbox->waiters.wake();
}

} // namespace softhv
