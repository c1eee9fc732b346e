// SPDX-License-Identifier: Apache-2.0
// Putting a page back that a guest has changed a little, which most have been.
#pragma once

#include "arch/types.h"

namespace kindling::vmm {

// Makes the page at `to` the same as that at `from`, both of kPageSize bytes. Where the host's
// vectors are wide enough, 64 bytes that are the same already are only read: that line need not be
// fetched for writing, perhaps from another processor's cache, nor be written back.
void copy_page(u8* to, const u8* from);

// The same is to be done soon.
void prefetch_page(const u8* to, const u8* from);

// The ways that there are, for tests: copy_page() takes the first one that this host supports.
struct PageCopier {
  const char* name;
  bool (*supported)();
  void (*copy)(u8* to, const u8* from);
};
inline constexpr unsigned kPageCopiers = 3;
const PageCopier& page_copier(unsigned index); // < kPageCopiers; the last one is always supported

} // namespace kindling::vmm
