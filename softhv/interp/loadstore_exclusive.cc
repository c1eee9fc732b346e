// SPDX-License-Identifier: Apache-2.0
// Load-exclusive, store-exclusive, load-acquire and store-release (Arm ARM B2.9, B2.3.11).
//
// A load-exclusive remembers address and value; a store-exclusive to the same address and size
// succeeds when a compare-and-swap against that value does. Another PE that changes the location
// and changes it back in between goes unnoticed.
#include "softhv/interp/alu.h"
#include "softhv/interp/handlers.h"
#include "softhv/interp/host_atomic.h"
#include "softhv/interp/memory.h"

namespace softhv::interp {
namespace {

// Reads naturally aligned memory for a load-exclusive, with acquire semantics (the plain form has
// none, and may have more than it needs).
template <typename T>
bool load_for_exclusive(Cpu& cpu, const Op* op, u64 va, T& out) {
  if (const void* host = aligned_read_pointer(cpu, va, sizeof(T)); host != nullptr) [[likely]] {
    out = __atomic_load_n(static_cast<const T*>(host), __ATOMIC_SEQ_CST);
    return true;
  }
  if (!load_slow(cpu, op, va, &out, sizeof(T), AccessKind::kAtomic))
    return false;
  std::atomic_thread_fence(std::memory_order_acquire);
  return true;
}

// The halves are read one by one; the store-exclusive compares both at once.
bool load_quadword_for_exclusive(Cpu& cpu, const Op* op, u64 va, u64 (&out)[2]) {
  if (const void* host = aligned_read_pointer(cpu, va, 16); host != nullptr) [[likely]] {
    const u64* words = static_cast<const u64*>(host);
    out[0] = __atomic_load_n(&words[0], __ATOMIC_SEQ_CST);
    out[1] = __atomic_load_n(&words[1], __ATOMIC_SEQ_CST);
    return true;
  }
  if (!load_slow(cpu, op, va, out, 16, AccessKind::kAtomic))
    return false;
  std::atomic_thread_fence(std::memory_order_acquire);
  return true;
}

void arm_monitor(CpuState& s, u64 va, u8 size, u64 low, u64 high) {
  s.exclusive_va = va;
  s.exclusive_size = size;
  s.exclusive_data[0] = low;
  s.exclusive_data[1] = high;
}

template <typename T>
const Op* load_exclusive(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  T value;
  if (!base_aligned(cpu, op, va) || !load_for_exclusive(cpu, op, va, value))
    return nullptr;
  arm_monitor(cpu.s, va, sizeof(T), value, 0);
  cpu.s.x[op->rd] = value;
  return next(cpu, op);
}

const Op* load_exclusive_pair32(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  u64 value;
  if (!base_aligned(cpu, op, va) || !load_for_exclusive(cpu, op, va, value))
    return nullptr;
  arm_monitor(cpu.s, va, 8, value, 0);
  cpu.s.x[op->rd] = static_cast<u32>(value);
  cpu.s.x[op->ra] = value >> 32;
  return next(cpu, op);
}

const Op* load_exclusive_pair64(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  u64 value[2];
  if (!base_aligned(cpu, op, va) || !load_quadword_for_exclusive(cpu, op, va, value))
    return nullptr;
  arm_monitor(cpu.s, va, 16, value[0], value[1]);
  cpu.s.x[op->rd] = value[0];
  cpu.s.x[op->ra] = value[1];
  return next(cpu, op);
}

enum class Monitor : u8 { kOpen, kPassed, kFaulted };

// Whether a store-exclusive of `size` bytes may go on, and where its bytes are. A misaligned
// address faults whatever the monitor says.
Monitor check_monitor(Cpu& cpu, const Op* op, u64 va, unsigned size, void*& host) {
  if (!base_aligned(cpu, op, va))
    return Monitor::kFaulted;
  const bool passed = cpu.s.exclusive_va == va && cpu.s.exclusive_size == size;
  if (!passed && is_aligned(va, size))
    return Monitor::kOpen;
  host = rmw_pointer(cpu, op, va, size);
  if (host == nullptr)
    return Monitor::kFaulted;
  return passed ? Monitor::kPassed : Monitor::kOpen;
}

template <typename T>
const Op* finish_store_exclusive(Cpu& cpu, const Op* op, u64 va, T expected, T desired) {
  void* host = nullptr;
  const Monitor monitor = check_monitor(cpu, op, va, sizeof(T), host);
  if (monitor == Monitor::kFaulted)
    return nullptr;
  const bool stored = monitor == Monitor::kPassed && compare_and_swap<T>(host, expected, desired);
  cpu.s.exclusive_size = 0;
  cpu.s.x[op->rm] = stored ? 0 : 1;
  return next(cpu, op);
}

template <typename T>
const Op* store_exclusive(Cpu& cpu, const Op* op) {
  return finish_store_exclusive<T>(cpu, op, cpu.s.x[op->rn],
                                   static_cast<T>(cpu.s.exclusive_data[0]),
                                   static_cast<T>(cpu.s.x[op->rd]));
}

const Op* store_exclusive_pair32(Cpu& cpu, const Op* op) {
  const u64 pair = (cpu.s.x[op->ra] << 32) | static_cast<u32>(cpu.s.x[op->rd]);
  return finish_store_exclusive<u64>(cpu, op, cpu.s.x[op->rn], cpu.s.exclusive_data[0], pair);
}

const Op* store_exclusive_pair64(Cpu& cpu, const Op* op) {
  return finish_store_exclusive<u128>(cpu, op, cpu.s.x[op->rn],
                                      to_u128(cpu.s.exclusive_data[0], cpu.s.exclusive_data[1]),
                                      to_u128(cpu.s.x[op->rd], cpu.s.x[op->ra]));
}

template <typename T, int kOrder>
const Op* load_acquire(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  T value;
  if (!base_aligned(cpu, op, va) || !load_ordered<kOrder>(cpu, op, va, value))
    return nullptr;
  cpu.s.x[op->rd] = value;
  return next(cpu, op);
}

template <typename T>
const Op* store_release(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  if (!base_aligned(cpu, op, va) || !store_ordered(cpu, op, va, static_cast<T>(cpu.s.x[op->rd])))
    return nullptr;
  return next(cpu, op);
}

// By size, word<31:30>.
Handler pick(const Op& op, const Handler (&handlers)[4]) {
  return handlers[op.word >> 30];
}

} // namespace

Handler translate_kLdxr(Op& op) {
  decode_base(op);
  return pick(op,
              {load_exclusive<u8>, load_exclusive<u16>, load_exclusive<u32>, load_exclusive<u64>});
}
Handler translate_kLdxp(Op& op) {
  decode_base(op);
  return bit(op.word, 30) ? load_exclusive_pair64 : load_exclusive_pair32;
}
Handler translate_kStxr(Op& op) {
  decode_base(op);
  return pick(
      op, {store_exclusive<u8>, store_exclusive<u16>, store_exclusive<u32>, store_exclusive<u64>});
}
Handler translate_kStxp(Op& op) {
  decode_base(op);
  return bit(op.word, 30) ? store_exclusive_pair64 : store_exclusive_pair32;
}

Handler translate_kLdar(Op& op) {
  decode_base(op);
  return pick(op, {load_acquire<u8, __ATOMIC_SEQ_CST>, load_acquire<u16, __ATOMIC_SEQ_CST>,
                   load_acquire<u32, __ATOMIC_SEQ_CST>, load_acquire<u64, __ATOMIC_SEQ_CST>});
}
Handler translate_kLdapr(Op& op) {
  decode_base(op);
  return pick(op, {load_acquire<u8, __ATOMIC_ACQUIRE>, load_acquire<u16, __ATOMIC_ACQUIRE>,
                   load_acquire<u32, __ATOMIC_ACQUIRE>, load_acquire<u64, __ATOMIC_ACQUIRE>});
}
Handler translate_kStlr(Op& op) {
  decode_base(op);
  return pick(op, {store_release<u8>, store_release<u16>, store_release<u32>, store_release<u64>});
}

} // namespace softhv::interp
