// SPDX-License-Identifier: Apache-2.0
#include "bench/mark/runner.h"

#include <sys/mman.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include <Hypervisor/Hypervisor.h>
#include <Hypervisor/hv_softhv.h>

#include "softhv/api/machine.h"

namespace kindling::bench {
namespace {

constexpr u64 kRamBase = 0x4000'0000;
constexpr u64 kRamSize = u64{64} << 20;
constexpr u64 kEl1hMasked = 0x3c5;

Error failure(const std::string& what, hv_return_t code) {
  return Error{what + " failed with code " + std::to_string(static_cast<u32>(code))};
}

Result<std::vector<char>> read_image() {
  std::ifstream file(KINDLING_MARK_IMAGE, std::ios::binary);
  std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
  if (bytes.empty() || bytes.size() > kRamSize)
    return Error{"cannot read " KINDLING_MARK_IMAGE "; build the target mark_image"};
  return bytes;
}

} // namespace

struct MarkRunner::Machine {
  void* ram = MAP_FAILED;
  bool vm = false;
  bool has_vcpu = false;
  hv_vcpu_t vcpu = 0;
  hv_vcpu_exit_t* exit = nullptr;

  ~Machine() {
    if (has_vcpu)
      hv_vcpu_destroy(vcpu);
    if (vm)
      hv_vm_destroy();
    if (ram != MAP_FAILED)
      munmap(ram, kRamSize);
  }
};

MarkRunner::MarkRunner(std::unique_ptr<Machine> machine) : machine_(std::move(machine)) {}
MarkRunner::~MarkRunner() = default;

Result<std::unique_ptr<MarkRunner>> MarkRunner::create(const Options& options) {
  auto machine = std::make_unique<Machine>();
  Result<std::vector<char>> image = read_image();
  if (!image)
    return image.error();
  machine->ram =
      mmap(nullptr, kRamSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (machine->ram == MAP_FAILED)
    return Error{"no memory for the guest's 64 MiB"};
  std::memcpy(machine->ram, image->data(), image->size());
  if (const hv_return_t code = hv_vm_create(nullptr); code != HV_SUCCESS)
    return failure("hv_vm_create", code);
  machine->vm = true;
  if (options.interpreter)
    if (const hv_return_t code =
            hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, HV_SOFTHV_ENGINE_INTERPRETER);
        code != HV_SUCCESS)
      return failure("choosing the interpreter", code);
  const hv_memory_flags_t all = HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC;
  if (const hv_return_t code = hv_vm_map(machine->ram, kRamBase, kRamSize, all); code != HV_SUCCESS)
    return failure("hv_vm_map", code);
  if (const hv_return_t code = hv_vcpu_create(&machine->vcpu, &machine->exit, nullptr);
      code != HV_SUCCESS)
    return failure("hv_vcpu_create", code);
  machine->has_vcpu = true;
  if (options.counts)
    softhv::api::own_vcpu(machine->vcpu)->cpu->retire_limit = softhv::kNoRetireLimit - 1;
  return std::unique_ptr<MarkRunner>(new MarkRunner(std::move(machine)));
}

Result<MarkRun> MarkRunner::run(u32 workload, u64 iterations) {
  const hv_vcpu_t vcpu = machine_->vcpu;
  softhv::api::Vcpu* own = softhv::api::own_vcpu(vcpu);
  if (own == nullptr)
    return Error{"the runner belongs to another thread"};
  // The program starts with the MMU off each time, as after a reset.
  hv_vcpu_set_sys_reg(vcpu, HV_SYS_REG_SCTLR_EL1, 0x30d0'0800);
  hv_vcpu_set_reg(vcpu, HV_REG_CPSR, kEl1hMasked);
  hv_vcpu_set_reg(vcpu, HV_REG_PC, kRamBase);
  hv_vcpu_set_reg(vcpu, HV_REG_X0, workload);
  hv_vcpu_set_reg(vcpu, HV_REG_X1, iterations);
  const u64 before = own->cpu->retired;
  if (const hv_return_t code = hv_vcpu_run(vcpu); code != HV_SUCCESS)
    return failure("hv_vcpu_run", code);
  const hv_vcpu_exit_t& exit = *machine_->exit;
  constexpr u64 kClassHvc = 0x16;
  if (exit.reason != HV_EXIT_REASON_EXCEPTION || exit.exception.syndrome >> 26 != kClassHvc)
    return Error{"the program left by something else than HVC: reason " +
                 std::to_string(exit.reason) + ", syndrome " +
                 std::to_string(exit.exception.syndrome)};
  MarkRun run;
  hv_vcpu_get_reg(vcpu, HV_REG_X1, &run.result);
  run.instructions = own->cpu->retired - before;
  return run;
}

} // namespace kindling::bench
