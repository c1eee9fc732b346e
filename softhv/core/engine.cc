// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/engine.h"

#include "softhv/core/vm.h"
#include "softhv/interp/interpreter.h"
#ifdef SOFTHV_JIT
#include "softhv/jit/engine.h"
#endif

namespace softhv {

bool engine_available(Engine engine) {
#ifdef SOFTHV_JIT
  if (engine == Engine::kJit)
    return true;
#endif
  return engine == Engine::kInterpreter;
}

Engine default_engine() {
  return engine_available(Engine::kJit) ? Engine::kJit : Engine::kInterpreter;
}

void run_engine(Cpu& cpu) {
#ifdef SOFTHV_JIT
  if (cpu.vm.engine_options().engine == Engine::kJit) {
    if (cpu.jit == nullptr)
      cpu.jit = jit::Engine::create(cpu);
    if (cpu.jit != nullptr) {
      cpu.jit->run();
      return;
    }
  }
#endif
  interp::run(cpu);
}

} // namespace softhv
