// SPDX-License-Identifier: Apache-2.0
// Kernel files of any contents: every parser gives a value within the file's bounds, or an error.
#include <cstdlib>

#include "arch/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kindling::arch;
  const std::span<const uint8_t> file(data, size);
  (void)sniff_image(file);
  if (const auto header = parse_image_header(file); header.ok()) {
    if (const auto placed = place_image(*header, size);
        placed.ok() && placed->reserved_size < size) {
      abort();
    }
  }
  if (const auto payload = parse_zboot_header(file, size);
      payload.ok() && (payload->offset > size || payload->size > size - payload->offset)) {
    abort();
  }
  return 0;
}
