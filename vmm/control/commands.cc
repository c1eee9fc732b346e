// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/commands.h"

#include <algorithm>
#include <limits>
#include <span>
#include <string_view>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

using Json = nlohmann::ordered_json;

// What a command adds to {"ok":true}.
using Fields = Result<Json>;

Json no_fields() {
  return Json::object();
}

u64 milliseconds(std::chrono::nanoseconds time) {
  return static_cast<u64>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

std::string_view state_name(MachineStatus::State state) {
  switch (state) {
  case MachineStatus::State::kPaused: return "paused";
  case MachineStatus::State::kEnded: return "ended";
  default: return "running";
  }
}

Json engine_name(std::optional<arch::Engine> engine) {
  if (!engine) {
    return nullptr;
  }
  return *engine == arch::Engine::kJit ? "jit" : "interp";
}

Fields status(const Json& /*request*/, ControlTarget& target) {
  const MachineStatus status = target.status();
  return Json{
      {"state", state_name(status.state)},
      {"vcpus", status.vcpus},
      {"memory_bytes", status.ram_size},
      {"backend", vstate::backend_name(status.backend)},
      {"engine", engine_name(status.engine)},
      {"uptime_ms", milliseconds(status.uptime)},
      {"guest_time_ms", milliseconds(status.guest_time)},
      {"boot_time_ms", status.boot_time ? Json(status.boot_time->count()) : Json(nullptr)},
      {"checkpoints", status.checkpoints},
  };
}

Fields fields_of(const Status& done) {
  return done ? Fields(no_fields()) : done.error();
}

Fields pause(const Json& /*request*/, ControlTarget& target) {
  return fields_of(target.pause());
}

Fields resume(const Json& /*request*/, ControlTarget& target) {
  return fields_of(target.resume());
}

Fields fields_of(const Result<unsigned>& checkpoint) {
  return checkpoint ? Fields(Json{{"checkpoint", *checkpoint}}) : checkpoint.error();
}

Fields checkpoint(const Json& /*request*/, ControlTarget& target) {
  return fields_of(target.checkpoint());
}

Fields reset(const Json& request, ControlTarget& target) {
  std::optional<unsigned> number;
  if (const auto field = request.find("checkpoint"); field != request.end()) {
    const auto* value = field->get_ptr<const Json::number_unsigned_t*>();
    if (value == nullptr || *value > std::numeric_limits<unsigned>::max()) {
      return Error{"\"checkpoint\" is the number of a checkpoint, 1 and on"};
    }
    number = static_cast<unsigned>(*value);
  }
  const auto before = std::chrono::steady_clock::now();
  const auto done = target.roll_back(number);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - before);
  Fields fields = fields_of(done);
  if (fields) {
    (*fields)["took_us"] = took.count();
  }
  return fields;
}

Fields list(const Json& /*request*/, ControlTarget& target) {
  Json all = Json::array();
  for (const CheckpointInfo& one : target.checkpoints()) {
    all.push_back(Json{{"checkpoint", one.number},
                       {"age_ms", milliseconds(one.age)},
                       {"ram_bytes", one.ram_bytes},
                       {"disk_bytes", one.disk_bytes}});
  }
  return Json{{"checkpoints", std::move(all)}};
}

// The field `name` if it is there and a string; nullopt with no error if it is not there.
Result<std::optional<std::string>> text_field(const Json& request, const char* name) {
  const auto field = request.find(name);
  if (field == request.end()) {
    return std::optional<std::string>();
  }
  if (!field->is_string()) {
    return Error{fmt::format("\"{}\" is a string", name)};
  }
  return std::optional<std::string>(field->get<std::string>());
}

Result<SnapshotKind> parse_kind(const std::string& name) {
  if (name == "auto") {
    return SnapshotKind::kAuto;
  }
  if (name == "full") {
    return SnapshotKind::kFull;
  }
  if (name == "diff") {
    return SnapshotKind::kDiff;
  }
  return Error{R"("type" is "auto", "full" or "diff")"};
}

