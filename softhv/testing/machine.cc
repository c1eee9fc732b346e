// SPDX-License-Identifier: Apache-2.0
#include "softhv/testing/machine.h"

#include <sys/mman.h>

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "softhv/core/engine.h"
#include "softhv/core/shootdown.h"

namespace softhv::testing {
namespace {

constexpr unsigned kIpaBits = 40;

} // namespace

Machine::Machine(unsigned cpus, u64 ram_size, const std::optional<EngineOptions>& options)
    : vm_(kIpaBits), ram_size_(ram_size) {
  EXPECT_TRUE(!options || vm_.set_engine_options(*options));
  void* ram = mmap(nullptr, ram_size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  EXPECT_NE(ram, MAP_FAILED);
  ram_ = static_cast<u8*>(ram);
  EXPECT_EQ(vm_.stage2.map(ram, kRamBase, ram_size, kStage2Read | kStage2Write | kStage2Exec),
            Stage2::Status::kOk);
  for (unsigned n = 0; n < cpus; ++n) {
    cpus_.push_back(vm_.create_cpu());
    cpus_.back()->s.pc = kRamBase;
  }
}

Machine::~Machine() {
  for (Cpu* cpu : cpus_)
    vm_.destroy_cpu(*cpu);
  vm_.stage2.unmap(kRamBase, ram_size_);
  munmap(ram_, ram_size_);
}

void Machine::load(const std::string& name, u64 address) {
  std::ifstream file(std::string(KINDLING_GUEST_PROGRAMS) + "/" + name + ".bin", std::ios::binary);
  ASSERT_TRUE(file) << name << ".bin is missing: it is a guest program of the test's target";
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  ASSERT_LE(address - kRamBase + bytes.size(), ram_size_);
  std::memcpy(host(address), bytes.data(), bytes.size());
  for (Cpu* cpu : cpus_)
    cpu->s.pc = address;
}

void Machine::load_words(std::span<const u32> words, u64 address) {
  std::memcpy(host(address), words.data(), words.size_bytes());
  for (Cpu* cpu : cpus_)
    cpu->s.pc = address;
}

const VmExit& Machine::run(unsigned n) {
  Cpu& cpu = *cpus_[n];
  cpu.exit_pending = false;
  const GuestScope scope(cpu);
  run_engine(cpu);
  return cpu.exit;
}

u64 Machine::run_to_hvc(unsigned n) {
  const VmExit& exit = run(n);
  if (exit.reason == ExitReason::kException && exit.syndrome >> 26 == 0x16)
    return exit.syndrome & 0xffff;
  const Cpu& cpu = *cpus_[n];
  ADD_FAILURE() << std::hex << "left with reason " << static_cast<u32>(exit.reason)
                << " syndrome 0x" << exit.syndrome << " va 0x" << exit.virtual_address << " ipa 0x"
                << exit.physical_address << " at pc 0x" << cpu.s.pc << " esr 0x"
                << cpu.s.sys.esr_el1 << " elr 0x" << cpu.s.sys.elr_el1 << " far 0x"
                << cpu.s.sys.far_el1;
  return ~0ULL;
}

} // namespace softhv::testing
