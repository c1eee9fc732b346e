// SPDX-License-Identifier: Apache-2.0
// The runner under qemu-aarch64, as a separate process behind two pipes.
#pragma once

#include <string>
#include <sys/types.h>

#include "arch/result.h"
#include "softhv/difftest/protocol.h"

namespace softhv::difftest {

class QemuSide {
public:
  static kindling::Result<QemuSide> start(const std::string& qemu, const std::string& runner);
  QemuSide(QemuSide&& other) noexcept;
  QemuSide& operator=(QemuSide&& other) noexcept;
  ~QemuSide();

  // Runs one case. An error means that the process died or its pipe broke.
  kindling::Result<difftest_outcome> run(const difftest_case& c);

private:
  void stop();
  QemuSide(pid_t pid, int in, int out) : pid_(pid), in_(in), out_(out) {}
  pid_t pid_;
  int in_;
  int out_;
};

} // namespace softhv::difftest
