// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/engine.h"

#include "softhv/interp/interpreter.h"

namespace softhv {

bool engine_available(Engine engine) {
  return engine == Engine::kInterpreter;
}

Engine default_engine() {
  return engine_available(Engine::kJit) ? Engine::kJit : Engine::kInterpreter;
}

void run_engine(Cpu& cpu) {
  interp::run(cpu);
}

} // namespace softhv
