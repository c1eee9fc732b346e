// SPDX-License-Identifier: Apache-2.0
#include "vmm/session.h"

#include <future>
#include <system_error>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {
// Lines that a guest provokes: so many at once, and then so many a second.
constexpr u32 kGuestErrorBurst = 20;
constexpr u32 kGuestErrorsPerSecond = 2;
} // namespace

Result<std::unique_ptr<Session>> Session::create(const SessionParts& parts) {
  const u64 size = parts.ram.bytes().size();
  auto vm = vstate::create_vm(parts.capabilities,
                              {parts.vcpus, size, parts.engine, parts.instruction_time});
  if (!vm) {
    return vm.error();
  }
  if (Status s = (*vm)->map(parts.ram.bytes().data(), arch::kRamBase, size); !s) {
    return s.error();
  }
  return std::unique_ptr<Session>(new Session(parts, std::move(*vm)));
}

Session::Session(const SessionParts& parts, std::unique_ptr<vstate::Vm> vm)
    : vcpus_(parts.vcpus), vm_(std::move(vm)), control_(parts.vcpus),
      psci_(parts.vcpus, arch::ram_range(parts.ram.bytes().size()),
            [this](unsigned index) {
              vm_->expect_vcpu(index);
              control_.notify();
            }),
      guest_errors_(kGuestErrorBurst, kGuestErrorsPerSecond), context_{*vm_,
                                                                       parts.bus,
                                                                       psci_,
                                                                       control_,
                                                                       parts.log,
                                                                       guest_errors_,
                                                                       parts.events.power_off,
                                                                       parts.events.reset,
                                                                       parts.events.failed} {}

Session::~Session() {
  end();
}

Status Session::start(const arch::BootState& boot) {
  for (unsigned i = 0; i < vcpus_; ++i) {
    if (Status s = start_thread(i); !s) {
      end();
      return s.error().with_context(fmt::format("vCPU {} cannot be created", i));
    }
  }
  psci_.power_on(boot);
  control_.notify();
  return {};
}

Status Session::start_thread(unsigned index) {
  std::promise<Status> created;
  try {
    threads_.emplace_back([this, index, &created] {
      VcpuThread(context_, index).run([&created](const Status& status) {
        created.set_value(status);
      });
    });
  } catch (const std::system_error& error) {
    return Error{fmt::format("the host gives no thread: {}", error.what())};
  }
  return created.get_future().get();
}

void Session::end() {
  control_.end();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

} // namespace kindling::vmm
