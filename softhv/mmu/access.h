// SPDX-License-Identifier: Apache-2.0
// Data accesses of the running instruction: translated, permission- and alignment-checked, with
// MMIO and watchpoints behind the slow path.
//
// Every function returns false when the access did not complete: the exception has been taken or
// the exit to the host recorded, cpu.s.pc is set, and the handler returns nullptr at once without
// changing any register. Values are little-endian; T is u8, u16, u32, u64 or Vec.
#pragma once

#include <atomic>
#include <cstring>
#include <type_traits>

#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"

namespace softhv {

enum class AccessKind : u8 {
  kNormal,
  kUnprivileged, // LDTR/STTR: EL0's permissions, unless PSTATE.UAO (Arm ARM B2.7.3)
  kOrdered,      // load-acquire/store-release: must be naturally aligned (no FEAT_LSE2)
  kAtomic,       // exclusives and LSE: must be naturally aligned, and writable for a store or RMW
};

// Slow paths, softhv/mmu/access_slow.cc. `size` is 1, 2, 4, 8 or 16 bytes.
bool load_slow(Cpu& cpu, const interp::Op* op, u64 va, void* out, unsigned size, AccessKind kind);
bool store_slow(Cpu& cpu, const interp::Op* op, u64 va, const void* in, unsigned size,
                AccessKind kind);

// DC ZVA: zeroes the naturally aligned block of id::kZvaBytes that holds `va`.
bool zero_block(Cpu& cpu, const interp::Op* op, u64 va);

// A data cache operation by VA: faults like a load, or like a store if `write` (Arm ARM D7.5.9).
// Nothing is transferred.
bool check_cache_maintenance(Cpu& cpu, const interp::Op* op, u64 va, bool write);

// Takes the SP alignment exception if SCTLR_EL1.{SA,SA0} ask for it (Arm ARM D1.5.2); true
// otherwise.
bool check_misaligned_sp(Cpu& cpu, const interp::Op* op);

// Translates for a read-modify-write of `size` naturally aligned bytes: checks read and write
// permission and returns the host address to use host atomics on. Returns nullptr with the
// exception taken. Where there is no memory the access leaves to the host as a stage 2 fault
// without a valid instruction syndrome; SoftHV's own devices take the data abort that the Arm ARM
// gives an unsupported atomic access (DFSC 0b110101).
void* atomic_pointer(Cpu& cpu, const interp::Op* op, u64 va, unsigned size);

// How the host makes the guest's plain accesses. The guest orders them by barriers, which are
// fences of the host; ThreadSanitizer knows no fences, and for it every access is ordered.
#if defined(__SANITIZE_THREAD__)
inline constexpr int kPlainLoad = __ATOMIC_ACQUIRE;
inline constexpr int kPlainStore = __ATOMIC_RELEASE;
#else
inline constexpr int kPlainLoad = __ATOMIC_RELAXED;
inline constexpr int kPlainStore = __ATOMIC_RELAXED;
#endif

namespace detail {

inline bool crosses_page(u64 va, unsigned size) {
  return (va & (kTlbPageSize - 1)) > kTlbPageSize - size;
}

// Op::rn of an instruction that accesses memory is its base register, 31 only for the stack
// pointer.
inline bool sp_aligned(Cpu& cpu, const interp::Op* op) {
  if (op->rn != kRegSp || (cpu.s.x[kRegSp] & 15) == 0) [[likely]]
    return true;
  return check_misaligned_sp(cpu, op);
}

// What is single-copy atomic of an aligned access: all of it, or each half of 16 bytes (Arm ARM
// B2.2.1).
template <typename T>
using Part = std::conditional_t<sizeof(T) <= 8, T, u64>;

template <typename T>
bool parts_aligned(u64 va) {
  return (va & (sizeof(Part<T>) - 1)) == 0;
}

template <typename T>
void load_parts(T& out, const void* host) {
  const auto* from = static_cast<const Part<T>*>(host);
  if constexpr (sizeof(T) <= 8) {
    out = __atomic_load_n(from, kPlainLoad);
  } else {
    static_assert(sizeof(T) == 16);
    const u64 halves[] = {__atomic_load_n(from, kPlainLoad), __atomic_load_n(from + 1, kPlainLoad)};
    std::memcpy(&out, halves, sizeof out);
  }
}

template <typename T>
void store_parts(void* host, const T& value) {
  auto* to = static_cast<Part<T>*>(host);
  if constexpr (sizeof(T) <= 8) {
    __atomic_store_n(to, value, kPlainStore);
  } else {
    static_assert(sizeof(T) == 16);
    u64 halves[2];
    std::memcpy(halves, &value, sizeof halves);
    __atomic_store_n(to, halves[0], kPlainStore);
    __atomic_store_n(to + 1, halves[1], kPlainStore);
  }
}

} // namespace detail

// An unaligned access takes the fast path within a page.
template <typename T>
[[nodiscard]] inline bool load(Cpu& cpu, const interp::Op* op, u64 va, T& out,
                               AccessKind kind = AccessKind::kNormal) {
  if (!detail::sp_aligned(cpu, op)) [[unlikely]]
    return false;
  if (kind == AccessKind::kNormal) [[likely]] {
    const TlbEntry& entry = cpu.tlb->entry_for(va);
    if (entry.read_tag == (va & kTlbPageMask) && !detail::crosses_page(va, sizeof(T))) [[likely]] {
      const void* host = reinterpret_cast<const void*>(va + entry.host_addend);
      if (detail::parts_aligned<T>(va)) [[likely]]
        detail::load_parts(out, host);
      else
        std::memcpy(&out, host, sizeof(T));
      return true;
    }
  }
  return load_slow(cpu, op, va, &out, sizeof(T), kind);
}

template <typename T>
[[nodiscard]] inline bool store(Cpu& cpu, const interp::Op* op, u64 va, T value,
                                AccessKind kind = AccessKind::kNormal) {
  if (!detail::sp_aligned(cpu, op)) [[unlikely]]
    return false;
  if (kind == AccessKind::kNormal) [[likely]] {
    const TlbEntry& entry = cpu.tlb->entry_for(va);
    if (entry.write_tag == (va & kTlbPageMask) && !detail::crosses_page(va, sizeof(T))) [[likely]] {
      void* host = reinterpret_cast<void*>(va + entry.host_addend);
      if (detail::parts_aligned<T>(va)) [[likely]]
        detail::store_parts(host, value);
      else
        std::memcpy(host, &value, sizeof(T));
      return true;
    }
  }
  return store_slow(cpu, op, va, &value, sizeof(T), kind);
}

} // namespace softhv
