// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/shootdown.h"

#include <memory>
#include <thread>

#include "softhv/core/vm.h"
#include "softhv/mmu/mmu.h"

namespace softhv {
namespace {

// A queue longer than this is cheaper to serve by dropping everything.
constexpr size_t kMaxQueued = 64;
constexpr int kSpins = 256;

struct Ticket {
  std::shared_ptr<ShootdownMailbox> mailbox;
  u64 number; // served when mailbox->served >= number
};

// What the calling thread has posted and not yet waited for.
std::vector<Ticket>& tickets() {
  thread_local std::vector<Ticket> list;
  return list;
}

// Keeps the queue short: a vCPU that waits to be switched on serves nobody for long.
void enqueue(std::vector<ShootdownRequest>& queue, const ShootdownRequest& request) {
  if (queue.size() == 1 && queue.front().kind == ShootdownRequest::Kind::kAll)
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

} // namespace

void shootdown_post(Vm& vm, Cpu* self, const ShootdownRequest& request, u32 targets) {
  vm.for_each_cpu([&](Cpu& cpu) {
    if (&cpu == self || (targets >> cpu.index & 1) == 0)
      return;
    ShootdownMailbox& mailbox = *cpu.mailbox;
    u64 number;
    {
      const std::lock_guard lock(mailbox.mutex);
      enqueue(mailbox.queue, request);
      number = ++mailbox.posted;
    }
    cpu.request(kAttentionShootdown);
    add_ticket(cpu.mailbox, number);
    if (self != nullptr) {
      self->shootdowns_posted = 1;
      self->statistics.shootdowns_sent.add();
    }
  });
}

void shootdown_wait(Vm& /*vm*/, Cpu* self) {
  for (const Ticket& ticket : tickets()) {
    const ShootdownMailbox& mailbox = *ticket.mailbox;
    for (int spins = 0; mailbox.served.load(std::memory_order_acquire) < ticket.number &&
                        mailbox.in_guest.load(std::memory_order_seq_cst);
         ++spins) {
      if (self != nullptr)
        shootdown_serve(*self);
      if (spins >= kSpins)
        std::this_thread::yield();
    }
  }
  tickets().clear();
  if (self != nullptr)
    self->shootdowns_posted = 0;
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
  mailbox.served.store(posted, std::memory_order_release);
}

void enter_guest(Cpu& cpu) {
  // Whoever queues a request after shootdown_serve() has looked sees in_guest set and waits.
  cpu.mailbox->in_guest.store(true, std::memory_order_seq_cst);
  shootdown_serve(cpu);
  ++cpu.code_epoch;
}

void leave_guest(Cpu& cpu) {
  cpu.mailbox->in_guest.store(false, std::memory_order_seq_cst);
}

} // namespace softhv
