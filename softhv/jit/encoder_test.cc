// SPDX-License-Identifier: Apache-2.0
// Encoder against Xbyak: the same bytes for every form.
#include "softhv/jit/encoder.h"

#include <gtest/gtest.h>

#include <vector>

namespace softhv::jit {
namespace {

using Xbyak::Address;
using Xbyak::Reg32;
using Xbyak::Reg32e;
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

std::vector<Address> addresses(const Xbyak::AddressFrame& frame) {
  std::vector<Address> list;
  for (const int offset : {0, 1, -1, 127, 128, -128, -129, 0x12345, -0x12345}) {
    for (int base = 0; base < 16; ++base) {
      list.push_back(frame[Reg64(base) + offset]);
      for (int index = 0; index < 16; ++index)
        if (index != Xbyak::Operand::RSP)
          for (const int scale : {1, 2, 4, 8})
            list.push_back(frame[Reg64(base) + Reg64(index) * scale + offset]);
    }
    for (const int scale : {2, 4, 8}) // without a base
      list.push_back(frame[Reg64(3) * scale + offset]);
  }
  list.push_back(frame[rip + 16]);
  return list;
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
  for (const Xbyak::AddressFrame* frame : {&ptr, &qword, &dword})
    for (const Address& m : addresses(*frame))
      for (const int r : {0, 1, 5, 8, 15}) {
        expect_same([&](auto& g) { g.mov(Reg64(r), m); });
        expect_same([&](auto& g) { g.mov(m, Reg32(r)); });
        expect_same([&](auto& g) { g.cmp(Reg32(r), m); });
        expect_same([&](auto& g) { g.lea(Reg64(r), m); });
        expect_same([&](auto& g) { g.lea(Reg32(r), m); });
        expect_same([&](auto& g) { g.test(m, Reg64(r)); });
      }
  with_arithmetic([](auto instruction) {
    expect_same([&](auto& g) { instruction(g, rcx, qword[rbp + 8]); });
    expect_same([&](auto& g) { instruction(g, qword[r13], r9); });
    expect_same([&](auto& g) { instruction(g, word[r12 + rax], si); });
    expect_same([&](auto& g) { instruction(g, byte[rdx], dil); });
  });
  for (const Address& m : addresses(byte))
    expect_same([&](auto& g) { g.movzx(r9d, m); });
  for (const Address& m : addresses(word))
    expect_same([&](auto& g) { g.movzx(ecx, m); });
  expect_same([&](auto& g) { g.movzx(rcx, byte[rdx]); });
  expect_same([&](auto& g) { g.movzx(esi, dil); });
}

TEST(Encoder, Immediates) {
  with_arithmetic([](auto instruction) {
    for (const u32 imm : kImmediates) {
      for (int r = 0; r < 16; ++r) {
        expect_same([&](auto& g) { instruction(g, Reg64(r), imm); });
        expect_same([&](auto& g) { instruction(g, Reg32(r), imm); });
      }
      expect_same([&](auto& g) { instruction(g, qword[rbp - 120], imm); });
      expect_same([&](auto& g) { instruction(g, dword[r12 + r13 * 4], imm); });
    }
    expect_same([&](auto& g) { instruction(g, al, 0x81U); });
    expect_same([&](auto& g) { instruction(g, byte[rdx], 0x81U); });
  });
  for (const u32 imm : kImmediates)
    for (int r = 0; r < 16; ++r) {
      for (const u64 high : {0ULL, 1ULL << 32, ~0ULL << 32, ~0ULL << 31})
        expect_same([&](auto& g) { g.mov(Reg64(r), imm | high); });
      expect_same([&](auto& g) { g.mov(Reg32(r), u64{imm}); });
      expect_same(
          [&](auto& g) { g.mov(dword[Reg64(r)], static_cast<u64>(static_cast<i32>(imm))); });
      expect_same(
          [&](auto& g) { g.mov(qword[Reg64(r) + 8], static_cast<u64>(static_cast<i32>(imm))); });
      expect_same([&](auto& g) { g.test(Reg32(r), imm); });
    }
  expect_same([&](auto& g) { g.mov(word[rdx], u64{7}); });
  expect_same([&](auto& g) { g.mov(byte[rdx], u64{7}); });
}

TEST(Encoder, Shifts) {
  for (int r = 0; r < 16; ++r)
    for (const int amount : {0, 1, 2, 31, 63}) {
      expect_same([&](auto& g) { g.shl(Reg64(r), amount); });
      expect_same([&](auto& g) { g.shr(Reg32(r), amount); });
      expect_same([&](auto& g) { g.sar(Reg64(r), amount); });
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
