// SPDX-License-Identifier: Apache-2.0
// Reading guest code, which other vCPUs and the host may write to meanwhile. Each word is one that
// was there at some time; whether the whole still is, the page's generation tells (stage2.h).
#pragma once

#include "softhv/mmu/tlb.h"

namespace softhv {

// `host` is aligned as instructions are.
inline u32 read_code_word(const u8* host) {
  return __atomic_load_n(reinterpret_cast<const u32*>(host), __ATOMIC_RELAXED);
}

// Of the whole page at `host`.
inline void copy_code(u8* to, const u8* host) {
  for (u64 at = 0; at < kTlbPageSize; at += sizeof(u64))
    *reinterpret_cast<u64*>(to + at) =
        __atomic_load_n(reinterpret_cast<const u64*>(host + at), __ATOMIC_RELAXED);
}
inline bool same_code(const u8* copy, const u8* host) {
  u64 difference = 0;
  for (u64 at = 0; at < kTlbPageSize; at += sizeof(u64))
    difference |= *reinterpret_cast<const u64*>(copy + at) ^
                  __atomic_load_n(reinterpret_cast<const u64*>(host + at), __ATOMIC_RELAXED);
  return difference == 0;
}

} // namespace softhv
