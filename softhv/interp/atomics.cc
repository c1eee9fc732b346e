// SPDX-License-Identifier: Apache-2.0
// Atomic memory operations (FEAT_LSE, Arm ARM C3.2.12 to C3.2.14) on host atomics. Every one is
// sequentially consistent on the host, which covers the acquire and release forms.
#include <algorithm>

#include "softhv/interp/alu.h"
#include "softhv/interp/handlers.h"
#include "softhv/interp/host_atomic.h"
#include "softhv/interp/memory.h"

namespace softhv::interp {
namespace {

struct Add {
  template <typename T>
  static T apply(T* p, T v) {
    return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);
  }
};
struct Clr {
  template <typename T>
  static T apply(T* p, T v) {
    return __atomic_fetch_and(p, static_cast<T>(~v), __ATOMIC_SEQ_CST);
  }
};
struct Eor {
  template <typename T>
  static T apply(T* p, T v) {
    return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);
  }
};
struct Set {
  template <typename T>
  static T apply(T* p, T v) {
    return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);
  }
};
struct Smax {
  template <typename T>
  static T apply(T* p, T v) {
    return fetch_update<T>(p, [v](T old) {
      return static_cast<T>(std::max(static_cast<Signed<T>>(old), static_cast<Signed<T>>(v)));
    });
  }
};
struct Smin {
  template <typename T>
  static T apply(T* p, T v) {
    return fetch_update<T>(p, [v](T old) {
      return static_cast<T>(std::min(static_cast<Signed<T>>(old), static_cast<Signed<T>>(v)));
    });
  }
};
struct Umax {
  template <typename T>
  static T apply(T* p, T v) {
    return fetch_update<T>(p, [v](T old) { return std::max(old, v); });
  }
};
struct Umin {
  template <typename T>
  static T apply(T* p, T v) {
    return fetch_update<T>(p, [v](T old) { return std::min(old, v); });
  }
};
struct Swp {
  template <typename T>
  static T apply(T* p, T v) {
    return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);
  }
};

template <typename T, typename Action>
const Op* fetch_op(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  if (!base_aligned(cpu, op, va))
    return nullptr;
  void* host = rmw_pointer(cpu, op, va, sizeof(T));
  if (host == nullptr)
    return nullptr;
  cpu.s.x[op->rd] = Action::apply(static_cast<T*>(host), static_cast<T>(cpu.s.x[op->rm]));
  return next(cpu, op);
}

template <typename Action>
Handler pick_fetch_op(Op& op) {
  decode_base(op);
  switch (op.word >> 30) {
  case 0: return fetch_op<u8, Action>;
  case 1: return fetch_op<u16, Action>;
  case 2: return fetch_op<u32, Action>;
  default: return fetch_op<u64, Action>;
  }
}

// rm is Rs as it is read, ra as it is written.
template <typename T>
const Op* cas(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  if (!base_aligned(cpu, op, va))
    return nullptr;
  void* host = rmw_pointer(cpu, op, va, sizeof(T));
  if (host == nullptr)
    return nullptr;
  T expected = static_cast<T>(cpu.s.x[op->rm]);
  compare_and_swap<T>(host, expected, static_cast<T>(cpu.s.x[op->rd]));
  cpu.s.x[op->ra] = expected;
  return next(cpu, op);
}

// The second register of a pair: X31 is XZR.
u8 second_source(u8 first) {
  return first == 30 ? kRegZero : first + 1;
}
u8 second_destination(u8 first) {
  return first == 30 ? kRegSink : first + 1;
}

const Op* casp32(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  if (!base_aligned(cpu, op, va))
    return nullptr;
  void* host = rmw_pointer(cpu, op, va, 8);
  if (host == nullptr)
    return nullptr;
  u64(&x)[34] = cpu.s.x;
  u64 expected = (x[second_source(op->rm)] << 32) | static_cast<u32>(x[op->rm]);
  const u64 desired = (x[second_source(op->rd)] << 32) | static_cast<u32>(x[op->rd]);
  compare_and_swap<u64>(host, expected, desired);
  x[op->rm] = static_cast<u32>(expected);
  x[second_destination(op->rm)] = expected >> 32;
  return next(cpu, op);
}

const Op* casp64(Cpu& cpu, const Op* op) {
  const u64 va = cpu.s.x[op->rn];
  if (!base_aligned(cpu, op, va))
    return nullptr;
  void* host = rmw_pointer(cpu, op, va, 16);
  if (host == nullptr)
    return nullptr;
  u64(&x)[34] = cpu.s.x;
  u128 expected = to_u128(x[op->rm], x[second_source(op->rm)]);
  compare_and_swap<u128>(host, expected, to_u128(x[op->rd], x[second_source(op->rd)]));
  x[op->rm] = static_cast<u64>(expected);
  x[second_destination(op->rm)] = static_cast<u64>(expected >> 64);
  return next(cpu, op);
}

} // namespace

Handler translate_kLdadd(Op& op) {
  return pick_fetch_op<Add>(op);
}
Handler translate_kLdclr(Op& op) {
  return pick_fetch_op<Clr>(op);
}
Handler translate_kLdeor(Op& op) {
  return pick_fetch_op<Eor>(op);
}
Handler translate_kLdset(Op& op) {
  return pick_fetch_op<Set>(op);
}
Handler translate_kLdsmax(Op& op) {
  return pick_fetch_op<Smax>(op);
}
Handler translate_kLdsmin(Op& op) {
  return pick_fetch_op<Smin>(op);
}
Handler translate_kLdumax(Op& op) {
  return pick_fetch_op<Umax>(op);
}
Handler translate_kLdumin(Op& op) {
  return pick_fetch_op<Umin>(op);
}
Handler translate_kSwp(Op& op) {
  return pick_fetch_op<Swp>(op);
}

Handler translate_kCas(Op& op) {
  decode_base(op);
  op.ra = op.rm == kRegZero ? kRegSink : op.rm;
  switch (op.word >> 30) {
  case 0: return cas<u8>;
  case 1: return cas<u16>;
  case 2: return cas<u32>;
  default: return cas<u64>;
  }
}

Handler translate_kCasp(Op& op) {
  decode_base(op);
  return bit(op.word, 30) ? casp64 : casp32;
}

} // namespace softhv::interp
