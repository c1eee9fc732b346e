// SPDX-License-Identifier: Apache-2.0
#include "vmm/session.h"

#include <future>
#include <system_error>

#include <fmt/format.h>

#include "arch/sysreg.h"

namespace kindling::vmm {

namespace {
// Lines that a guest provokes: so many at once, and then so many a second.
constexpr u32 kGuestErrorBurst = 20;
constexpr u32 kGuestErrorsPerSecond = 2;
// Of two lists of the same registers.
void drop_equal(std::vector<arch::RegisterValue>& wanted,
                const std::vector<arch::RegisterValue>& present) {
  size_t next = 0;
  std::erase_if(wanted, [&](const arch::RegisterValue& reg) { return reg == present[next++]; });
}

} // namespace

Result<std::unique_ptr<Session>> Session::create(const SessionParts& parts) {
  const u64 size = parts.ram.bytes().size();
  auto vm = vstate::create_vm(parts.capabilities, {parts.vcpus, size, parts.watch_by_faults,
                                                   parts.engine, parts.instruction_time});
  if (!vm) {
    return vm.error();
  }
  if (Status s = (*vm)->map(parts.ram.bytes().data(), arch::kRamBase, size); !s) {
    return s.error();
  }
  return std::unique_ptr<Session>(new Session(parts, std::move(*vm)));
}

Session::Session(const SessionParts& parts, std::unique_ptr<vstate::Vm> vm)
    : vcpus_(parts.vcpus), counts_instructions_(parts.instruction_time.has_value()),
      vm_(std::move(vm)), control_(parts.vcpus),
      psci_(parts.vcpus, arch::ram_range(parts.ram.bytes().size()),
            [this](unsigned index) {
              vm_->expect_vcpu(index);
              control_.notify();
            }),
      guest_errors_(kGuestErrorBurst, kGuestErrorsPerSecond),
      vcpu_handles_(parts.vcpus), context_{*vm_,
                                           parts.bus,
                                           psci_,
                                           control_,
                                           parts.log,
                                           guest_errors_,
                                           vcpu_handles_,
                                           parts.events.power_off,
                                           parts.events.reset,
                                           parts.events.failed} {}

Session::~Session() {
  end();
}

Status Session::create_vcpus() {
  for (unsigned i = 0; i < vcpus_; ++i) {
    if (Status s = start_thread(i); !s) {
      end();
      return s.error().with_context(fmt::format("vCPU {} cannot be created", i));
    }
  }
  return {};
}

void Session::start(const arch::BootState& boot) {
  started_at_ns_ = vm_->guest_time_ns();
  psci_.power_on(boot);
  control_.notify();
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

// By this thread where the engine lets it: waking the vCPUs' own takes longer than the work. Of
// several errors returns that of the first vCPU.
Status Session::on_every_vcpu(const VcpuWork& work) {
  std::vector<Status> results(vcpus_);
  const auto do_one = [&](unsigned index) { results[index] = work(*vcpu_handles_[index], index); };
  unsigned done = 0;
  for (; done < vcpus_ && vcpu_handles_[done]->borrow(); ++done) {
    do_one(done);
    vcpu_handles_[done]->give_back();
  }
  if (done < vcpus_) {
    control_.run_on_stopped([&](unsigned index) {
      if (index >= done) {
        do_one(index);
      }
    });
  }
  for (unsigned i = 0; i < vcpus_; ++i) {
    if (!results[i]) {
      return results[i].error().with_context(fmt::format("vCPU {}", i));
    }
  }
  return {};
}

Status Session::stop(const std::stop_token& cancel) {
  if (Status s = control_.stop_all(cancel); !s) {
    return s;
  }
  stopped_at_ns_ = vm_->guest_time_ns();
  stopped_ = true;
  return {};
}

void Session::go_on() {
  if (!counts_instructions_) { // else time has not passed
    const auto ahead = vm_->set_guest_time_ns(stopped_at_ns_);
    if (ahead && *ahead != 0) {
      // A vCPU that could not be told sees a jump.
      (void)on_every_vcpu(
          [&](vstate::Vcpu& vcpu, unsigned /*index*/) { return vcpu.shift_counter(*ahead); });
    }
  }
  stopped_ = false;
  control_.resume_all();
}

// What is not saved, as whose turn it is, becomes what restoring will make of it.
Status Session::settle(const std::vector<arch::VcpuState>& vcpus) {
  if (!counts_instructions_) {
    return {};
  }
  if (const auto ahead = vm_->set_guest_time_ns(stopped_at_ns_); !ahead) {
    return ahead.error();
  }
  return on_every_vcpu(
      [&](vstate::Vcpu& vcpu, unsigned index) { return vcpu.restore(vcpus[index]); });
}

u64 Session::guest_time_ns() const {
  return (stopped_ ? stopped_at_ns_ : vm_->guest_time_ns()) - started_at_ns_;
}

Status Session::save(SessionState& to) {
  to.time_ns = stopped_at_ns_;
  to.power = psci_.save();
  to.vcpus.resize(vcpus_);
  Status saved =
      on_every_vcpu([&](vstate::Vcpu& vcpu, unsigned index) { return vcpu.save(to.vcpus[index]); });
  if (saved) {
    saved = settle(to.vcpus);
  }
  if (!saved) {
    return saved;
  }
  auto gic = vm_->save_gic();
  if (!gic) {
    return gic.error();
  }
  to.gic = std::move(*gic);
  return {};
}

Result<SavedCpus> Session::read_cpus() {
  SavedCpus cpus;
  cpus.time_ns = stopped_at_ns_;
  cpus.power = psci_.save();
  cpus.vcpus.resize(vcpus_);
  cpus.gic.redistributors.resize(vcpus_);
  Status saved = on_every_vcpu([&](vstate::Vcpu& vcpu, unsigned index) -> Status {
    if (Status s = vcpu.save(cpus.vcpus[index]); !s) {
      return s;
    }
    auto redistributor = vcpu.read_redistributor();
    if (!redistributor) {
      return redistributor.error();
    }
    cpus.gic.redistributors[index] = std::move(*redistributor);
    return {};
  });
  if (!saved) {
    return saved.error();
  }
  auto distributor = vm_->read_distributor();
  if (!distributor) {
    return distributor.error();
  }
  cpus.gic.distributor = std::move(*distributor);
  return cpus;
}

// `more` for each vCPU, when its registers are as they were.
Status Session::put_back(const CpuMoment& moment, const VcpuWork& more) {
  const auto ahead = vm_->set_guest_time_ns(moment.time_ns);
  if (!ahead) {
    return ahead.error();
  }
  stopped_at_ns_ = moment.time_ns;
  psci_.restore(moment.power);
  return on_every_vcpu([&](vstate::Vcpu& vcpu, unsigned index) -> Status {
    // One that is about to start keeps the others waiting, as when it was turned on.
    vcpu.take_part(moment.power[index].power != CpuPower::kOff);
    if (Status s = vcpu.restore(moment.vcpus[index]); !s) {
      return s;
    }
    if (*ahead != 0) {
      if (Status s = vcpu.shift_counter(*ahead); !s) {
        return s;
      }
    }
    return more ? more(vcpu, index) : Status();
  });
}

Status Session::write_cpus(const SavedCpus& cpus) {
  started_at_ns_ = cpus.time_ns;
  Status restored =
      put_back({cpus.time_ns, cpus.power, cpus.vcpus}, [&](vstate::Vcpu& vcpu, unsigned index) {
        return vcpu.write_redistributor(cpus.gic.redistributors[index]);
      });
  return restored ? vm_->write_distributor(cpus.gic.distributor) : restored;
}

Status Session::save(StateTable& to) {
  const auto cpus = read_cpus();
  if (!cpus) {
    return cpus.error();
  }
  put_cpus(*cpus, to);
  return settle(cpus->vcpus);
}

Status Session::restore(StateTable& from) {
  const auto present = read_cpus();
  if (!present) {
    return present.error();
  }
  auto cpus = take_cpus(from, *present);
  if (!cpus) {
    return cpus.error();
  }
  // A GIC that is new has most registers as they are to be.
  drop_equal(cpus->gic.distributor, present->gic.distributor);
  for (unsigned i = 0; i < vcpus_; ++i) {
    drop_equal(cpus->gic.redistributors[i], present->gic.redistributors[i]);
  }
  return write_cpus(*cpus);
}

std::map<std::string, u64> Session::features() {
  std::map<std::string, u64> all;
  (void)on_every_vcpu([&](vstate::Vcpu& vcpu, unsigned index) -> Status {
    if (index == 0) { // they are alike
      for (const auto& [number, value] : vcpu.features()) {
        all[arch::sysreg_name(number)] = value;
      }
    }
    return {};
  });
  return all;
}

Status Session::restore(const SessionState& from) {
  Status restored = put_back({from.time_ns, from.power, from.vcpus}, {});
  return restored ? vm_->restore_gic(from.gic) : restored;
}

void Session::end() {
  control_.end();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

} // namespace kindling::vmm
