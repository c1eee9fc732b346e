// SPDX-License-Identifier: Apache-2.0
// What load and store handlers share beyond mmu/access.h: stack alignment, the fast paths of
// ordered, unprivileged, paired and atomic accesses, and how a value enters and leaves a register.
#pragma once

#include <cstring>
#include <type_traits>

#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"
#include "softhv/mmu/access.h"

namespace softhv::interp {

// Prepares an op for base_aligned(): op.aux is the mask of the base's bits that have to be clear
// unless SCTLR_EL1.SA or SA0 allows a misaligned SP (Arm ARM D1.3.10.2).
inline void decode_base(Op& op) {
  op.aux = op.rn == kRegSp ? 15 : 0;
}

inline bool base_aligned(Cpu& cpu, const Op* op, u64 base) {
  return (base & op->aux) == 0 || check_misaligned_sp(cpu, op);
}

// Where `size` bytes at `va` are in the host when the access is aligned and allowed on the fast
// path, else nullptr.
inline void* aligned_read_pointer(Cpu& cpu, u64 va, unsigned size) {
  const TlbEntry& entry = cpu.tlb->entry_for(va);
  const bool hit = entry.read_tag == (va & (kTlbPageMask | (size - 1)));
  return hit ? reinterpret_cast<void*>(va + entry.host_addend) : nullptr;
}
inline void* aligned_write_pointer(Cpu& cpu, u64 va, unsigned size) {
  const TlbEntry& entry = cpu.tlb->entry_for(va);
  const bool hit = entry.write_tag == (va & (kTlbPageMask | (size - 1)));
  return hit ? reinterpret_cast<void*>(va + entry.host_addend) : nullptr;
}

// One access to a pointer that those gave.
template <typename T>
T read_host(const void* host) {
  if constexpr (sizeof(T) <= 8) {
    return __atomic_load_n(static_cast<const T*>(host), kPlainLoad);
  } else {
    T value;
    std::memcpy(&value, host, sizeof value);
    return value;
  }
}
template <typename T>
void write_host(void* host, T value) {
  if constexpr (sizeof(T) <= 8)
    __atomic_store_n(static_cast<T*>(host), value, kPlainStore);
  else
    std::memcpy(host, &value, sizeof value);
}

// As atomic_pointer(), with a fast path.
inline void* rmw_pointer(Cpu& cpu, const Op* op, u64 va, unsigned size) {
  const TlbEntry& entry = cpu.tlb->entry_for(va);
  const u64 tag = va & (kTlbPageMask | (size - 1));
  if (entry.read_tag == tag && entry.write_tag == tag) [[likely]]
    return reinterpret_cast<void*>(va + entry.host_addend);
  return atomic_pointer(cpu, op, va, size);
}

// Load-acquire (kOrder __ATOMIC_SEQ_CST: also not before an earlier store-release) and
// store-release, naturally aligned.
template <int kOrder, typename T>
[[nodiscard]] bool load_ordered(Cpu& cpu, const Op* op, u64 va, T& out) {
  if (const void* host = aligned_read_pointer(cpu, va, sizeof(T)); host != nullptr) [[likely]] {
    out = __atomic_load_n(static_cast<const T*>(host), kOrder);
    return true;
  }
  if (!load_slow(cpu, op, va, &out, sizeof(T), AccessKind::kOrdered))
    return false;
  std::atomic_thread_fence(std::memory_order_acquire);
  return true;
}

template <typename T>
[[nodiscard]] bool store_ordered(Cpu& cpu, const Op* op, u64 va, T value) {
  if (void* host = aligned_write_pointer(cpu, va, sizeof(T)); host != nullptr) [[likely]] {
    __atomic_store_n(static_cast<T*>(host), value, __ATOMIC_SEQ_CST);
    return true;
  }
  std::atomic_thread_fence(std::memory_order_release);
  if (!store_slow(cpu, op, va, &value, sizeof(T), AccessKind::kOrdered))
    return false;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return true;
}

// LDTR and STTR.
template <typename T>
[[nodiscard]] bool load_unprivileged(Cpu& cpu, const Op* op, u64 va, T& out) {
  const TlbEntry& entry = cpu.tlb_unprivileged->entry_for(va);
  if (entry.read_tag == (va & (kTlbPageMask | (sizeof(T) - 1))) && cpu.s.pstate.uao == 0)
      [[likely]] {
    out = __atomic_load_n(reinterpret_cast<const T*>(va + entry.host_addend), kPlainLoad);
    return true;
  }
  return load_slow(cpu, op, va, &out, sizeof(T), AccessKind::kUnprivileged);
}

template <typename T>
[[nodiscard]] bool store_unprivileged(Cpu& cpu, const Op* op, u64 va, T value) {
  const TlbEntry& entry = cpu.tlb_unprivileged->entry_for(va);
  if (entry.write_tag == (va & (kTlbPageMask | (sizeof(T) - 1))) && cpu.s.pstate.uao == 0)
      [[likely]] {
    __atomic_store_n(reinterpret_cast<T*>(va + entry.host_addend), value, kPlainStore);
    return true;
  }
  return store_slow(cpu, op, va, &value, sizeof(T), AccessKind::kUnprivileged);
}

// A general-purpose register as the source or destination of a transfer: Memory is what is in
// memory, Extended what a load extends it to (signed Memory: by its sign).
template <typename Memory, typename Extended>
struct Gpr {
  using Value = std::make_unsigned_t<Memory>;
  static constexpr unsigned kSize = sizeof(Memory);
  static Value get(const Cpu& cpu, u8 reg) { return static_cast<Value>(cpu.s.x[reg]); }
  static void set(Cpu& cpu, u8 reg, Value value) {
    cpu.s.x[reg] = static_cast<Extended>(static_cast<Memory>(value));
  }
};

// A SIMD&FP register; a load clears the bits above the value.
template <typename Memory>
struct Fpr {
  using Value = Memory;
  static constexpr unsigned kSize = sizeof(Memory);
  static Value get(const Cpu& cpu, u8 reg) { return cpu.s.v[reg].lane<Value>(0); }
  static void set(Cpu& cpu, u8 reg, Value value) { cpu.s.v[reg] = Vec{{value, 0}}; }
};
template <>
struct Fpr<Vec> {
  using Value = Vec;
  static constexpr unsigned kSize = 16;
  static Vec get(const Cpu& cpu, u8 reg) { return cpu.s.v[reg]; }
  static void set(Cpu& cpu, u8 reg, Vec value) { cpu.s.v[reg] = value; }
};

} // namespace softhv::interp
