// SPDX-License-Identifier: Apache-2.0
// What a floating-point operation depends on and reports besides its operands: FPCR and the
// cumulative flags of FPSR (Arm ARM C5.2.7, C5.2.8). FEAT_AFP and trapped floating-point exceptions
// are not implemented: FPCR.{AH, FIZ, NEP} and the trap enables are RAZ/WI.
#pragma once

#include <type_traits>

#include "arch/types.h"
#include "softhv/fp/format.h"

namespace softhv::fp {

inline constexpr u32 kFpcrAhp = 1U << 26;
inline constexpr u32 kFpcrDn = 1U << 25;
inline constexpr u32 kFpcrFz = 1U << 24;
inline constexpr u32 kFpcrRmodeShift = 22;
inline constexpr u32 kFpcrFz16 = 1U << 19;

inline constexpr u32 kFpsrIoc = 1U << 0;
inline constexpr u32 kFpsrDzc = 1U << 1;
inline constexpr u32 kFpsrOfc = 1U << 2;
inline constexpr u32 kFpsrUfc = 1U << 3;
inline constexpr u32 kFpsrIxc = 1U << 4;
inline constexpr u32 kFpsrIdc = 1U << 7;
inline constexpr u32 kFpsrQc = 1U << 27;
inline constexpr u32 kFpsrMask =
    kFpsrIoc | kFpsrDzc | kFpsrOfc | kFpsrUfc | kFpsrIxc | kFpsrIdc | kFpsrQc;

// FPRounding. The first four are FPCR.RMode.
enum class Rounding : u8 { kTieEven, kPlusInfinity, kMinusInfinity, kZero, kTieAway, kOdd };

// One instruction's view of FPCR and FPSR, passed by value. `fpsr` is only ever added to.
struct FpContext {
  u32 fpcr;
  u32& fpsr;

  void raise(u32 flags) const { fpsr |= flags; }
  [[nodiscard]] Rounding rounding() const {
    return static_cast<Rounding>((fpcr >> kFpcrRmodeShift) & 3);
  }
  [[nodiscard]] bool default_nan() const { return (fpcr & kFpcrDn) != 0; }
  [[nodiscard]] bool alternative_half() const { return (fpcr & kFpcrAhp) != 0; }

  // Whether subnormal operands and results of this format are flushed to zero.
  template <typename F>
  [[nodiscard]] bool flushes() const {
    return (fpcr & (std::is_same_v<F, Half> ? kFpcrFz16 : kFpcrFz)) != 0;
  }
};

} // namespace softhv::fp
