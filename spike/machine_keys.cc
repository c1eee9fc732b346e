// SPDX-License-Identifier: Apache-2.0
#include "spike/machine_keys.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace kindling::spike {

namespace {

using Say = std::function<void(std::string_view)>;

std::string line(const std::string& text) {
  return fmt::format("\r\n[kindling] {}\r\n", text);
}

void make_checkpoint(vmm::Machine& machine, const Say& say) {
  const auto number = machine.checkpoint();
  say(line(number ? fmt::format("checkpoint {}", *number)
                  : "no checkpoint: " + number.error().message));
}

void go_back(vmm::Machine& machine, const Say& say, std::optional<unsigned> number) {
  const auto before = std::chrono::steady_clock::now();
  const auto done = machine.roll_back(number);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - before);
  if (!done) {
    say(line(done.error().message));
    return;
  }
  say(line(fmt::format("back at checkpoint {} ({} us)", *done, took.count())));
}

void list(vmm::Machine& machine, const Say& say) {
  const auto all = machine.checkpoints();
  if (all.empty()) {
    say(line("no checkpoints; Ctrl-A c makes one"));
    return;
  }
  std::string text = "\r\n";
  for (const vmm::CheckpointInfo& one : all) {
    text += fmt::format("[kindling] checkpoint {}: {} ago, {} of memory and {} of disks changed "
                        "since\r\n",
                        one.number, describe_age(one.age), describe_bytes(one.ram_bytes),
                        describe_bytes(one.disk_bytes));
  }
  say(text);
}

void make_snapshot(vmm::Machine& machine, const Say& say, const std::string& name) {
  const auto made = machine.snapshot({name, vmm::SnapshotKind::kAuto, std::nullopt});
  if (!made) {
    say(line("no snapshot: " + made.error().message));
    return;
  }
  const auto stopped = std::chrono::duration<double, std::milli>(made->stopped).count();
  say(line(fmt::format("snapshot {}{}: {} of memory, {} of disks; the guest was stopped for {:.1f} "
                       "ms",
                       made->name, made->base ? " over " + *made->base : "",
                       describe_bytes(made->ram_bytes), describe_bytes(made->disk_bytes),
                       stopped)));
}

// Of the local time, so that a person finds it again.
std::string name_of_now() {
  const auto now = std::chrono::system_clock::now();
  return fmt::format("{:%Y%m%d-%H%M%S}", fmt::localtime(std::chrono::system_clock::to_time_t(now)));
}

void pause_or_resume(vmm::Machine& machine, const Say& say) {
  const bool paused = machine.status().state == vmm::MachineStatus::State::kPaused;
  const Status done = paused ? machine.resume() : machine.pause();
  if (!done) {
    say(line(done.error().message));
    return;
  }
  say(line(paused ? "running" : "paused; Ctrl-A p resumes"));
}

} // namespace

std::vector<Key> make_machine_keys(vmm::Machine& machine, Say say) {
  std::vector<Key> keys;
  keys.push_back({'c', "Ctrl-A c", "make a checkpoint, in memory",
                  [&machine, say] { make_checkpoint(machine, say); }});
  keys.push_back({'r', "Ctrl-A r", "go back to the newest checkpoint",
                  [&machine, say] { go_back(machine, say, std::nullopt); }});
  for (unsigned number = 1; number <= vmm::kMaxCheckpoints; ++number) {
    keys.push_back({static_cast<u8>('0' + number), number == 1 ? "Ctrl-A 1..9" : "",
                    "go back to the checkpoint of that number",
                    [&machine, say, number] { go_back(machine, say, number); }});
  }
  keys.push_back(
      {'l', "Ctrl-A l", "list the checkpoints", [&machine, say] { list(machine, say); }});
  keys.push_back({'s', "Ctrl-A s", "write a snapshot, named after the time",
                  [&machine, say] { make_snapshot(machine, say, name_of_now()); }});
  keys.push_back({'S',
                  "Ctrl-A S",
                  "name of the snapshot to write",
                  {},
                  [&machine, say](const std::string& name) { make_snapshot(machine, say, name); }});
  keys.push_back(
      {'p', "Ctrl-A p", "pause, and resume", [&machine, say] { pause_or_resume(machine, say); }});
  return keys;
}

std::string describe_bytes(u64 bytes) {
  constexpr u64 kKiB = 1024;
  constexpr u64 kMiB = kKiB * 1024;
  return bytes < kMiB ? fmt::format("{} KiB", bytes / kKiB)
                      : fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kMiB);
}

std::string describe_age(std::chrono::steady_clock::duration age) {
  using namespace std::chrono;
  if (age < 1s) {
    return fmt::format("{} ms", duration_cast<milliseconds>(age).count());
  }
  if (age < 60s) {
    return fmt::format("{:.1f} s", duration<double>(age).count());
  }
  return fmt::format("{} min", duration_cast<minutes>(age).count());
}

} // namespace kindling::spike
