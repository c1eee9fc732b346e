// SPDX-License-Identifier: Apache-2.0
// The same cases under SoftHV: a vCPU at EL0 behind its real MMU, whose exceptions land in an EL1
// vector table of HVC instructions.
#pragma once

#include <memory>
#include <vector>

#include "softhv/core/vm.h"
#include "softhv/difftest/protocol.h"

namespace softhv::difftest {

class SoftHvSide {
public:
  explicit SoftHvSide(const EngineOptions& options);
  ~SoftHvSide();

  // Runs one case. When it changed the data region elsewhere than in its window, moves the window
  // there, so that the other side reports the same bytes.
  difftest_outcome run(difftest_case& c);

private:
  struct Memory;
  void build_page_tables();
  void load(const difftest_case& c);
  difftest_outcome harvest(difftest_case& c);

  std::unique_ptr<Memory> memory_;
  std::unique_ptr<Vm> vm_;
  std::unique_ptr<Cpu> cpu_;
};

} // namespace softhv::difftest
