// SPDX-License-Identifier: Apache-2.0
// Any sequence of calls on the FDT builder gives a tree that libfdt accepts, or an error.
#include <cstdlib>
#include <string>

#include <libfdt.h>

#include "arch/fdt.h"
#include "fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using kindling::types::u32, kindling::types::u64, kindling::types::u8;
  kindling::fuzz::Input input(data, size);
  kindling::arch::FdtBuilder fdt;
  auto text = [&] {
    const auto bytes = input.bytes(input.take<u8>() % 40);
    return std::string(bytes.begin(), bytes.end());
  };
  int depth = 0;
  while (!input.empty()) {
    switch (input.take<u8>() % 12) {
    case 0: fdt.reserve(input.take<u64>(), input.take<u64>()); break;
    case 1:
      fdt.begin_node("");
      ++depth;
      break;
    case 2:
      fdt.begin_node(text());
      ++depth;
      break;
    case 3:
      fdt.begin_node(text(), input.take<u64>());
      ++depth;
      break;
    case 4:
      fdt.end_node();
      --depth;
      break;
    case 5: fdt.property_empty(text()); break;
    case 6: fdt.property_u32(text(), input.take<u32>()); break;
    case 7: fdt.property_u64(text(), input.take<u64>()); break;
    case 8: fdt.property_string(text(), text()); break;
    case 9: fdt.property_strings(text(), {text(), text()}); break;
    case 10: fdt.property_bytes(text(), input.bytes(input.take<u8>() * 64)); break;
    default: fdt.property_phandle(fdt.new_phandle()); break;
    }
  }
  for (; depth > 0; --depth) {
    fdt.end_node();
  }
  const auto tree = fdt.finish();
  if (tree.ok() && fdt_check_full(tree->data(), tree->size()) != 0) {
    abort();
  }
  if (!tree.ok() && tree.error().message.empty()) {
    abort();
  }
  return 0;
}
