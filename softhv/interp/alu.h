// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic shared by the handlers: NZCV, conditions, shifts and extensions (Arm ARM,
// AddWithCarry, ConditionHolds, ShiftReg, ExtendReg). T is u32 or u64. Nothing here branches.
#pragma once

#include <bit>
#include <limits>
#include <type_traits>

#include "arch/bits.h"
#include "softhv/core/cpu.h"
#include "softhv/interp/op.h"

namespace softhv::interp {

template <typename T>
inline constexpr unsigned kBits = sizeof(T) * 8;

template <typename T>
using Signed = std::make_signed_t<T>;

// PSTATE.{N,Z} for a result, with C and V clear.
template <typename T>
constexpr u32 flags_nz(T result) {
  const u32 n = static_cast<u32>(result >> (kBits<T> - 1)) << 31;
  return n | (static_cast<u32>(result == 0) << 30);
}

template <typename T>
constexpr u32 flags_cv(bool carry, bool overflow) {
  return (static_cast<u32>(carry) << 29) | (static_cast<u32>(overflow) << 28);
}

namespace portable {

// PSTATE.NZCV after a + b.
template <typename T>
constexpr u32 flags_of_add(T a, T b) {
  const T result = a + b;
  return flags_nz(result) |
         flags_cv<T>(result < a, ((a ^ result) & (b ^ result)) >> (kBits<T> - 1));
}

// PSTATE.NZCV after a - b; C is set when there is no borrow.
template <typename T>
constexpr u32 flags_of_sub(T a, T b) {
  const T result = a - b;
  return flags_nz(result) | flags_cv<T>(a >= b, ((a ^ b) & (a ^ result)) >> (kBits<T> - 1));
}

} // namespace portable

#if defined(__x86_64__)

// From the host's flags: AH by LAHF (SF 15, ZF 14, CF 8) and AL by SETO. The multiplication moves
// the four bits to 31:28; what it leaves below is masked off.
inline u32 flags_of_host(u32 ax) {
  return (ax & 0xc101) * 0x1021'0000 & 0xf000'0000;
}

template <typename T>
inline u32 flags_of_add(T a, T b) {
  u32 ax;
  asm("add %[b], %[a]\n\tlahf\n\tseto %%al" : "=&a"(ax), [a] "+r"(a) : [b] "r"(b) : "cc");
  return flags_of_host(ax);
}

template <typename T>
inline u32 flags_of_sub(T a, T b) {
  u32 ax;
  asm("cmp %[b], %[a]\n\tcmc\n\tlahf\n\tseto %%al" : "=&a"(ax) : [a] "r"(a), [b] "r"(b) : "cc");
  return flags_of_host(ax);
}

#else

using portable::flags_of_add;
using portable::flags_of_sub;

#endif

// PSTATE.NZCV after a + b + carry_in.
template <typename T>
constexpr u32 flags_of_adc(T a, T b, bool carry_in) {
  const T result = a + b + static_cast<T>(carry_in);
  const bool carry = result < a || (carry_in && result == a);
  return flags_nz(result) | flags_cv<T>(carry, ((a ^ result) & (b ^ result)) >> (kBits<T> - 1));
}

inline bool carry_of(const Cpu& cpu) {
  return (cpu.s.pstate.nzcv & kFlagC) != 0;
}

// ConditionHolds for a condition known at compile time. 0b1110 and 0b1111 hold always.
template <unsigned kCondition>
constexpr bool condition_holds(u32 nzcv) {
  bool holds = true;
  switch (kCondition >> 1) {
  case 0: holds = (nzcv & kFlagZ) != 0; break;
  case 1: holds = (nzcv & kFlagC) != 0; break;
  case 2: holds = (nzcv & kFlagN) != 0; break;
  case 3: holds = (nzcv & kFlagV) != 0; break;
  case 4: holds = (nzcv & (kFlagC | kFlagZ)) == kFlagC; break;
  case 5: holds = ((nzcv ^ (nzcv << 3)) & kFlagN) == 0; break;
  case 6: holds = (((nzcv ^ (nzcv << 3)) & kFlagN) | (nzcv & kFlagZ)) == 0; break;
  default: return true;
  }
  return (kCondition & 1) != 0 ? !holds : holds;
}

namespace detail {
template <unsigned kCondition>
constexpr u16 condition_set() {
  u16 set = 0;
  for (u32 nzcv = 0; nzcv < 16; ++nzcv)
    set |= static_cast<u16>((condition_holds<kCondition>(nzcv << 28) ? 1U : 0U) << nzcv);
  return set;
}
} // namespace detail

// For each condition the set of NZCV values (bit n: NZCV == n) in which it holds.
inline constexpr u16 kConditionSets[16] = {
    detail::condition_set<0>(),  detail::condition_set<1>(),  detail::condition_set<2>(),
    detail::condition_set<3>(),  detail::condition_set<4>(),  detail::condition_set<5>(),
    detail::condition_set<6>(),  detail::condition_set<7>(),  detail::condition_set<8>(),
    detail::condition_set<9>(),  detail::condition_set<10>(), detail::condition_set<11>(),
    detail::condition_set<12>(), detail::condition_set<13>(), detail::condition_set<14>(),
    detail::condition_set<15>()};

// Whether the condition whose kConditionSets entry is `set` holds.
inline bool condition_in_set(u32 nzcv, u16 set) {
  return ((set >> (nzcv >> 28)) & 1) != 0;
}

// Shift by less than the width, as the shifted-register operands and the variable shifts have it.
struct ShiftNone {
  template <typename T>
  static T apply(T value, unsigned /*amount*/) {
    return value;
  }
};
struct ShiftLsl {
  template <typename T>
  static T apply(T value, unsigned amount) {
    return value << amount;
  }
};
struct ShiftLsr {
  template <typename T>
  static T apply(T value, unsigned amount) {
    return value >> amount;
  }
};
struct ShiftAsr {
  template <typename T>
  static T apply(T value, unsigned amount) {
    return static_cast<T>(static_cast<Signed<T>>(value) >> amount);
  }
};
struct ShiftRor {
  template <typename T>
  static T apply(T value, unsigned amount) {
    return std::rotr(value, static_cast<int>(amount));
  }
};

// ExtendReg without the shift; `option` as encoded: UXTB, UXTH, UXTW, UXTX, SXTB, SXTH, SXTW, SXTX.
template <unsigned kOption>
constexpr u64 extend(u64 value) {
  switch (kOption) {
  case 0: return static_cast<u8>(value);
  case 1: return static_cast<u16>(value);
  case 2: return static_cast<u32>(value);
  case 4: return static_cast<u64>(static_cast<i64>(static_cast<i8>(value)));
  case 5: return static_cast<u64>(static_cast<i64>(static_cast<i16>(value)));
  case 6: return static_cast<u64>(static_cast<i64>(static_cast<i32>(value)));
  default: return value;
  }
}

inline bool is_64bit(const Op& op) {
  return (op.word >> 31) != 0;
}

// The instance of a handler for the operand size in word<31>.
inline Handler by_size(const Op& op, Handler handler32, Handler handler64) {
  return is_64bit(op) ? handler64 : handler32;
}

} // namespace softhv::interp
