// SPDX-License-Identifier: Apache-2.0
// Registers of a block's own (own_registers.h): exchanged on the way in, given back on every way
// out. Nothing but moves: the host's flags and the scratch registers stay.
#include <cstddef>

#include "softhv/jit/emitter.h"

namespace softhv::jit {

void Emitter::take_own() {
  has_own_ = !block_options_->registers.empty();
  if (!has_own_)
    return;
  use_own(true);
  for (const Exchange& e : block_options_->registers.general)
    as_.mov(memory_of(e.usual, true), Reg64(e.host));
  for (const Exchange& e : block_options_->registers.vector)
    as_.movaps(vector_memory(e.usual), Xbyak::Xmm(e.host));
  load_own();
}

void Emitter::load_own() {
  if (!has_own_)
    return;
  for (const Exchange& e : block_options_->registers.general)
    as_.mov(Reg64(e.host), memory_of(e.own, true));
  for (const Exchange& e : block_options_->registers.vector)
    as_.movaps(Xbyak::Xmm(e.host), vector_memory(e.own));
}

void Emitter::give_back() {
  if (!own_)
    return;
  for (const Exchange& e : block_options_->registers.general) {
    if (e.written)
      as_.mov(memory_of(e.own, true), Reg64(e.host));
    as_.mov(Reg64(e.host), memory_of(e.usual, true));
  }
  for (const Exchange& e : block_options_->registers.vector) {
    if (e.written)
      as_.movaps(vector_memory(e.own), Xbyak::Xmm(e.host));
    as_.movaps(Xbyak::Xmm(e.host), vector_memory(e.usual));
  }
  use_own(false);
}

} // namespace softhv::jit
