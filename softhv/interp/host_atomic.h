// SPDX-License-Identifier: Apache-2.0
// Host atomics that the language has no portable builtin for: 16-byte compare-and-swap, and
// read-modify-write by an arbitrary function. All are sequentially consistent.
#pragma once

#include "arch/types.h"
#include "softhv/core/cpu_state.h"

namespace softhv::interp {

// Replaces *host by `desired` when it equals `expected`. `expected` becomes the value that was
// there. `host` is naturally aligned.
template <typename T>
bool compare_and_swap(void* host, T& expected, T desired) {
  return __atomic_compare_exchange_n(static_cast<T*>(host), &expected, desired, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

template <>
inline bool compare_and_swap<u128>(void* host, u128& expected, u128 desired) {
#if defined(__x86_64__)
  // The __atomic builtin would call libatomic for 16 bytes.
  const u128 seen = __sync_val_compare_and_swap(static_cast<u128*>(host), expected, desired);
  const bool swapped = seen == expected;
  expected = seen;
  return swapped;
#else
  return __atomic_compare_exchange_n(static_cast<u128*>(host), &expected, desired, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
#endif
}

inline u128 to_u128(u64 low, u64 high) {
  return (static_cast<u128>(high) << 64) | low;
}

// *host = update(*host); returns the old value.
template <typename T, typename Update>
T fetch_update(void* host, Update update) {
  T seen = __atomic_load_n(static_cast<T*>(host), __ATOMIC_RELAXED);
  while (!compare_and_swap<T>(host, seen, update(seen))) {
  }
  return seen;
}

} // namespace softhv::interp
