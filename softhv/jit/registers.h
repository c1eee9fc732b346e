// SPDX-License-Identifier: Apache-2.0
// Which guest registers live in host registers while translated code runs. The others stay in
// CpuState. The same for all code, so that blocks need nothing done between them.
#pragma once

#include <array>

#include "softhv/core/cpu_state.h"
#include "softhv/jit/assembler.h"

namespace softhv::jit {

inline constexpr i8 kFirstHeldVector = 6; // the XMM register; kHeldVectors from there on

struct RegisterMap {
  static constexpr i8 kInMemory = -1;
  std::array<i8, 34> general; // by index into CpuState::x: the host register
  std::array<i8, 32> vector;  // by index into CpuState::v: the xmm register
};

namespace detail {

constexpr RegisterMap make_map() {
  using Code = Xbyak::Operand::Code;
  RegisterMap map{};
  map.general.fill(RegisterMap::kInMemory);
  map.vector.fill(RegisterMap::kInMemory);
  constexpr struct {
    u8 guest;
    Code host;
  } kGeneral[] = {{0, Code::RDI},  {1, Code::R8},   {2, Code::R9},   {3, Code::R10},
                  {4, Code::R11},  {19, Code::RBX}, {20, Code::R12}, {21, Code::R13},
                  {31, Code::R14}, {5, Code::R15}};
  for (const auto& pair : kGeneral)
    map.general[pair.guest] = static_cast<i8>(pair.host);
  for (u8 i = 0; i < 8; ++i)
    map.vector[i] = static_cast<i8>(kFirstHeldVector + i);
  map.vector[16] = 14;
  map.vector[17] = 15;
  return map;
}

} // namespace detail

inline constexpr RegisterMap kRegisterMap = detail::make_map();

// SIMD&FP registers are held in host registers at EL0 only: at EL1 they are seldom used, and belong
// to EL0.
constexpr bool holds_vectors(u8 el) {
  return el == 0;
}

} // namespace softhv::jit
