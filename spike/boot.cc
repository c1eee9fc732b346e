// SPDX-License-Identifier: Apache-2.0
#include "spike/boot.h"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <unistd.h>

#include <fmt/format.h>

#include "spike/console.h"
#include "spike/control.h"
#include "spike/keys.h"
#include "spike/machine_keys.h"
#include "spike/options.h"
#include "spike/script.h"
#include "spike/signals.h"
#include "spike/snapshot_command.h"
#include "spike/statistics.h"
#include "spike/terminal.h"
#include "vmm/log.h"
#include "vmm/machine.h"

namespace kindling::spike {

namespace {

using Clock = std::chrono::steady_clock;

std::span<const u8> bytes_of(std::string_view text) {
  return {reinterpret_cast<const u8*>(text.data()), text.size()};
}

// The console's two halves and the machine between them. They refer to each other: the machine
// writes to the output and wakes the input, keys of the input end the machine. Beside them, the
// control socket.
class Program {
public:
  explicit Program(const vmm::Log& log) : log_(log) {}

  Status run(const Options& options, SignalWatch& signals, Clock::time_point started) {
    const vmm::MachineConfig& config = options.machine;
    auto machine = vmm::Machine::create(config, host(started), log_);
    if (!machine) {
      return machine.error();
    }
    machine_ = std::move(*machine);
    output_ = std::make_unique<ConsoleOutput>(
        STDOUT_FILENO, [this](const Error& error) { machine_->fail(error); });
    if (options.control_socket) {
      auto control = Control::create(*options.control_socket, *machine_, [this] { quit(); });
      if (!control) {
        return control.error();
      }
      control_ = std::move(*control);
    }
    signals.start([this](int signal) {
      machine_->fail(Error{fmt::format("ended by signal {} ({})", signal, ::strsignal(signal))});
      output_->give_up();
    });
    const auto terminal = RawTerminal::enter(STDIN_FILENO);
    if (!terminal) {
      return terminal.error();
    }
    const bool scripted = config.icount && config.icount->script;
    Status status = scripted ? run_to_the_end() : run_with_input();
    if (config.statistics) {
      for (const std::string& line : statistics_table(machine_->statistics())) {
        log_.plain(line);
      }
    }
    if (config.report) {
      const vmm::RunReport report = machine_->report();
      log_.plain(fmt::format("instructions retired: {}, memory sha256: {}", report.instructions,
                             report.memory_sha256));
    }
    return status;
  }

private:
  // The reader of the console gets all of it.
  Status run_to_the_end() {
    Status status = machine_->run();
    output_->close();
    return status;
  }

  // With whatever comes on standard input while the guest runs. Keys work for as long as there is
  // something to wait for.
  Status run_with_input() {
    auto input = ConsoleInput::start(STDIN_FILENO, make_keys(), [this](std::span<const u8> bytes) {
      return machine_->console_input(bytes);
    });
    if (!input) {
      return input.error();
    }
    input_.store(input->get());
    Status status = run_to_the_end();
    input_.store(nullptr); // nothing of the machine runs any more
    return status;
  }

  vmm::MachineHost host(Clock::time_point started) {
    vmm::MachineHost host;
    host.started = started;
    host.console_output = [this](std::span<const u8> bytes) { output_->write(bytes); };
    host.console_ready = [this] {
      if (ConsoleInput* input = input_.load(); input != nullptr) {
        input->sink_ready();
      }
    };
    host.event = [this](const vmm::MachineEvent& event) {
      if (const auto* up = std::get_if<vmm::GuestIsUp>(&event)) {
        log_.plain(fmt::format("Guest-boot-time = {} ms", up->after.count()));
      }
      if (control_) {
        control_->event(event);
      }
    };
    return host;
  }

  void quit() {
    machine_->quit();
    output_->give_up(); // a vCPU may be waiting for the reader of our output
  }

  KeyFilter make_keys() {
    const auto say = [this](std::string_view text) { output_->write(bytes_of(text)); };
    std::vector<Key> keys = make_machine_keys(*machine_, say);
    keys.push_back({'x', "Ctrl-A x", "quit", [this] { quit(); }});
    keys.push_back({'?', "Ctrl-A ?", "list these keys", [this, say] { say(key_help_); }});
    KeyFilter filter(std::move(keys), say);
    key_help_ = filter.help();
    return filter;
  }

  const vmm::Log& log_;
  std::string key_help_;
  std::unique_ptr<ConsoleOutput> output_;
  std::unique_ptr<vmm::Machine> machine_; // goes before the output that it writes to
  std::unique_ptr<Control> control_;      // goes before the machine that its clients use
  std::atomic<ConsoleInput*> input_{nullptr};
};

} // namespace

int boot_main(int argc, const char* const* argv) {
  const Clock::time_point started = Clock::now();
  if (argc > 1 && std::string_view(argv[1]) == "snapshot") {
    return snapshot_main(argc - 1, argv + 1);
  }
  const auto parsed = parse_options(argc, argv);
  if (!parsed) {
    vmm::Log(STDERR_FILENO, "boot", vmm::LogLevel::kError).fatal(parsed.error().message);
    return kExitUsage;
  }
  if (const auto* printout = std::get_if<Printout>(&*parsed)) {
    std::fputs(printout->text.c_str(), stdout);
    return std::fflush(stdout) == 0 ? kExitOk : kExitFailure;
  }
  Options options = std::get<Options>(*parsed);
  const vmm::Log log(STDERR_FILENO, "boot", options.log_level);
  Status status;
  // Before signals are watched: whoever waits for the end of the input can be ended by one.
  if (auto& icount = options.machine.icount; icount && ::isatty(STDIN_FILENO) == 0) {
    auto script = read_script(STDIN_FILENO);
    if (script) {
      icount->script = std::move(*script);
    } else {
      status = script.error();
    }
  }
  if (status) {
    Program program(log);
    SignalWatch signals; // goes before the program that it calls, and before there is any thread
    status = program.run(options, signals, started);
  }
  if (!status) {
    log.fatal(status.error().message);
    return kExitFailure;
  }
  return kExitOk;
}

} // namespace kindling::spike
