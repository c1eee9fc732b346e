// SPDX-License-Identifier: Apache-2.0
// How floating-point instructions walk their operands. A scalar is an arrangement of one lane:
// every destination is written whole, with zeros above the lanes of the arrangement.
#pragma once

#include "arch/bits.h"
#include "softhv/fp/context.h"
#include "softhv/fp/format.h"
#include "softhv/interp/handlers.h"

namespace softhv::interp {

template <typename F, unsigned kCount>
struct Lanes {
  using Format = F;
  using Bits = typename F::Bits;
  static constexpr unsigned kLanes = kCount;
};

inline fp::FpContext fp_context(Cpu& cpu) {
  return {.fpcr = cpu.s.fpcr, .fpsr = cpu.s.fpsr};
}

namespace detail {

// Calls lane(i) for each lane and makes the destination of its results.
template <typename L, typename Lane>
inline Vec each_lane(Lane lane) {
  Vec result;
  for (unsigned i = 0; i < L::kLanes; ++i)
    result.set_lane<typename L::Bits>(i, lane(i));
  return result;
}

} // namespace detail

template <typename L, typename Operation>
struct Unary {
  static const Op* run(Cpu& cpu, const Op* op) {
    const fp::FpContext ctx = fp_context(cpu);
    const Vec& a = cpu.s.v[op->rn];
    cpu.s.v[op->rd] = detail::each_lane<L>([&](unsigned i) {
      return Operation::template apply<typename L::Format>(a.lane<typename L::Bits>(i), ctx);
    });
    return next(cpu, op);
  }
};

// One operand and op.imm.
template <typename L, typename Operation>
struct UnaryImmediate {
  static const Op* run(Cpu& cpu, const Op* op) {
    const fp::FpContext ctx = fp_context(cpu);
    const Vec& a = cpu.s.v[op->rn];
    cpu.s.v[op->rd] = detail::each_lane<L>([&](unsigned i) {
      return Operation::template apply<typename L::Format>(a.lane<typename L::Bits>(i), op->imm,
                                                           ctx);
    });
    return next(cpu, op);
  }
};

template <typename L, typename Operation>
struct Binary {
  static const Op* run(Cpu& cpu, const Op* op) {
    const fp::FpContext ctx = fp_context(cpu);
    const Vec& a = cpu.s.v[op->rn];
    const Vec& b = cpu.s.v[op->rm];
    cpu.s.v[op->rd] = detail::each_lane<L>([&](unsigned i) {
      return Operation::template apply<typename L::Format>(a.lane<typename L::Bits>(i),
                                                           b.lane<typename L::Bits>(i), ctx);
    });
    return next(cpu, op);
  }
};

// The second operand is lane op.imm of Vm.
template <typename L, typename Operation>
struct BinaryElement {
  static const Op* run(Cpu& cpu, const Op* op) {
    const fp::FpContext ctx = fp_context(cpu);
    const Vec& a = cpu.s.v[op->rn];
    const auto b = cpu.s.v[op->rm].lane<typename L::Bits>(static_cast<unsigned>(op->imm));
    cpu.s.v[op->rd] = detail::each_lane<L>([&](unsigned i) {
      return Operation::template apply<typename L::Format>(a.lane<typename L::Bits>(i), b, ctx);
    });
    return next(cpu, op);
  }
};

// Addend in Va.
template <typename L, typename Operation>
struct Ternary {
  static const Op* run(Cpu& cpu, const Op* op) {
    using Bits = typename L::Bits;
    const fp::FpContext ctx = fp_context(cpu);
    const CpuState& s = cpu.s;
    cpu.s.v[op->rd] = detail::each_lane<L>([&](unsigned i) {
      return Operation::template apply<typename L::Format>(
          s.v[op->ra].lane<Bits>(i), s.v[op->rn].lane<Bits>(i), s.v[op->rm].lane<Bits>(i), ctx);
    });
    return next(cpu, op);
  }
};

// Addend in Vd, second factor lane op.imm of Vm.
template <typename L, typename Operation>
struct AccumulateElement {
  static const Op* run(Cpu& cpu, const Op* op) {
    using Bits = typename L::Bits;
    const fp::FpContext ctx = fp_context(cpu);
    const CpuState& s = cpu.s;
    const Bits b = s.v[op->rm].lane<Bits>(static_cast<unsigned>(op->imm));
    cpu.s.v[op->rd] = detail::each_lane<L>([&](unsigned i) {
      return Operation::template apply<typename L::Format>(s.v[op->rd].lane<Bits>(i),
                                                           s.v[op->rn].lane<Bits>(i), b, ctx);
    });
    return next(cpu, op);
  }
};

// Neighbours of Vm:Vn.
template <typename L, typename Operation>
struct Pairwise {
  static const Op* run(Cpu& cpu, const Op* op) {
    using Bits = typename L::Bits;
    const fp::FpContext ctx = fp_context(cpu);
    const CpuState& s = cpu.s;
    cpu.s.v[op->rd] = detail::each_lane<L>([&](unsigned i) {
      const Vec& source = s.v[i < L::kLanes / 2 ? op->rn : op->rm];
      const unsigned low = 2 * i % L::kLanes;
      return Operation::template apply<typename L::Format>(source.lane<Bits>(low),
                                                           source.lane<Bits>(low + 1), ctx);
    });
    return next(cpu, op);
  }
};

// Reduce: the lanes of Vn combined as a binary tree (Arm ARM J1.3, shared/functions/vector), which
// decides the NaN that survives.
template <typename L, typename Operation>
struct Reduce {
  static const Op* run(Cpu& cpu, const Op* op) {
    using Bits = typename L::Bits;
    const fp::FpContext ctx = fp_context(cpu);
    Bits lanes[L::kLanes];
    for (unsigned i = 0; i < L::kLanes; ++i)
      lanes[i] = cpu.s.v[op->rn].lane<Bits>(i);
    for (unsigned count = L::kLanes; count > 1; count /= 2)
      for (unsigned i = 0; i < count / 2; ++i)
        lanes[i] =
            Operation::template apply<typename L::Format>(lanes[2 * i], lanes[2 * i + 1], ctx);
    cpu.s.v[op->rd] = Vec{{lanes[0], 0}};
    return next(cpu, op);
  }
};

// Picks the instance for the format in word<22> (0 single, 1 double) or for half precision, and for
// vectors by Q, word<30>.

template <template <typename, typename> typename Shape, typename Operation>
Handler pick_scalar(u32 word) {
  return bit(word, 22) ? Shape<Lanes<fp::Double, 1>, Operation>::run
                       : Shape<Lanes<fp::Single, 1>, Operation>::run;
}

template <template <typename, typename> typename Shape, typename Operation>
Handler pick_scalar_half(u32 /*word*/) {
  return Shape<Lanes<fp::Half, 1>, Operation>::run;
}

template <template <typename, typename> typename Shape, typename Operation>
Handler pick_vector(u32 word) {
  if (bit(word, 22))
    return Shape<Lanes<fp::Double, 2>, Operation>::run;
  return bit(word, 30) ? Shape<Lanes<fp::Single, 4>, Operation>::run
                       : Shape<Lanes<fp::Single, 2>, Operation>::run;
}

template <template <typename, typename> typename Shape, typename Operation>
Handler pick_vector_half(u32 word) {
  return bit(word, 30) ? Shape<Lanes<fp::Half, 8>, Operation>::run
                       : Shape<Lanes<fp::Half, 4>, Operation>::run;
}

// Defines translate_k<id> and translate_k<id>Half.
#define FP_SCALAR(id, Shape, ...)                                                                  \
  Handler translate_k##id(Op& op) {                                                                \
    return pick_scalar<Shape, __VA_ARGS__>(op.word);                                               \
  }                                                                                                \
  Handler translate_k##id##Half(Op& op) {                                                          \
    return pick_scalar_half<Shape, __VA_ARGS__>(op.word);                                          \
  }
#define FP_VECTOR(id, Shape, ...)                                                                  \
  Handler translate_k##id(Op& op) {                                                                \
    return pick_vector<Shape, __VA_ARGS__>(op.word);                                               \
  }                                                                                                \
  Handler translate_k##id##Half(Op& op) {                                                          \
    return pick_vector_half<Shape, __VA_ARGS__>(op.word);                                          \
  }

// VFPExpandImm (Arm ARM J1.3): the eight-bit immediate of FMOV.
template <typename F>
constexpr typename F::Bits expand_fp_immediate(u64 imm8) {
  const bool high = bit(imm8, 6);
  const i32 exponent = F::kBias + (high ? -3 : 1) + static_cast<i32>(bits(imm8, 5, 4));
  return F::pack(bit(imm8, 7), exponent, bits(imm8, 3, 0) << (F::kFractionBits - 4));
}

} // namespace softhv::interp
