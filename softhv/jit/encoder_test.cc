// SPDX-License-Identifier: Apache-2.0
// Encoder against Xbyak: the same bytes for every form.
#include "softhv/jit/encoder.h"

#include <gtest/gtest.h>

#include <vector>

namespace softhv::jit {
namespace {

using Xbyak::Address;
using Xbyak::Reg32;
using Xbyak::Reg64;
using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

template <typename Generator, typename F>
std::vector<u8> bytes_of(F write) {
  std::vector<u8> buffer(64);
  Generator generator(buffer.size(), buffer.data());
  write(generator);
  buffer.resize(generator.getSize());
  return buffer;
}

template <typename F>
void expect_same(F write) {
  ASSERT_EQ(bytes_of<Encoder>(write), bytes_of<Xbyak::CodeGenerator>(write));
}

// The instruction with each of its names.
template <typename F>
void with_arithmetic(F check) {
  check([](auto& g, const auto& a, const auto& b) { g.add(a, b); });
  check([](auto& g, const auto& a, const auto& b) { g.or_(a, b); });
  check([](auto& g, const auto& a, const auto& b) { g.and_(a, b); });
  check([](auto& g, const auto& a, const auto& b) { g.sub(a, b); });
  check([](auto& g, const auto& a, const auto& b) { g.xor_(a, b); });
  check([](auto& g, const auto& a, const auto& b) { g.cmp(a, b); });
}

// In both notations.
struct Place {
  MemoryOperand m;
  Address address;
};

std::vector<Place> places(unsigned bits) {
  const Xbyak::AddressFrame frame(bits);
  std::vector<Place> list;
  for (const int offset : {0, 1, -1, 127, 128, -128, -129, 0x12345, -0x12345})
    for (int base = 0; base < 16; ++base) {
      list.push_back({at(Reg64(base), offset).sized(bits), frame[Reg64(base) + offset]});
      for (int index = 0; index < 16; ++index)
        if (index != Xbyak::Operand::RSP)
          for (const unsigned scale : {0, 1, 2, 3})
            list.push_back({at(Reg64(base), Reg64(index), scale, offset).sized(bits),
                            frame[Reg64(base) + Reg64(index) * (1 << scale) + offset]});
    }
  return list;
}

// `write` puts an instruction with the operand it is given.
template <typename F>
void expect_same(const Place& place, F write) {
  const auto bytes = bytes_of<Xbyak::CodeGenerator>([&](auto& g) { write(g, place.address); });
  ASSERT_EQ(bytes_of<Encoder>([&](auto& g) { write(g, place.m); }), bytes);
  ASSERT_EQ(bytes_of<Encoder>([&](auto& g) { write(g, Address(place.m)); }), bytes);
}

constexpr u32 kImmediates[] = {0,          1,          0x7f,       0x80,       0xff,
                               0x7fff,     0x8000,     0xffff,     0x12345678, 0x7fffffff,
                               0x80000000, 0xffff7fff, 0xffffff7f, 0xffffff80, ~0U};

TEST(Encoder, TwoRegisters) {
  const auto check = [](auto instruction) {
    for (int a = 0; a < 16; ++a)
      for (int b = 0; b < 16; ++b) {
        expect_same([&](auto& g) { instruction(g, Reg64(a), Reg64(b)); });
        expect_same([&](auto& g) { instruction(g, Reg32(a), Reg32(b)); });
        expect_same([&](auto& g) { instruction(g, Xbyak::Reg16(a), Xbyak::Reg16(b)); });
      }
    expect_same([&](auto& g) { instruction(g, cl, sil); });
    expect_same([&](auto& g) { instruction(g, al, r9b); });
  };
  with_arithmetic(check);
  check([](auto& g, const auto& a, const auto& b) { g.mov(a, b); });
  check([](auto& g, const auto& a, const auto& b) { g.test(a, b); });
}

TEST(Encoder, RegisterAndMemory) {
  for (const Place& place : places(64))
    for (const int r : {0, 1, 5, 8, 15}) {
      expect_same(place, [&](auto& g, const auto& m) { g.mov(Reg64(r), m); });
      expect_same(place, [&](auto& g, const auto& m) { g.mov(m, Reg64(r)); });
      expect_same(place, [&](auto& g, const auto& m) { g.cmp(Reg64(r), m); });
      expect_same(place, [&](auto& g, const auto& m) { g.lea(Reg64(r), m); });
      expect_same(place, [&](auto& g, const auto& m) { g.lea(Reg32(r), m); });
    }
  for (const Place& place : places(32)) {
    expect_same(place, [&](auto& g, const auto& m) { g.mov(m, r9d); });
    expect_same(place, [&](auto& g, const auto& m) { g.cmp(esi, m); });
  }
  with_arithmetic([](auto instruction) {
    for (const unsigned bits : {8U, 16U, 32U, 64U}) {
      const Place place{at(r13, 8).sized(bits), Xbyak::AddressFrame(bits)[r13 + 8]};
      const Xbyak::Reg r = bits == 8    ? static_cast<Xbyak::Reg>(dil)
                           : bits == 16 ? static_cast<Xbyak::Reg>(si)
                           : bits == 32 ? static_cast<Xbyak::Reg>(edx)
                                        : static_cast<Xbyak::Reg>(rdx);
      expect_same(place, [&](auto& g, const auto& m) { instruction(g, r, m); });
      expect_same(place, [&](auto& g, const auto& m) { instruction(g, m, r); });
    }
  });
  for (const unsigned bits : {8U, 16U})
    for (const Place& place : places(bits)) {
      expect_same(place, [&](auto& g, const auto& m) { g.movzx(r9d, m); });
      expect_same(place, [&](auto& g, const auto& m) { g.movzx(rcx, m); });
    }
  expect_same([&](auto& g) { g.movzx(esi, dil); });
}

TEST(Encoder, Vectors) {
  for (const Place& place : places(128))
    for (const int r : {0, 7, 8, 15}) {
      expect_same(place, [&](auto& g, const auto& m) { g.movaps(Xbyak::Xmm(r), m); });
      expect_same(place, [&](auto& g, const auto& m) { g.movaps(m, Xbyak::Xmm(r)); });
      expect_same(place, [&](auto& g, const auto& m) { g.movups(Xbyak::Xmm(r), m); });
      expect_same(place, [&](auto& g, const auto& m) { g.movups(m, Xbyak::Xmm(r)); });
    }
}

TEST(Encoder, Immediates) {
  with_arithmetic([](auto instruction) {
    for (const u32 imm : kImmediates) {
      for (int r = 0; r < 16; ++r) {
        expect_same([&](auto& g) { instruction(g, Reg64(r), imm); });
        expect_same([&](auto& g) { instruction(g, Reg32(r), imm); });
      }
      expect_same({at(rbp, -120).sized(64), qword[rbp - 120]},
                  [&](auto& g, const auto& m) { instruction(g, m, imm); });
      expect_same({at(r12, r13, 2).sized(32), dword[r12 + r13 * 4]},
                  [&](auto& g, const auto& m) { instruction(g, m, imm); });
    }
    expect_same([&](auto& g) { instruction(g, al, 0x81U); });
    expect_same({at(rdx).sized(8), byte[rdx]},
                [&](auto& g, const auto& m) { instruction(g, m, 0x81U); });
  });
  for (const u32 imm : kImmediates)
    for (int r = 0; r < 16; ++r) {
      for (const u64 high : {0ULL, 1ULL << 32, ~0ULL << 32, ~0ULL << 31})
        expect_same([&](auto& g) { g.mov(Reg64(r), imm | high); });
      expect_same([&](auto& g) { g.mov(Reg32(r), u64{imm}); });
      const auto extended = static_cast<u64>(static_cast<i32>(imm));
      expect_same({at(Reg64(r)).sized(32), dword[Reg64(r)]},
                  [&](auto& g, const auto& m) { g.mov(m, extended); });
      expect_same({at(Reg64(r), 8).sized(64), qword[Reg64(r) + 8]},
                  [&](auto& g, const auto& m) { g.mov(m, extended); });
      expect_same([&](auto& g) { g.test(Reg32(r), imm); });
    }
  for (const unsigned bits : {8U, 16U})
    expect_same({at(rdx).sized(bits), Xbyak::AddressFrame(bits)[rdx]},
                [&](auto& g, const auto& m) { g.mov(m, u64{7}); });
}

TEST(Encoder, Shifts) {
  for (int r = 0; r < 16; ++r)
    for (const int amount : {0, 1, 2, 31, 63}) {
      expect_same([&](auto& g) { g.shl(Reg64(r), amount); });
      expect_same([&](auto& g) { g.shr(Reg32(r), amount); });
      expect_same([&](auto& g) { g.sar(Reg64(r), amount); });
      for (const int from : {1, 7, 8, 15})
        expect_same([&](auto& g) { g.rorx(Reg64(r), Reg64(from), static_cast<u8>(amount)); });
    }
  expect_same([&](auto& g) { g.shl(dword[rdx], 3); });
  expect_same([&](auto& g) { g.shr(rdx, cl); });
}

// Without room for the longest instruction it is left to Xbyak, which refuses what does not fit.
TEST(Encoder, EndOfMemory) {
  u8 buffer[4] = {};
  Encoder encoder(sizeof buffer, buffer);
  encoder.mov(rax, rcx);
  EXPECT_EQ(encoder.getSize(), 3U);
  EXPECT_THROW(encoder.mov(rax, rcx), Xbyak::Error);
}

} // namespace
} // namespace softhv::jit
