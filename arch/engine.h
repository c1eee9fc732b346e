// SPDX-License-Identifier: Apache-2.0
// What may be asked of a CPU in software, and what it tells about its work; shared by the layers
// between the command line and the engine. A CPU in hardware has neither.
#pragma once

#include <string>
#include <vector>

#include "arch/types.h"

namespace kindling::arch {

// What executes guest code in software.
enum class Engine : u8 { kAuto, kJit, kInterpreter };

// What Linux's perf is told about translated code.
enum class PerfFormat : u8 { kNone, kMap, kJitdump };

struct EngineOptions {
  Engine engine = Engine::kAuto; // kAuto: the fastest there is
  PerfFormat perf = PerfFormat::kNone;
  bool lockstep = false; // translated code is compared with the interpreter, block by block

  bool operator==(const EngineOptions&) const = default;
};

struct Statistic {
  std::string name; // words joined by '_'
  u64 value = 0;
  bool peak = false; // the largest value there was, not a count
};

// Counts are added up, of peaks the larger one stays.
void merge_statistics(std::vector<Statistic>& into, const std::vector<Statistic>& more);

} // namespace kindling::arch
