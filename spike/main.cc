// SPDX-License-Identifier: Apache-2.0
// boot: boots an arm64 Linux kernel in a microVM.
#include "spike/boot.h"

int main(int argc, char** argv) {
  return kindling::spike::boot_main(argc, argv);
}
