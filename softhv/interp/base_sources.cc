// SPDX-License-Identifier: Apache-2.0
// Data processing with one, two and three source registers (Arm ARM C4.1.93).
#include "softhv/interp/alu.h"
#include "softhv/interp/crc32.h"
#include "softhv/interp/handlers.h"

namespace softhv::interp {
namespace {

template <typename T>
T reverse_bytes(T value) {
  if constexpr (sizeof(T) == 4)
    return __builtin_bswap32(value);
  else
    return __builtin_bswap64(value);
}

// Swaps neighbouring groups of kWidth bits.
template <typename T, unsigned kWidth>
T swap_groups(T value) {
  constexpr T kEven = static_cast<T>(~0ULL / ((1ULL << kWidth) + 1));
  return ((value & kEven) << kWidth) | ((value >> kWidth) & kEven);
}

struct Rbit {
  template <typename T>
  static T apply(T x) {
    return reverse_bytes(swap_groups<T, 4>(swap_groups<T, 2>(swap_groups<T, 1>(x))));
  }
};
struct Rev16 {
  template <typename T>
  static T apply(T x) {
    return swap_groups<T, 8>(x);
  }
};
struct Rev32 {
  template <typename T>
  static T apply(T x) {
    if constexpr (sizeof(T) == 8)
      return std::rotl(reverse_bytes(x), 32);
    else
      return reverse_bytes(x);
  }
};
struct Rev64 {
  template <typename T>
  static T apply(T x) {
    return reverse_bytes(x);
  }
};
struct Clz {
  template <typename T>
  static T apply(T x) {
    return static_cast<T>(std::countl_zero(x));
  }
};
// Bits below the top one that equal it.
struct Cls {
  template <typename T>
  static T apply(T x) {
    const T differs = x ^ ShiftAsr::apply(x, 1);
    return static_cast<T>(std::countl_zero(differs)) - 1;
  }
};

template <typename T, typename Action>
const Op* one_source(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = Action::apply(static_cast<T>(cpu.s.x[op->rn]));
  return next(cpu, op);
}

// Division by zero gives 0; the one quotient that does not fit wraps.
struct Udiv {
  template <typename T>
  static T apply(T a, T b) {
    return b == 0 ? 0 : a / b;
  }
};
struct Sdiv {
  template <typename T>
  static T apply(T a, T b) {
    if (b == 0)
      return 0;
    if (b == static_cast<T>(-1))
      return static_cast<T>(0) - a;
    return static_cast<T>(static_cast<Signed<T>>(a) / static_cast<Signed<T>>(b));
  }
};

template <typename Shift>
struct VariableShift {
  template <typename T>
  static T apply(T a, T b) {
    return Shift::apply(a, static_cast<unsigned>(b & (kBits<T> - 1)));
  }
};

template <typename T, typename Action>
const Op* two_sources(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = Action::apply(static_cast<T>(cpu.s.x[op->rn]), static_cast<T>(cpu.s.x[op->rm]));
  return next(cpu, op);
}

template <typename T>
const Op* crc32(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = crc32_step(static_cast<u32>(cpu.s.x[op->rn]), static_cast<T>(cpu.s.x[op->rm]));
  return next(cpu, op);
}

template <typename T>
const Op* crc32c(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = crc32c_step(static_cast<u32>(cpu.s.x[op->rn]), static_cast<T>(cpu.s.x[op->rm]));
  return next(cpu, op);
}

template <typename T>
const Op* mul(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<T>(cpu.s.x[op->rn] * cpu.s.x[op->rm]);
  return next(cpu, op);
}

template <typename T>
const Op* madd(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<T>(cpu.s.x[op->ra] + cpu.s.x[op->rn] * cpu.s.x[op->rm]);
  return next(cpu, op);
}

template <typename T>
const Op* msub(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = static_cast<T>(cpu.s.x[op->ra] - cpu.s.x[op->rn] * cpu.s.x[op->rm]);
  return next(cpu, op);
}

// The product of the low words, read as From (i32 or u32).
template <typename From>
u64 long_product(const Cpu& cpu, const Op* op) {
  const i64 a = static_cast<From>(cpu.s.x[op->rn]);
  const i64 b = static_cast<From>(cpu.s.x[op->rm]);
  return static_cast<u64>(a) * static_cast<u64>(b);
}

template <typename From>
const Op* maddl(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.x[op->ra] + long_product<From>(cpu, op);
  return next(cpu, op);
}

template <typename From>
const Op* msubl(Cpu& cpu, const Op* op) {
  cpu.s.x[op->rd] = cpu.s.x[op->ra] - long_product<From>(cpu, op);
  return next(cpu, op);
}

const Op* smulh(Cpu& cpu, const Op* op) {
  const i128 product =
      static_cast<i128>(static_cast<i64>(cpu.s.x[op->rn])) * static_cast<i64>(cpu.s.x[op->rm]);
  cpu.s.x[op->rd] = static_cast<u64>(product >> 64);
  return next(cpu, op);
}

const Op* umulh(Cpu& cpu, const Op* op) {
  const u128 product = static_cast<u128>(cpu.s.x[op->rn]) * cpu.s.x[op->rm];
  cpu.s.x[op->rd] = static_cast<u64>(product >> 64);
  return next(cpu, op);
}

template <typename Action>
Handler pick_one_source(const Op& op) {
  return by_size(op, one_source<u32, Action>, one_source<u64, Action>);
}

template <typename Action>
Handler pick_two_sources(const Op& op) {
  return by_size(op, two_sources<u32, Action>, two_sources<u64, Action>);
}

} // namespace

Handler translate_kRbit(Op& op) {
  return pick_one_source<Rbit>(op);
}
Handler translate_kRev16(Op& op) {
  return pick_one_source<Rev16>(op);
}
Handler translate_kRev32(Op& op) {
  return pick_one_source<Rev32>(op);
}
Handler translate_kRev64(Op& op) {
  return pick_one_source<Rev64>(op);
}
Handler translate_kClz(Op& op) {
  return pick_one_source<Clz>(op);
}
Handler translate_kCls(Op& op) {
  return pick_one_source<Cls>(op);
}

Handler translate_kUdiv(Op& op) {
  return pick_two_sources<Udiv>(op);
}
Handler translate_kSdiv(Op& op) {
  return pick_two_sources<Sdiv>(op);
}
Handler translate_kLslv(Op& op) {
  return pick_two_sources<VariableShift<ShiftLsl>>(op);
}
Handler translate_kLsrv(Op& op) {
  return pick_two_sources<VariableShift<ShiftLsr>>(op);
}
Handler translate_kAsrv(Op& op) {
  return pick_two_sources<VariableShift<ShiftAsr>>(op);
}
Handler translate_kRorv(Op& op) {
  return pick_two_sources<VariableShift<ShiftRor>>(op);
}

Handler translate_kCrc32(Op& op) {
  constexpr Handler kHandlers[] = {crc32<u8>, crc32<u16>, crc32<u32>, crc32<u64>};
  return kHandlers[bits(op.word, 11, 10)];
}
Handler translate_kCrc32c(Op& op) {
  constexpr Handler kHandlers[] = {crc32c<u8>, crc32c<u16>, crc32c<u32>, crc32c<u64>};
  return kHandlers[bits(op.word, 11, 10)];
}

Handler translate_kMadd(Op& op) {
  if (op.ra == kRegZero)
    return by_size(op, mul<u32>, mul<u64>);
  return by_size(op, madd<u32>, madd<u64>);
}
Handler translate_kMsub(Op& op) {
  return by_size(op, msub<u32>, msub<u64>);
}
Handler translate_kSmaddl(Op& /*op*/) {
  return maddl<i32>;
}
Handler translate_kSmsubl(Op& /*op*/) {
  return msubl<i32>;
}
Handler translate_kSmulh(Op& /*op*/) {
  return smulh;
}
Handler translate_kUmaddl(Op& /*op*/) {
  return maddl<u32>;
}
Handler translate_kUmsubl(Op& /*op*/) {
  return msubl<u32>;
}
Handler translate_kUmulh(Op& /*op*/) {
  return umulh;
}

} // namespace softhv::interp
