// SPDX-License-Identifier: Apache-2.0
// LD1..LD4, ST1..ST4 and LD1R..LD4R (Arm ARM C3.2.14). A load changes registers only when every
// access has succeeded. Post-index is branch-free: the base becomes base + op->imm + X[op->rm],
// where X is the zero register unless the offset is a register.
#include <bit>

#include "softhv/interp/memory.h"
#include "softhv/interp/simd_lanes.h"

namespace softhv::interp {
namespace {

using namespace simd; // NOLINT(google-build-using-namespace)

void decode_address(Op& op, bool post, unsigned bytes) {
  decode_base(op);
  const bool immediate = post && bits(op.word, 20, 16) == 31;
  op.imm = immediate ? bytes : 0;
  if (!post || immediate)
    op.rm = kRegZero;
}

inline void write_back(Cpu& cpu, const Op* op, u64 base) {
  cpu.s.x[op->rn] = base + op->imm + cpu.s.x[op->rm];
}

inline Vec& transfer_register(Cpu& cpu, const Op* op, unsigned i) {
  return cpu.s.v[(op->rd + i) & 31];
}

// Where `size` bytes at `va` are in the host when all of them are on one page of the fast path.
inline void* block_pointer(Cpu& cpu, u64 va, unsigned size, u64 TlbEntry::*tag) {
  const TlbEntry& entry = cpu.tlb->entry_for(va);
  if (entry.*tag != (va & kTlbPageMask) || detail::crosses_page(va, size))
    return nullptr;
  return reinterpret_cast<void*>(va + entry.host_addend);
}

template <typename T>
bool load_elements(Cpu& cpu, const Op* op, u64 va, u8* out, unsigned size) {
  for (unsigned i = 0; i < size; i += sizeof(T)) {
    T value;
    if (!load(cpu, op, va + i, value))
      return false;
    std::memcpy(out + i, &value, sizeof(T));
  }
  return true;
}

template <typename T>
bool store_elements(Cpu& cpu, const Op* op, u64 va, const u8* in, unsigned size) {
  for (unsigned i = 0; i < size; i += sizeof(T)) {
    T value;
    std::memcpy(&value, in + i, sizeof(T));
    if (!store(cpu, op, va + i, value))
      return false;
  }
  return true;
}

// kRegisters registers; kInterleaved: LDn and STn, element e of register r is element
// e * kRegisters + r in memory. Otherwise LD1 and ST1, one register after the other.
template <unsigned kRegisters, bool kInterleaved>
struct Multiple {
  template <typename T, Form kForm>
  static constexpr unsigned kBytes = kRegisters*(kForm == Form::k64 ? 8 : 16);

  template <typename T, Form kForm>
  static constexpr unsigned memory_index(unsigned reg, unsigned element) {
    return kInterleaved ? element * kRegisters + reg : reg * kCount<T, kForm> + element;
  }

  template <typename, typename T, Form kForm>
  struct Load {
    static constexpr unsigned kSize = kBytes<T, kForm>;

    static const Op* finish_with(Cpu& cpu, const Op* op, const void* memory) {
      T buffer[kSize / sizeof(T)];
      std::memcpy(buffer, memory, kSize);
      for (unsigned reg = 0; reg < kRegisters; ++reg) {
        Lanes<T> r{};
        for (unsigned e = 0; e < kCount<T, kForm>; ++e)
          r[e] = buffer[memory_index<T, kForm>(reg, e)];
        transfer_register(cpu, op, reg) = std::bit_cast<Vec>(r);
      }
      write_back(cpu, op, cpu.s.x[op->rn]);
      return next(cpu, op);
    }

    // The general case, out of line so that the fast path needs no stack frame.
    [[gnu::noinline]] static const Op* run_slow(Cpu& cpu, const Op* op) {
      const u64 base = cpu.s.x[op->rn];
      u8 buffer[kSize];
      if (!base_aligned(cpu, op, base) || !load_elements<T>(cpu, op, base, buffer, kSize))
        return nullptr;
      return finish_with(cpu, op, buffer);
    }

    static const Op* run(Cpu& cpu, const Op* op) {
      const u64 base = cpu.s.x[op->rn];
      const void* host = block_pointer(cpu, base, kSize, &TlbEntry::read_tag);
      if (host == nullptr || (base & op->aux) != 0) [[unlikely]]
        return run_slow(cpu, op);
      return finish_with(cpu, op, host);
    }
  };

