// SPDX-License-Identifier: Apache-2.0
#include "vmm/vcpu/vcpu_thread.h"

#include <fmt/format.h>

#include "arch/bits.h"
#include "arch/psci.h"
#include "arch/sysreg.h"

namespace kindling::vmm {

namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

// How long a wait that the engine leaves to us may last: nothing tells us of an interrupt that
// becomes pending in the engine's controller, so we look again.
constexpr unsigned kWaitMilliseconds = 1;

// Debug registers (op0 = 2), which an engine may leave to us: there is no external debugger, so
// they read as zero and ignore writes. All others are undefined.
bool reads_as_zero(u32 encoding) {
  return arch::bits(encoding, 15, 14) == 2;
}

} // namespace

void VcpuThread::run(const std::function<void(Status)>& created) {
  auto vcpu = context_.vm.create_vcpu(index_);
  if (!vcpu) {
    created(vcpu.error());
    return;
  }
  vcpu_ = std::move(*vcpu);
  context_.vcpus[index_] = vcpu_.get();
  context_.control.attach(index_, [this] { vcpu_->kick(); });
  created({});
  run_while_on();
  context_.control.wait_until(index_, [] { return false; });
  context_.control.detach(index_);
  vcpu_.reset();
}

// A vCPU's power may also change while it is stopped.
void VcpuThread::run_while_on() {
  const auto due = [this] { return context_.psci.power(index_) != CpuPower::kOff; };
  while (context_.control.wait_until(index_, due)) {
    if (const auto state = context_.psci.take_start(index_); state && !done(vcpu_->reset(*state))) {
      return;
    }
    while (context_.control.checkpoint(index_) && context_.psci.power(index_) == CpuPower::kOn) {
      if (!run_once()) {
        return;
      }
    }
  }
}

bool VcpuThread::done(const Status& status) {
  if (!status) {
    context_.failed(status.error().with_context(fmt::format("vCPU {}", index_)));
  }
  return status.ok();
}

bool VcpuThread::run_once() {
  const auto exit = vcpu_->run();
  if (!exit) {
    return done(exit.error());
  }
  return answer(*exit);
}

void VcpuThread::report(const std::string& what) {
  if (!context_.log.enabled(LogLevel::kInfo)) {
    return;
  }
  const auto verdict = context_.guest_errors.next();
  if (!verdict.allowed) {
    return;
  }
  const auto pc = vcpu_->program_counter();
  context_.log.write(LogLevel::kInfo, "vCPU {} at {:#x}: {}{}", index_, pc ? *pc : 0, what,
                     verdict.suppressed == 0
                         ? ""
                         : fmt::format(" ({} more like it not shown)", verdict.suppressed));
}

bool VcpuThread::answer(const arch::VcpuExit& exit) {
  return std::visit(
      Overloaded{
          [this](const arch::MmioRead& read) {
            u64 value = 0;
            if (context_.bus.read(read.address, read.size, value)) {
              return done(vcpu_->complete_read(value));
            }
            report(fmt::format("{}-byte load from {:#x}, where there is nothing", read.size,
                               read.address));
            return done(vcpu_->abort_access());
          },
          [this](const arch::MmioWrite& write) {
            if (context_.bus.write(write.address, write.size, write.value)) {
              return done(vcpu_->complete_write());
            }
            report(fmt::format("{}-byte store of {:#x} to {:#x}, where there is nothing",
                               write.size, write.value, write.address));
            return done(vcpu_->abort_access());
          },
          [this](const arch::WriteRefused& write) {
            return done(context_.vm.open_page(write.address));
          },
          [this](const arch::Hvc&) { return answer_call("HVC"); },
          [this](const arch::Smc&) { return answer_call("SMC"); },
          [](const arch::Canceled&) { return true; },
          // With an interrupt controller in the engine this means nothing; it masks itself.
          [](const arch::VtimerActivated&) { return true; },
          [this](const arch::WaitForInterrupt& wait) {
            // Completed first: whoever waits is stopped, and at an instruction boundary.
            const bool completed = done(vcpu_->complete_wait());
            if (completed && !wait.event) {
              context_.control.pause_briefly(index_, kWaitMilliseconds);
            }
            return completed;
          },
          [this](const arch::SystemRegister& access) {
            answer_register(access);
            return true;
          },
          [this](const arch::UnserviceableAccess& access) {
            report(fmt::format("{}, at address {:#x}, physical {:#x}",
                               arch::describe_esr(access.syndrome), access.virtual_address,
                               access.physical_address));
            return done(vcpu_->abort_access());
          },
          [this](const arch::Unhandled& other) {
            report(other.text);
            return done(vcpu_->raise_undefined());
          },
      },
      exit);
}

void VcpuThread::answer_register(const arch::SystemRegister& access) {
  if (reads_as_zero(access.trap.encoding)) {
    done(vcpu_->complete_register(0));
    return;
  }
  report(fmt::format("{} of {}, which this machine does not have",
                     access.trap.read ? "read" : "write", arch::sysreg_name(access.trap.encoding)));
  done(vcpu_->raise_undefined());
}

// The immediate of HVC and SMC is not looked at: SMCCC wants zero, and gives no meaning to others.
bool VcpuThread::answer_call(const char* instruction) {
  std::array<u64, 4> arguments{};
  for (unsigned i = 0; i < arguments.size(); ++i) {
    const auto value = vcpu_->general_register(i);
    if (!value) {
      return done(value.error());
    }
    arguments[i] = *value;
  }
  const PsciAnswer answer = context_.psci.call(index_, arguments);
  const u32 function = static_cast<u32>(arguments[0]);
  context_.log.write(LogLevel::kDebug, "vCPU {}: {} {} ({:#x}, {:#x}, {:#x}, {:#x}) -> {:#x}",
                     index_, instruction, arch::psci::function_name(function), function,
                     arguments[1], arguments[2], arguments[3], answer.x0);
  switch (answer.action) {
  case PsciAction::kReturn: return done(vcpu_->complete_call(answer.x0));
  case PsciAction::kSuspend: {
    const bool completed = done(vcpu_->complete_call(answer.x0));
    if (completed) {
      context_.control.pause_briefly(index_, kWaitMilliseconds);
    }
    return completed;
  }
  // None of these comes back. The exit is completed all the same, so that whoever looks at the
  // vCPU finds it at an instruction boundary.
  case PsciAction::kCpuOff: {
    const bool completed = done(vcpu_->complete_call(answer.x0));
    vcpu_->take_part(false);
    return completed;
  }
  case PsciAction::kSystemOff:
    done(vcpu_->complete_call(answer.x0));
    context_.power_off();
    return false;
  case PsciAction::kSystemReset:
    done(vcpu_->complete_call(answer.x0));
    context_.reset();
    return false;
  }
  return false;
}

} // namespace kindling::vmm
