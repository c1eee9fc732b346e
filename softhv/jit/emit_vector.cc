// SPDX-License-Identifier: Apache-2.0
// SIMD&FP instructions: their operands, and the call of the row's emitter.
#include <cstddef>

#include "softhv/jit/emitter.h"
#include "softhv/jit/registers.h"
#include "softhv/jit/vector.h"

namespace softhv::jit {

bool Emitter::vector_in_register(ir::Reg r) const {
  return holds_vectors(mode_.el) && map_->vector[r] >= 0;
}

MemoryOperand Emitter::vector_memory(ir::Reg r) {
  return Assembler::state128(offsetof(CpuState, v) + 16UL * r);
}

// The register that holds r: its own, or xmm`scratch`.
Xbyak::Xmm Emitter::read_vector(ir::Reg r, int scratch) {
  if (vector_in_register(r))
    return vector_of(r);
  as_.movaps(Xbyak::Xmm(scratch), vector_memory(r));
  return Xbyak::Xmm(scratch);
}

void Emitter::emit_vector(const ir::Inst& inst) {
  const auto uses = [&](u8 operand) { return (inst.size & operand) != 0; };
  VectorOperands o;
  o.word = block_->words[inst.index];
  o.imm = static_cast<u64>(inst.imm);
  if (uses(ir::kOperandN))
    o.n = read_vector(inst.a, 3);
  if (uses(ir::kOperandM))
    o.m = uses(ir::kOperandN) && inst.b == inst.a ? o.n : read_vector(inst.b, 4);
  if (uses(ir::kOperandA))
    o.a = read_vector(inst.d2, 5);
  const bool reads_d = (inst.vector->traits & kReadsD) != 0;
  const bool held = uses(ir::kOperandD) && vector_in_register(inst.d);
  if (held)
    o.d = vector_of(inst.d);
  else if (uses(ir::kOperandD))
    o.d = reads_d ? read_vector(inst.d, 5) : Xbyak::Xmm(5);
  if ((inst.vector->traits & kTable) != 0)
    for (size_t i = 0; i < o.table.size(); ++i) {
      const auto r = static_cast<ir::Reg>((inst.a + 1 + i) & 31);
      o.table[i] = vector_in_register(r) ? map_->vector[r] : VectorOperands::kInMemory;
    }
  if (uses(ir::kOperandXSource))
    o.x = read(inst.a, reg::kScratch2);
  else if (uses(ir::kOperandXDestination))
    o.x = target(inst.d, reg::kScratch2);

  if (!inst.vector->emit(as_, o)) {
    emit_interpret(inst);
    return;
  }
  if (uses(ir::kOperandD) && !held)
    as_.movaps(vector_memory(inst.d), o.d);
  if (uses(ir::kOperandXDestination))
    write(inst.d, o.x);
  host_flags_ = HostFlags::kNothing;
}

} // namespace softhv::jit