  template <typename, typename T, Form kForm>
  struct Store {
    static constexpr unsigned kSize = kBytes<T, kForm>;

    static void fill(Cpu& cpu, const Op* op, void* memory) {
      T buffer[kSize / sizeof(T)];
      for (unsigned reg = 0; reg < kRegisters; ++reg) {
        const Lanes<T> r = lanes<T>(transfer_register(cpu, op, reg));
        for (unsigned e = 0; e < kCount<T, kForm>; ++e)
          buffer[memory_index<T, kForm>(reg, e)] = r[e];
      }
      std::memcpy(memory, buffer, kSize);
    }

    [[gnu::noinline]] static const Op* run_slow(Cpu& cpu, const Op* op) {
      const u64 base = cpu.s.x[op->rn];
      u8 buffer[kSize];
      fill(cpu, op, buffer);
      if (!base_aligned(cpu, op, base) || !store_elements<T>(cpu, op, base, buffer, kSize))
        return nullptr;
      write_back(cpu, op, base);
      return next(cpu, op);
    }

    static const Op* run(Cpu& cpu, const Op* op) {
      const u64 base = cpu.s.x[op->rn];
      void* host = block_pointer(cpu, base, kSize, &TlbEntry::write_tag);
      if (host == nullptr || (base & op->aux) != 0) [[unlikely]]
        return run_slow(cpu, op);
      fill(cpu, op, host);
      write_back(cpu, op, base);
      return next(cpu, op);
    }
  };
};

// One lane of kRegisters registers; op->ra is the lane.
template <unsigned kRegisters>
struct Single {
  template <typename, typename T, Form>
  struct Load {
    static const Op* run(Cpu& cpu, const Op* op) {
      const u64 base = cpu.s.x[op->rn];
      T values[kRegisters];
      if (!base_aligned(cpu, op, base))
        return nullptr;
      for (unsigned i = 0; i < kRegisters; ++i)
        if (!load(cpu, op, base + i * sizeof(T), values[i]))
          return nullptr;
      for (unsigned i = 0; i < kRegisters; ++i)
        transfer_register(cpu, op, i).set_lane<T>(op->ra, values[i]);
      write_back(cpu, op, base);
      return next(cpu, op);
    }
  };

  template <typename, typename T, Form>
  struct Store {
    static const Op* run(Cpu& cpu, const Op* op) {
      const u64 base = cpu.s.x[op->rn];
      if (!base_aligned(cpu, op, base))
        return nullptr;
      for (unsigned i = 0; i < kRegisters; ++i)
        if (!store(cpu, op, base + i * sizeof(T), transfer_register(cpu, op, i).lane<T>(op->ra)))
          return nullptr;
      write_back(cpu, op, base);
      return next(cpu, op);
    }
  };

