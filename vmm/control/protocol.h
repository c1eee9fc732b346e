// SPDX-License-Identifier: Apache-2.0
// The control socket's lines: requests, replies and events, each one JSON object.
#pragma once

#include <string>
#include <string_view>

#include "arch/result.h"
#include "vmm/control/target.h"
#include "vmm/events.h"

namespace kindling::vmm {

// A line for a client, with its newline.
struct ControlReply {
  std::string line;
  bool subscribes = false; // the client is to be told of events after it
};

// Executes a request, which comes without its newline.
ControlReply answer_request(std::string_view line, ControlTarget& target);

// {"ok":false,"error":"..."}
std::string error_line(const Error& error);

// {"event":"paused"} and so on.
std::string event_line(const MachineEvent& event);

// The last line for a client that has been told of events faster than it reads.
std::string events_lost_line();

} // namespace kindling::vmm