Fields snapshot(const Json& request, ControlTarget& target) {
  const auto name = text_field(request, "name");
  const auto type = text_field(request, "type");
  const auto base = text_field(request, "base");
  for (const auto* field : {&name, &type, &base}) {
    if (!*field) {
      return field->error();
    }
  }
  if (!*name) {
    return Error{R"("name" is what the snapshot is to be called)"};
  }
  const auto kind = parse_kind(type->value_or("auto"));
  if (!kind) {
    return kind.error();
  }
  const auto made = target.snapshot({**name, *kind, *base});
  if (!made) {
    return made.error();
  }
  return Json{
      {"name", made->name},
      {"base", made->base ? Json(*made->base) : Json(nullptr)},
      {"ram_bytes", made->ram_bytes},
      {"disk_bytes", made->disk_bytes},
      {"stopped_us", std::chrono::duration_cast<std::chrono::microseconds>(made->stopped).count()}};
}

Fields balloon(const Json& /*request*/, ControlTarget& /*target*/) {
  return Error{"this machine has no balloon device"};
}

Fields quit(const Json& /*request*/, ControlTarget& target) {
  target.quit();
  return no_fields();
}

Fields events(const Json& /*request*/, ControlTarget& /*target*/) {
  return no_fields();
}

struct Command {
  std::string_view name;
  std::vector<std::string_view> fields; // that a request may have besides "command" and "id"
  Fields (*run)(const Json& request, ControlTarget& target);
  bool subscribes = false;
};

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
      {"status", {}, status},
      {"pause", {}, pause},
      {"resume", {}, resume},
      {"checkpoint", {}, checkpoint},
      {"reset", {"checkpoint"}, reset},
      {"list", {}, list},
      {"snapshot", {"name", "type", "base"}, snapshot},
      {"balloon", {"mib"}, balloon},
      {"events", {}, events, true},
      {"quit", {}, quit},
  };
  return table;
}

template <typename Range, typename Name>
std::string join(const Range& range, Name&& name) {
  std::string text;
  for (const auto& one : range) {
    text += text.empty() ? "" : ", ";
    text += name(one);
  }
  return text;
}

std::string in_quotes(std::string_view text) {
  return fmt::format("\"{}\"", text);
}

Result<const Command*> find_command(const Json& request) {
  const auto name = request.find("command");
  if (name == request.end() || !name->is_string()) {
    return Error{"a request has the field \"command\", a string"};
  }
  const auto& wanted = name->get_ref<const std::string&>();
  for (const Command& command : commands()) {
    if (command.name == wanted) {
      return &command;
    }
  }
  return Error{fmt::format("there is no command {}; the commands are {}", in_quotes(wanted),
                           join(commands(), [](const Command& one) { return one.name; }))};
}

Status check_fields(const Json& request, const Command& command) {
  for (const auto& [name, value] : request.items()) {
    const auto& known = command.fields;
    if (name == "command" || name == "id" ||
        std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    return Error{fmt::format("{} has no field {}; it {}", command.name, in_quotes(name),
                             known.empty() ? "takes none" : "takes " + join(known, in_quotes))};
  }
  return {};
}

CommandOutcome refusal(const Error& error) {
  return {Json{{"ok", false}, {"error", error.message}}, false};
}

// Without the id.
CommandOutcome run(const Json& request, ControlTarget& target) {
  const auto command = find_command(request);
  if (!command) {
    return refusal(command.error());
  }
  if (Status s = check_fields(request, **command); !s) {
    return refusal(s.error());
  }
  const Fields fields = (*command)->run(request, target);
  if (!fields) {
    return refusal(fields.error());
  }
  Json reply{{"ok", true}};
  reply.update(*fields);
  return {std::move(reply), (*command)->subscribes};
}

} // namespace

CommandOutcome run_command(const Json& request, ControlTarget& target) {
  if (!request.is_object()) {
    return refusal(Error{"a request is one JSON object on one line"});
  }
  const auto id = request.find("id");
  if (id == request.end()) {
    return run(request, target);
  }
  // No deeper value: what comes back is no more than a line.
  if (!id->is_string() && !id->is_number_integer()) {
    return refusal(Error{"\"id\" is a string or a whole number"});
  }
  CommandOutcome outcome = run(request, target);
  Json reply{{"id", *id}};
  reply.update(outcome.reply);
  outcome.reply = std::move(reply);
  return outcome;
}

} // namespace kindling::vmm