  template <typename, typename T, Form kForm>
  struct Replicate {
    static const Op* run(Cpu& cpu, const Op* op) {
      const u64 base = cpu.s.x[op->rn];
      T values[kRegisters];
      if (!base_aligned(cpu, op, base))
        return nullptr;
      for (unsigned i = 0; i < kRegisters; ++i)
        if (!load(cpu, op, base + i * sizeof(T), values[i]))
          return nullptr;
      for (unsigned i = 0; i < kRegisters; ++i) {
        Lanes<T> r{};
        for (unsigned e = 0; e < kCount<T, kForm>; ++e)
          r[e] = values[i];
        transfer_register(cpu, op, i) = std::bit_cast<Vec>(r);
      }
      write_back(cpu, op, base);
      return next(cpu, op);
    }
  };
};

unsigned memory_size_of(const Op& op) {
  return static_cast<unsigned>(bits(op.word, 11, 10));
}

void decode_multiple(Op& op, unsigned registers, bool post) {
  decode_address(op, post, registers * (q_of(op) ? 16 : 8));
}

// Q:S:size is the lane's number times its width in bytes, but for the bits that give the width.
// Returns the lane size.
unsigned decode_single(Op& op, unsigned registers, bool post) {
  const auto position =
      static_cast<u8>(bits(op.word, 30, 30) << 3 | bits(op.word, 12, 12) << 2 | memory_size_of(op));
  auto size = static_cast<unsigned>(bits(op.word, 15, 14));
  if (size == 2 && bit(op.word, 10))
    size = 3;
  op.ra = static_cast<u8>(position >> size);
  decode_address(op, post, registers << size);
  return size;
}

template <unsigned kRegisters>
Handler load_single(Op& op, bool post) {
  return scalar_form<Single<kRegisters>::template Load, void, Unsigned, kBhsd>(
      decode_single(op, kRegisters, post));
}
template <unsigned kRegisters>
Handler store_single(Op& op, bool post) {
  return scalar_form<Single<kRegisters>::template Store, void, Unsigned, kBhsd>(
      decode_single(op, kRegisters, post));
}
template <unsigned kRegisters>
Handler load_replicate(Op& op, bool post) {
  decode_address(op, post, kRegisters << memory_size_of(op));
  return vector_form<Single<kRegisters>::template Replicate, void, Unsigned, kBhsd>(
      memory_size_of(op), q_of(op));
}
template <unsigned kRegisters, bool kInterleaved>
Handler load_multiple(Op& op, bool post) {
  decode_multiple(op, kRegisters, post);
  return vector_form<Multiple<kRegisters, kInterleaved>::template Load, void, Unsigned, kBhsd>(
      memory_size_of(op), q_of(op));
}
template <unsigned kRegisters, bool kInterleaved>
Handler store_multiple(Op& op, bool post) {
  decode_multiple(op, kRegisters, post);
  return vector_form<Multiple<kRegisters, kInterleaved>::template Store, void, Unsigned, kBhsd>(
      memory_size_of(op), q_of(op));
}

} // namespace

// An instruction and its post-index form.
#define MULTIPLE(id, function, registers, interleaved)                                             \
  Handler translate_##id(Op& op) {                                                                 \
    return function<registers, interleaved>(op, false);                                            \
  }                                                                                                \
  Handler translate_##id##Post(Op& op) {                                                           \
    return function<registers, interleaved>(op, true);                                             \
  }
#define SINGLE(id, function, registers)                                                            \
  Handler translate_##id(Op& op) {                                                                 \
    return function<registers>(op, false);                                                         \
  }                                                                                                \
  Handler translate_##id##Post(Op& op) {                                                           \
    return function<registers>(op, true);                                                          \
  }

MULTIPLE(kLd1OneRegister, load_multiple, 1, false)
MULTIPLE(kLd1TwoRegisters, load_multiple, 2, false)
MULTIPLE(kLd1ThreeRegisters, load_multiple, 3, false)
MULTIPLE(kLd1FourRegisters, load_multiple, 4, false)
MULTIPLE(kLd2Multiple, load_multiple, 2, true)
MULTIPLE(kLd3Multiple, load_multiple, 3, true)
MULTIPLE(kLd4Multiple, load_multiple, 4, true)
MULTIPLE(kSt1OneRegister, store_multiple, 1, false)
MULTIPLE(kSt1TwoRegisters, store_multiple, 2, false)
MULTIPLE(kSt1ThreeRegisters, store_multiple, 3, false)
MULTIPLE(kSt1FourRegisters, store_multiple, 4, false)
MULTIPLE(kSt2Multiple, store_multiple, 2, true)
MULTIPLE(kSt3Multiple, store_multiple, 3, true)
MULTIPLE(kSt4Multiple, store_multiple, 4, true)

SINGLE(kLd1Single, load_single, 1)
SINGLE(kLd2Single, load_single, 2)
SINGLE(kLd3Single, load_single, 3)
SINGLE(kLd4Single, load_single, 4)
SINGLE(kSt1Single, store_single, 1)
SINGLE(kSt2Single, store_single, 2)
SINGLE(kSt3Single, store_single, 3)
SINGLE(kSt4Single, store_single, 4)
SINGLE(kLd1Replicate, load_replicate, 1)
SINGLE(kLd2Replicate, load_replicate, 2)
SINGLE(kLd3Replicate, load_replicate, 3)
SINGLE(kLd4Replicate, load_replicate, 4)

#undef MULTIPLE
#undef SINGLE

} // namespace softhv::interp
