// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "arch/bits.h"
#include "softhv/core/budget.h"
#include "softhv/core/vm.h"
#include "softhv/mmu/access.h"
#include "softhv/mmu/data_abort.h"
#include "softhv/mmu/mmu.h"
#include "softhv/mmu/write_journal.h"
#include "softhv/system/debug.h"
#include "softhv/system/exception.h"
#include "softhv/system/id_profile.h"

namespace softhv {
namespace {

constexpr unsigned kSctlrA = 1;
constexpr unsigned kSctlrSa = 3;
constexpr unsigned kSctlrSa0 = 4;

// One data access of an instruction, as a whole.
struct DataAccess {
  u64 va = 0;
  unsigned size = 0;
  bool write = false;
  bool unprivileged = false;
  bool must_align = false;

  [[nodiscard]] bool unaligned() const { return (va & (size - 1)) != 0; }
};

// The part of it within one page.
struct Piece {
  u64 va = 0;
  unsigned size = 0;
  MmuTarget target;

  [[nodiscard]] u8* host() const {
    return target.page ? target.page->host + (va & ~kTlbPageMask) : nullptr;
  }
};

struct Pieces {
  Piece part[2];
  unsigned count = 0;
};

bool runs_at_el0(const Cpu& cpu, bool unprivileged) {
  return cpu.s.pstate.el == 0 || (unprivileged && cpu.s.pstate.uao == 0);
}

void split(const DataAccess& a, Pieces& pieces) {
  const auto room = static_cast<unsigned>(kTlbPageSize - (a.va & ~kTlbPageMask));
  const unsigned first = std::min(a.size, room);
  pieces.part[0] = {.va = a.va, .size = first, .target = {}};
  pieces.count = 1;
  if (first < a.size) {
    pieces.part[1] = {.va = a.va + first, .size = a.size - first, .target = {}};
    pieces.count = 2;
  }
}

// Everything that can keep the access from happening, in the Arm ARM's order of priority (D1.3.5);
// afterwards `pieces` tells where it goes. False: reported.
bool prepare(Cpu& cpu, const interp::Op* op, const DataAccess& a, Pieces& pieces) {
  if (a.unaligned() && (a.must_align || bit(cpu.s.sys.sctlr_el1, kSctlrA))) {
    data_abort(cpu, op, {.va = a.va, .write = a.write}, {.status = kStatusAlignment});
    return false;
  }
  split(a, pieces);
  for (unsigned i = 0; i < pieces.count; ++i) {
    Piece& piece = pieces.part[i];
    MmuFault fault;
    const Mmu::DataAccess access{
        .write = a.write, .unprivileged = a.unprivileged, .unaligned = a.unaligned()};
    if (cpu.mmu->data(piece.va, access, piece.target, fault))
      continue;
    data_abort(cpu, op, {.va = piece.va, .write = a.write, .syndrome_valid = pieces.count == 1},
               fault);
    return false;
  }
  return !cpu.debug->check_watchpoints(op, {.va = a.va,
                                            .size = a.size,
                                            .write = a.write,
                                            .unprivileged = runs_at_el0(cpu, a.unprivileged)});
}

// A store to a device in a block that goes on: what it does to the interrupt controller has to be
// seen by the next instruction (core/budget.h). Begins it anew in a block of its own.
bool wants_to_be_alone(Cpu& cpu, const interp::Op* op) {
  if (!counts_instructions(cpu) || cpu.alone)
    return false;
  --cpu.retired;
  cpu.last = op;
  cpu.s.pc = pc_of(cpu, op);
  cpu.request(kAttentionAlone);
  return true;
}

// No memory at some piece: the host completes the access, if it can.
void leave_to_host(Cpu& cpu, const interp::Op* op, const DataAccess& a, const Pieces& pieces) {
  const Piece& missing = pieces.part[pieces.part[0].host() == nullptr ? 0 : 1];
  data_abort(cpu, op, {.va = missing.va, .write = a.write, .syndrome_valid = pieces.count == 1},
             {.status = kStatusTranslation | 3, .stage2 = true, .ipa = missing.target.ipa});
}

// What a device would do could not be undone.
bool must_not_leave_memory(Cpu& cpu, const interp::Op* op) {
  if (cpu.journal == nullptr)
    return false;
  cpu.journal->note_no_memory();
  cpu.last = op;
  exit_to_host(cpu, pc_of(cpu, op), {});
  return true;
}

void note_write(Cpu& cpu, const Pieces& pieces) {
  if (cpu.journal == nullptr)
    return;
  for (unsigned i = 0; i < pieces.count; ++i)
    cpu.journal->note(pieces.part[i].host(), pieces.part[i].va, pieces.part[i].size);
}

bool all_memory(const Pieces& pieces) {
  return pieces.part[0].host() != nullptr &&
         (pieces.count == 1 || pieces.part[1].host() != nullptr);
}

void copy_from(const u8* host, void* out, unsigned size) {
  const bool aligned = (reinterpret_cast<u64>(host) & (size - 1)) == 0;
  if (size == 8 && aligned) {
    const u64 value = __atomic_load_n(reinterpret_cast<const u64*>(host), kPlainLoad);
    std::memcpy(out, &value, 8);
  } else if (size == 4 && aligned) {
    const u32 value = __atomic_load_n(reinterpret_cast<const u32*>(host), kPlainLoad);
    std::memcpy(out, &value, 4);
  } else if (size == 2 && aligned) {
    const u16 value = __atomic_load_n(reinterpret_cast<const u16*>(host), kPlainLoad);
    std::memcpy(out, &value, 2);
  } else if (size == 1) {
    *static_cast<u8*>(out) = __atomic_load_n(host, kPlainLoad);
  } else if (size == 16 && detail::parts_aligned<u64>(reinterpret_cast<u64>(host))) {
    copy_from(host, out, 8);
    copy_from(host + 8, static_cast<u8*>(out) + 8, 8);
  } else {
    std::memcpy(out, host, size);
  }
}

void copy_to(u8* host, const void* in, unsigned size) {
  const bool aligned = (reinterpret_cast<u64>(host) & (size - 1)) == 0;
  if (size == 8 && aligned) {
    u64 value;
    std::memcpy(&value, in, 8);
    __atomic_store_n(reinterpret_cast<u64*>(host), value, kPlainStore);
  } else if (size == 4 && aligned) {
    u32 value;
    std::memcpy(&value, in, 4);
    __atomic_store_n(reinterpret_cast<u32*>(host), value, kPlainStore);
  } else if (size == 2 && aligned) {
    u16 value;
    std::memcpy(&value, in, 2);
    __atomic_store_n(reinterpret_cast<u16*>(host), value, kPlainStore);
  } else if (size == 1) {
    __atomic_store_n(host, *static_cast<const u8*>(in), kPlainStore);
  } else if (size == 16 && detail::parts_aligned<u64>(reinterpret_cast<u64>(host))) {
    copy_to(host, in, 8);
    copy_to(host + 8, static_cast<const u8*>(in) + 8, 8);
  } else {
    std::memcpy(host, in, size);
  }
}

// An access to one of SoftHV's own devices. Wider than a register: in halves, as the bus does.
bool internal(Cpu& cpu, u64 ipa, unsigned size, bool write, void* data) {
  auto* bytes = static_cast<u8*>(data);
  for (unsigned done = 0; done < size; done += 8) {
    const unsigned part = std::min(size - done, 8U);
    u64 value = 0;
    if (write) {
      std::memcpy(&value, bytes + done, part);
      if (!cpu.vm.internal_write(cpu, ipa + done, part, value))
        return false;
    } else {
      if (!cpu.vm.internal_read(cpu, ipa + done, part, value))
        return false;
      std::memcpy(bytes + done, &value, part);
    }
  }
  return true;
}

DataAccess access_of(u64 va, unsigned size, bool write, AccessKind kind) {
  return {.va = va,
          .size = size,
          .write = write,
          .unprivileged = kind == AccessKind::kUnprivileged,
          .must_align = kind == AccessKind::kOrdered || kind == AccessKind::kAtomic};
}

bool store_exclusive(u32 word) {
  return (word & 0x3fc0'0000) == 0x0800'0000 && !(bit(word, 21) && !bit(word, 31));
}

} // namespace

bool load_slow(Cpu& cpu, const interp::Op* op, u64 va, void* out, unsigned size, AccessKind kind) {
  const DataAccess a = access_of(va, size, false, kind);
  Pieces pieces;
  if (!prepare(cpu, op, a, pieces))
    return false;
  if (!all_memory(pieces)) {
    if (must_not_leave_memory(cpu, op))
      return false;
    if (pieces.count == 1 && internal(cpu, pieces.part[0].target.ipa, size, false, out))
      return true;
    leave_to_host(cpu, op, a, pieces);
    return false;
  }
  copy_from(pieces.part[0].host(), out, pieces.part[0].size);
  if (pieces.count == 2)
    std::memcpy(static_cast<u8*>(out) + pieces.part[0].size, pieces.part[1].host(),
                pieces.part[1].size);
  return true;
}

bool store_slow(Cpu& cpu, const interp::Op* op, u64 va, const void* in, unsigned size,
                AccessKind kind) {
  const DataAccess a = access_of(va, size, true, kind);
  Pieces pieces;
  if (!prepare(cpu, op, a, pieces))
    return false;
  if (!all_memory(pieces)) {
    if (must_not_leave_memory(cpu, op) || wants_to_be_alone(cpu, op))
      return false;
    u8 copy[id::kZvaBytes];
    std::memcpy(copy, in, size);
    if (pieces.count == 1 && internal(cpu, pieces.part[0].target.ipa, size, true, copy))
      return true;
    leave_to_host(cpu, op, a, pieces);
    return false;
  }
  note_write(cpu, pieces);
  copy_to(pieces.part[0].host(), in, pieces.part[0].size);
  if (pieces.count == 2)
    std::memcpy(pieces.part[1].host(), static_cast<const u8*>(in) + pieces.part[0].size,
                pieces.part[1].size);
  return true;
}

void* atomic_pointer(Cpu& cpu, const interp::Op* op, u64 va, unsigned size) {
  if (!detail::sp_aligned(cpu, op))
    return nullptr;
  const TlbEntry& entry = cpu.tlb->entry_for(va);
  const u64 page = va & kTlbPageMask;
  if (entry.write_tag == page && entry.read_tag == page && (va & (size - 1)) == 0) [[likely]]
    return reinterpret_cast<void*>(va + entry.host_addend);
  // WnR is 0 when reading would fault the same way; a store-exclusive does not read.
  DataAccess a = access_of(va, size, store_exclusive(op->word), AccessKind::kAtomic);
  Pieces pieces;
  if (!prepare(cpu, op, a, pieces))
    return nullptr;
  if (!a.write) {
    a.write = true;
    if (!prepare(cpu, op, a, pieces))
      return nullptr;
  }
  if (all_memory(pieces)) {
    note_write(cpu, pieces);
    return pieces.part[0].host();
  }
  if (must_not_leave_memory(cpu, op))
    return nullptr;
  u64 unused;
  if (cpu.vm.internal_read(cpu, pieces.part[0].target.ipa, 4, unused))
    data_abort(cpu, op, {.va = va, .write = a.write}, {.status = kStatusUnsupportedAtomic});
  else
    leave_to_host(cpu, op, a, pieces);
  return nullptr;
}

bool zero_block(Cpu& cpu, const interp::Op* op, u64 va) {
  const u64 base = align_down(va, id::kZvaBytes);
  const TlbEntry& entry = cpu.tlb->entry_for(base);
  if (entry.write_tag == (base & kTlbPageMask)) [[likely]] {
    std::memset(reinterpret_cast<void*>(base + entry.host_addend), 0, id::kZvaBytes);
    return true;
  }
  Pieces pieces;
  split({.va = base, .size = id::kZvaBytes, .write = true}, pieces);
  MmuFault fault;
  // On Device memory DC ZVA is an alignment fault. FAR_EL1 has the address that was given.
  if (!cpu.mmu->data(va, {.write = true, .unaligned = true}, pieces.part[0].target, fault)) {
    data_abort(cpu, op, {.va = va, .write = true, .syndrome_valid = false}, fault);
    return false;
  }
  if (cpu.debug->check_watchpoints(
          op,
          {.va = base, .size = id::kZvaBytes, .write = true, .unprivileged = cpu.s.pstate.el == 0}))
    return false;
  if (!pieces.part[0].target.page) {
    if (must_not_leave_memory(cpu, op))
      return false;
    data_abort(
        cpu, op, {.va = va, .write = true, .syndrome_valid = false},
        {.status = kStatusTranslation | 3, .stage2 = true, .ipa = pieces.part[0].target.ipa});
    return false;
  }
  note_write(cpu, pieces);
  std::memset(pieces.part[0].host(), 0, id::kZvaBytes);
  return true;
}

bool check_cache_maintenance(Cpu& cpu, const interp::Op* op, u64 va, bool write) {
  MmuTarget target;
  MmuFault fault;
  if (cpu.mmu->data(va, {.write = write}, target, fault))
    return true;
  if (fault.stage2 && !fault.on_walk)
    return true;
  data_abort(cpu, op, {.va = va, .write = true, .cache_maintenance = true, .syndrome_valid = false},
             fault);
  return false;
}

bool check_misaligned_sp(Cpu& cpu, const interp::Op* op) {
  if (!bit(cpu.s.sys.sctlr_el1, cpu.s.pstate.el == 0 ? kSctlrSa0 : kSctlrSa))
    return true;
  raise(cpu, op, {.ec = ExceptionClass::kSpAlignment});
  return false;
}

} // namespace softhv
