// SPDX-License-Identifier: Apache-2.0
#include "softhv/core/cpu.h"

#include "softhv/core/vm.h"
#include "softhv/core/wait.h"
#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"
#include "softhv/interp/code_cache.h"
#ifdef SOFTHV_JIT
#include "softhv/jit/engine.h"
#endif
#include "softhv/mmu/mmu.h"
#include "softhv/system/debug.h"
#include "softhv/system/sysreg.h"
#include "softhv/timer/generic_timer.h"

namespace softhv {

Cpu::Cpu(Vm& vm, u32 index)
    : vm(vm), index(index), waiter(std::make_unique<Waiter>()), mmu(std::make_unique<Mmu>(*this)),
      debug(std::make_unique<debug::DebugUnit>(*this)),
      timer(std::make_unique<timer::GenericTimer>(*this, *vm.clock, vm.alarms)),
      code(std::make_unique<interp::CodeCache>()) {
  reset_system_registers(*this);
  if (vm.gic != nullptr)
    gic = std::make_unique<gic::CpuInterface>(*vm.gic, *this, s.sys.mpidr_el1);
  mmu->context_changed();
}

Cpu::~Cpu() = default;

} // namespace softhv
