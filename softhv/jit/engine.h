// SPDX-License-Identifier: Apache-2.0
// The JIT as an engine: runs a vCPU by translated code, translating what it comes to.
#pragma once

#include <memory>

#include "softhv/core/cpu.h"

namespace softhv::jit {

// One vCPU's translated code. Used by the vCPU's thread only.
class Engine {
public:
  // nullptr: there is no memory for code.
  static std::unique_ptr<Engine> create(Cpu& cpu);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Runs guest code until cpu.exit_pending, or the limit of core/budget.h.
  void run();

  // Forgets what was translated from the page at `ipa`, because it has changed.
  void invalidate_page(u64 ipa);

private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace softhv::jit
