// SPDX-License-Identifier: Apache-2.0
// The commands of the control socket: one JSON object in, one out. One table has them all; a
// feature that wants a command adds a row.
#pragma once

#include <nlohmann/json.hpp>

#include "vmm/control/target.h"

namespace kindling::vmm {

struct CommandOutcome {
  // {"ok":true,...}, or {"ok":false,"error":"..."}; with the request's "id" if it has one.
  nlohmann::ordered_json reply;
  bool subscribes = false; // the client is to be told of events after the reply
};

// Executes {"command":NAME,...}. Any value at all is a request, most of them wrong.
CommandOutcome run_command(const nlohmann::ordered_json& request, ControlTarget& target);

} // namespace kindling::vmm
