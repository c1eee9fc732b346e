// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/host_features.h"

#include <xbyak/xbyak_util.h>

namespace softhv::jit {

namespace {

HostFeatures ask_host() {
  using Xbyak::util::Cpu;
  const Cpu cpu;
  const bool avx = cpu.has(Cpu::tAVX);
  return {.avx = avx,
          .avx2 = avx && cpu.has(Cpu::tAVX2),
          .fma = avx && cpu.has(Cpu::tFMA),
          .f16c = avx && cpu.has(Cpu::tF16C),
          .bmi1 = cpu.has(Cpu::tBMI1),
          .bmi2 = cpu.has(Cpu::tBMI2),
          .lzcnt = cpu.has(Cpu::tLZCNT),
          .pclmul = cpu.has(Cpu::tPCLMULQDQ),
          .aes = cpu.has(Cpu::tAESNI),
          .sha = cpu.has(Cpu::tSHA)};
}

} // namespace

// Asking takes tens of microseconds: every CPUID of a virtual machine leaves it.
HostFeatures HostFeatures::detect() {
  static const HostFeatures features = ask_host();
  return features;
}

HostFeatures HostFeatures::detect(HostLevel level) {
  switch (level) {
  case HostLevel::kBaseline: return baseline();
  case HostLevel::kAvx: return {.avx = detect().avx};
  case HostLevel::kAll: break;
  }
  return detect();
}

} // namespace softhv::jit
