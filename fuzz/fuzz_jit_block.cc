// SPDX-License-Identifier: Apache-2.0
// Programs of a few blocks end under the JIT as they do under the interpreter.
#include <cstdio>
#include <cstdlib>

#include "softhv/jit/block_rig.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static softhv::jit::BlockRig rig;
  const std::string difference = rig.run(softhv::jit::BlockGenerator({data, size}).make());
  if (!difference.empty()) {
    std::fputs(difference.c_str(), stderr);
    abort();
  }
  return 0;
}
