// SPDX-License-Identifier: Apache-2.0
// The command line of `boot`.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "arch/result.h"
#include "vmm/log.h"
#include "vmm/machine.h"

namespace kindling::spike {

struct Options {
  vmm::MachineConfig machine;
  std::optional<std::string> control_socket; // path
  vmm::LogLevel log_level = vmm::LogLevel::kWarn;
};

// Text for standard output, asked for with --help or --version.
struct Printout {
  std::string text;
};

// An error is one line about the option that is wrong.
Result<std::variant<Options, Printout>> parse_options(int argc, const char* const* argv);

// FILE[,ro][,id=NAME]; a comma in the file's name is written twice.
Result<vmm::DiskConfig> parse_disk(const std::string& text);

} // namespace kindling::spike
