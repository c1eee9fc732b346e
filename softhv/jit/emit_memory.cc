// SPDX-License-Identifier: Apache-2.0
// Loads and stores: a look into the software TLB, then the access. Whatever the TLB's fast path
// does not allow goes to the interpreter, which does the whole instruction.
#include <algorithm>
#include <cstddef>

#include "softhv/jit/emitter.h"
#include "softhv/jit/registers.h"
#include "softhv/mmu/tlb.h"

namespace softhv::jit {

using ir::Op;
using namespace Xbyak::util; // NOLINT(google-build-using-namespace)

// An access through a misaligned SP may fault (Arm ARM D1.3.10.2).
void Emitter::check_stack(const ir::Inst& inst) {
  if (inst.a != kRegSp || stack_aligned_)
    return;
  as_.test(host_of(kRegSp).cvt8(), 15);
  to_slow(Cc::kNe);
  stack_aligned_ = true;
}

// The register that holds the index of an access, extended: its own, or `scratch`.
Xbyak::Reg64 Emitter::index_register(const ir::Inst& inst, const Reg64& scratch) {
  if (inst.extend == ir::Extend::kUxtx || inst.extend == ir::Extend::kSxtx)
    return read(inst.b, scratch);
  extend_into(scratch, inst.b, inst.extend);
  return scratch;
}

Xbyak::Reg64 Emitter::address(const ir::Inst& inst) {
  if (inst.op == Op::kPageLoad) {
    as_.mov(reg::kScratch0, Assembler::state64(offsetof(CpuCore, code_page)));
    as_.add(reg::kScratch0, static_cast<int>(inst.imm));
    return reg::kScratch0;
  }
  check_stack(inst);
  if (inst.b == ir::kNone) {
    if (inst.imm == 0)
      return read(inst.a, reg::kScratch0);
    const Reg64 base = read(inst.a, reg::kScratch0);
    as_.lea(reg::kScratch0, at(base, static_cast<int>(inst.imm)));
    return reg::kScratch0;
  }
  const Reg64 base = read(inst.a, reg::kScratch0);
  const Reg64 index = index_register(inst, reg::kScratch1);
  if (inst.shift <= 3) {
    as_.lea(reg::kScratch0, at(base, index, inst.shift));
  } else {
    as_.mov(reg::kScratch2, index);
    as_.shl(reg::kScratch2, inst.shift);
    as_.lea(reg::kScratch0, at(base, reg::kScratch2));
  }
  return reg::kScratch0;
}

void Emitter::translate(const Reg64& va, unsigned bytes, Access access, bool aligned,
                        bool unprivileged) {
  Miss miss{.va = va.getIdx(),
            .access = {.bytes = static_cast<u16>(bytes),
                       .read = access != Access::kWrite,
                       .write = access != Access::kRead,
                       .aligned = aligned,
                       .unprivileged = unprivileged},
            .again = as_.position(),
            .index = index_};
  // There are few different ones: most are copied.
  const u64 key = u64{miss.access.encode()} << 8 | static_cast<u64>(miss.va);
  LookCode& code = look_codes_[(key * 0x9e37'79b9'7f4a'7c15 >> 32) % look_codes_.size()];
  if (code.length != 0 && code.key == key) {
    as_.append(code.bytes, code.length);
    miss.count = access == Access::kBoth ? 2 : 1;
    for (unsigned i = 0; i < miss.count; ++i)
      miss.jumps[i] = miss.again + code.jumps[i];
  } else {
    write_look(va, miss);
    const std::span<const u8> written = as_.code_since(miss.again);
    code.length = 0;
    if (written.size() <= code.bytes.size()) {
      code.key = key;
      code.length = static_cast<u8>(written.size());
      std::ranges::copy(written, code.bytes.begin());
      for (unsigned i = 0; i < miss.count; ++i)
        code.jumps[i] = static_cast<u8>(miss.jumps[i] - miss.again);
    }
  }
  miss_ = miss;
}

void Emitter::write_look(const Reg64& va, Miss& miss) {
  const RefillAccess& access = miss.access;
  as_.find_tlb_entry(va, access.unprivileged);
  if (access.aligned) {
    as_.mov(reg::kScratch2, va);
    as_.and_(reg::kScratch2, static_cast<int>(kTlbPageMask | (access.bytes - 1U)));
  } else if (access.bytes > 1) { // the last byte has to be in the page as well
    as_.lea(reg::kScratch2, at(va, access.bytes - 1));
    as_.and_(reg::kScratch2, static_cast<int>(kTlbPageMask));
  } else {
    as_.mov(reg::kScratch2, va);
    as_.and_(reg::kScratch2, static_cast<int>(kTlbPageMask));
  }
  if (access.read) {
    as_.cmp(reg::kScratch2, at(reg::kScratch1, offsetof(TlbEntry, read_tag)));
    miss.jumps[miss.count++] = as_.jump_forward(Cc::kNe);
  }
  if (access.write) {
    as_.cmp(reg::kScratch2, at(reg::kScratch1, offsetof(TlbEntry, write_tag)));
    miss.jumps[miss.count++] = as_.jump_forward(Cc::kNe);
  }
  as_.mov(reg::kScratch1, at(reg::kScratch1, offsetof(TlbEntry, host_addend)));
}

void Emitter::find_host_address(const Reg64& va, unsigned bytes, Access access, bool aligned) {
  translate(va, bytes, access, aligned);
  as_.add(reg::kScratch1, va);
}

Emitter::Access Emitter::access_of(const ir::Look& look) {
  return !look.writes ? Access::kRead : !look.reads ? Access::kWrite : Access::kBoth;
}

// As find_host_address(), for a look. With a window: in a loop, most looks would
// find what the one before found. Keeps `va`.
void Emitter::look(const Reg64& va, const ir::Look& look) {
  const Access access = access_of(look);
  if (look.window == 0) {
    find_host_address(va, look.bytes, access, false);
    return;
  }
  const size_t window = offsetof(CpuCore, windows) + sizeof(LookWindow) * (look.window - 1UL);
  const MemoryOperand page = Assembler::state64(window + offsetof(LookWindow, page));
  const MemoryOperand host = Assembler::state64(window + offsetof(LookWindow, host));
  const MemoryOperand limit = Assembler::state64(window + offsetof(LookWindow, limit));
  as_.mov(reg::kScratch1, va);
  as_.sub(reg::kScratch1, page);
  as_.cmp(reg::kScratch1, limit);
  const Fixup inside = as_.jump_forward(Cc::kB);
  translate(va, look.bytes, access, false);
  as_.mov(reg::kScratch2, va);
  as_.and_(reg::kScratch2, static_cast<int>(kTlbPageMask));
  as_.mov(page, reg::kScratch2);
  as_.add(reg::kScratch2, reg::kScratch1);
  as_.mov(host, reg::kScratch2);
  as_.mov(limit, static_cast<u32>(kTlbPageSize + 1 - look.bytes));
  as_.add(reg::kScratch1, va);
  const Fixup done = as_.jump_forward();
  as_.bind(inside);
  as_.add(reg::kScratch1, host);
  as_.bind(done);
}

// The addresses are known when the block is entered.
void Emitter::make_hoisted_looks() {
  for (size_t i = 0; i < block_->looks.size(); ++i) {
    const ir::Look& look = block_->looks[i];
    if (!look.hoisted)
      continue;
    as_.lea(reg::kScratch0, at(read(look.base, reg::kScratch0), look.low));
    find_host_address(reg::kScratch0, look.bytes, access_of(look), false);
    as_.mov(Assembler::state64(offsetof(CpuCore, looks) + 8 * i), reg::kScratch1);
    hoisted_misses_.push_back(*miss_);
    miss_.reset();
  }
}

void Emitter::close_windows() {
  for (unsigned i = 0; i < block_->windows; ++i)
    as_.mov(Assembler::state64(offsetof(CpuCore, windows) + sizeof(LookWindow) * i +
                               offsetof(LookWindow, limit)),
            0);
}

// The host address of what the first register of `inst` is loaded from or stored to: kScratch1 and
// an offset, or as well an index.
MemoryOperand Emitter::host_address(const ir::Inst& inst, unsigned bytes, Access access) {
  if (inst.look == 0) {
    const Reg64 va = address(inst);
    find_host_address(va, bytes, access, false);
    return at(reg::kScratch1);
  }
  const ir::Look& the_look = block_->looks[inst.look - 1U];
  if (!the_look.shared) {
    look_at_hand_ = 0;
    look(address(inst), the_look);
    return at(reg::kScratch1);
  }
  check_stack(inst);
  const MemoryOperand slot = Assembler::state64(offsetof(CpuCore, looks) + 8 * (inst.look - 1UL));
  if (inst.has(ir::kFollows)) {
    if (look_at_hand_ != inst.look)
      as_.mov(reg::kScratch1, slot);
  } else {
    as_.lea(reg::kScratch0, at(read(inst.a, reg::kScratch0), the_look.low));
    look(reg::kScratch0, the_look);
    as_.mov(slot, reg::kScratch1);
    for (const Fixup jump : as_.slow())
      alone_.push_back({jump, inst.index});
    as_.clear_slow();
    alone_misses_.push_back(*miss_);
    miss_.reset();
  }
  look_at_hand_ = as_.slow().empty() ? inst.look : 0;
  if (the_look.run != 0 && inst.moves != inst.b)
    return inst.moves == ir::kNone
               ? at(reg::kScratch1, inst.within)
               : at(reg::kScratch1, read(inst.moves, reg::kScratch0), 0, inst.within);
  if (inst.b == ir::kNone)
    return at(reg::kScratch1, inst.within);
  return at(reg::kScratch1, index_register(inst, reg::kScratch0), inst.shift, inst.within);
}

void Emitter::load_register(const ir::Inst& inst, ir::Reg d, const MemoryOperand& from) {
  if (inst.has(ir::kVectorReg)) {
    const bool held = vector_in_register(d);
    const Xbyak::Xmm x = held ? vector_of(d) : reg::kVectorScratch0;
    switch (inst.size) {
    case 0:
      as_.movzx(ecx, from.sized(8));
      as_.movd(x, ecx);
      break;
    case 1:
      as_.movzx(ecx, from.sized(16));
      as_.movd(x, ecx);
      break;
    case 2: as_.movd(x, from.sized(32)); break;
    case 3: as_.movq(x, from.sized(64)); break;
    default: as_.movups(x, from); break;
    }
    if (!held)
      as_.movaps(vector_memory(d), x);
    return;
  }
  const Reg64 to = target(d, reg::kScratch2);
  const bool wide = inst.has(ir::kWide);
  if (!inst.has(ir::kSigned)) {
    switch (inst.size) {
    case 0: as_.movzx(to.cvt32(), from.sized(8)); break;
    case 1: as_.movzx(to.cvt32(), from.sized(16)); break;
    case 2: as_.mov(to.cvt32(), from); break;
    default: as_.mov(to, from); break;
    }
  } else {
    switch (inst.size) {
    case 0: as_.movsx(sized(to, wide), from.sized(8)); break;
    case 1: as_.movsx(sized(to, wide), from.sized(16)); break;
    default: as_.movsxd(to, from.sized(32)); break;
    }
  }
  write(d, to);
}

void Emitter::store_register(const ir::Inst& inst, ir::Reg d, const MemoryOperand& to) {
  if (inst.has(ir::kVectorReg)) {
    const Xbyak::Xmm x = read_vector(d, 0);
    switch (inst.size) {
    case 0: as_.pextrb(to.sized(8), x, 0); break;
    case 1: as_.pextrw(to.sized(16), x, 0); break;
    case 2: as_.movd(to.sized(32), x); break;
    case 3: as_.movq(to.sized(64), x); break;
    default: as_.movups(to, x); break;
    }
    return;
  }
  if (d == kRegZero) {
    as_.mov(to.sized(8U << inst.size), 0);
    return;
  }
  const Reg64 from = read(d, reg::kScratch2);
  switch (inst.size) {
  case 0: as_.mov(to, from.cvt8()); break;
  case 1: as_.mov(to, from.cvt16()); break;
  case 2: as_.mov(to, from.cvt32()); break;
  default: as_.mov(to, from); break;
  }
}

void Emitter::emit_load(const ir::Inst& inst) {
  const bool ordered = inst.op == Op::kLoadAcquire;
  if (inst.look != 0) {
    load_register(inst, inst.d, host_address(inst, 1U << inst.size, Access::kRead));
    return;
  }
  const Reg64 va = address(inst);
  translate(va, 1U << inst.size, Access::kRead, ordered, inst.op == Op::kLoadAsEl0);
  load_register(inst, inst.d, at(va, reg::kScratch1));
}

// A store-release must not be passed by a later load-acquire.
void Emitter::emit_store(const ir::Inst& inst) {
  if (inst.look != 0) {
    store_register(inst, inst.d, host_address(inst, 1U << inst.size, Access::kWrite));
    return;
  }
  const Reg64 va = address(inst);
  const bool ordered = inst.op == Op::kStoreRelease;
  translate(va, 1U << inst.size, Access::kWrite, ordered, inst.op == Op::kStoreAsEl0);
  store_register(inst, inst.d, at(va, reg::kScratch1));
  if (ordered)
    emit_barrier();
}

void Emitter::emit_load_pair(const ir::Inst& inst) {
  const int bytes = 1 << inst.size;
  const MemoryOperand first = host_address(inst, 2U << inst.size, Access::kRead);
  load_register(inst, inst.d, first);
  load_register(inst, inst.d2, first.plus(bytes));
}

void Emitter::emit_store_pair(const ir::Inst& inst) {
  const int bytes = 1 << inst.size;
  const MemoryOperand first = host_address(inst, 2U << inst.size, Access::kWrite);
  store_register(inst, inst.d, first);
  store_register(inst, inst.d2, first.plus(bytes));
}

void Emitter::emit_multiple(const ir::Inst& inst) {
  const bool load = inst.op == Op::kLoadMultiple;
  const int bytes = 1 << inst.size;
  const MemoryOperand first = host_address(inst, inst.shift * static_cast<unsigned>(bytes),
                                           load ? Access::kRead : Access::kWrite);
  for (int i = 0; i < inst.shift; ++i) {
    const auto d = static_cast<ir::Reg>((inst.d + i) % 32);
    const MemoryOperand place = first.plus(i * bytes);
    load ? load_register(inst, d, place) : store_register(inst, d, place);
  }
}

void Emitter::emit_replicate(const ir::Inst& inst) {
  const Reg64 va = address(inst);
  translate(va, 1U << inst.size, Access::kRead, false);
  const MemoryOperand from = at(va, reg::kScratch1);
  const bool held = vector_in_register(inst.d);
  const Xbyak::Xmm x = held ? vector_of(inst.d) : reg::kVectorScratch0;
  switch (inst.size) {
  case 0:
    as_.movzx(ecx, from.sized(8));
    as_.imul(ecx, ecx, 0x0101'0101);
    as_.movd(x, ecx);
    break;
  case 1:
    as_.movzx(ecx, from.sized(16));
    as_.imul(ecx, ecx, 0x0001'0001);
    as_.movd(x, ecx);
    break;
  case 2: as_.movd(x, from.sized(32)); break;
  default: as_.movq(x, from.sized(64)); break;
  }
  if (inst.size < 3)
    as_.pshufd(x, x, 0);
  if (inst.size == 3 && inst.has(ir::kWide))
    as_.punpcklqdq(x, x);
  if (inst.size < 3 && !inst.has(ir::kWide))
    as_.movq(x, x);
  if (!held)
    as_.movaps(vector_memory(inst.d), x);
}

} // namespace softhv::jit
