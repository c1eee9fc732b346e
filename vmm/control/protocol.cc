// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/protocol.h"

#include "vmm/control/commands.h"

namespace kindling::vmm {

namespace {

using Json = nlohmann::ordered_json;

// Text that is not UTF-8, as a file's name in an error may be, is made so.
std::string to_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string_view reason_name(EndReason reason) {
  switch (reason) {
  case EndReason::kPowerOff: return "power_off";
  case EndReason::kQuit: return "quit";
  default: return "failure";
  }
}

// What each event is called, and what it tells besides.
struct ToJson {
  // Clients are let in when the machine boots for the first time: nobody hears of that.
  Json operator()(const GuestBoots& /*event*/) { return {{"event", "guest_reset"}}; }
  Json operator()(const GuestIsUp& event) {
    return {{"event", "guest_boot_time"}, {"boot_time_ms", event.after.count()}};
  }
  Json operator()(const Paused& /*event*/) { return {{"event", "paused"}}; }
  Json operator()(const Resumed& /*event*/) { return {{"event", "resumed"}}; }
  Json operator()(const CheckpointMade& event) {
    return {{"event", "checkpoint"}, {"checkpoint", event.number}};
  }
  Json operator()(const RolledBack& event) {
    return {{"event", "reset"}, {"checkpoint", event.number}};
  }
  Json operator()(const SnapshotMade& event) {
    return {{"event", "snapshot"}, {"name", event.name}};
  }
  Json operator()(const GuestAdjusted& event) {
    Json json{{"event", "guest_adjusted"}};
    if (!event.error.empty()) {
      json["error"] = event.error;
    }
    return json;
  }
  Json operator()(const Ended& event) {
    Json json{{"event", "ended"}, {"reason", reason_name(event.reason)}};
    if (event.reason == EndReason::kFailure) {
      json["error"] = event.error;
    }
    return json;
  }
};

} // namespace

ControlReply answer_request(std::string_view line, ControlTarget& target) {
  // What is not JSON becomes a value that is no object.
  const Json request = Json::parse(line, nullptr, false);
  const CommandOutcome outcome = run_command(request, target);
  return {to_line(outcome.reply), outcome.subscribes};
}

std::string error_line(const Error& error) {
  return to_line(Json{{"ok", false}, {"error", error.message}});
}

std::string event_line(const MachineEvent& event) {
  return to_line(std::visit(ToJson{}, event));
}

std::string events_lost_line() {
  return to_line(
      Json{{"event", "lost"}, {"error", "events came faster than they were read; connect again"}});
}

} // namespace kindling::vmm
