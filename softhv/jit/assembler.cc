// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/assembler.h"

#include <bit>
#include <cstddef>

#include "softhv/core/cpu.h"
#include "softhv/jit/page.h"
#include "softhv/mmu/tlb.h"

namespace softhv::jit {
namespace {

// Where the index of an entry stands in an address once that is rotated to be the entry's offset.
constexpr int kIndexShift = kTlbPageBits - std::bit_width(sizeof(TlbEntry) - 1);
constexpr u32 kIndexMask = (kTlbEntries - 1) * sizeof(TlbEntry);
static_assert(std::has_single_bit(sizeof(TlbEntry)));

} // namespace

Assembler::Assembler(u8* memory, size_t size, size_t constants_size, const HostFeatures& features)
    : Encoder(size, memory), host(features), constants_size_(constants_size) {
  setSize(constants_size);
}

void Assembler::bind_to(Fixup fixup, u32 target) {
  const u32 displacement = target - fixup;
  std::memcpy(top_ + fixup - 4, &displacement, sizeof displacement);
}

void Assembler::write_jump(u32 position, u32 target) {
  constexpr u32 kSize = 5;
  top_[position] = 0xe9;
  bind_to(position + kSize, target);
}

void Assembler::move_if(Cc cc, const Xbyak::Reg64& to, const Xbyak::Reg64& from) {
  db(0x48 | (to.getIdx() >> 3 << 2) | from.getIdx() >> 3);
  db(0x0f);
  db(0x40 + static_cast<int>(cc));
  db(0xc0 | ((to.getIdx() & 7) << 3) | (from.getIdx() & 7));
}

void Assembler::find_tlb_entry(const Xbyak::Reg64& va, bool unprivileged) {
  if (host.bmi2) {
    rorx(reg::kScratch1, va, kIndexShift);
  } else {
    mov(reg::kScratch1, va);
    shr(reg::kScratch1, kIndexShift);
  }
  and_(reg::kScratch1.cvt32(), kIndexMask);
  add(reg::kScratch1,
      state64(unprivileged ? offsetof(CpuCore, tlb_unprivileged) : offsetof(CpuCore, tlb)));
}

Assembler::CodeLookup Assembler::find_code() {
  const Xbyak::Reg64& va = reg::kScratch0;
  const Xbyak::Reg64& entry = reg::kScratch1;
  const Xbyak::Reg64& page = reg::kScratch2;
  find_tlb_entry(va);
  and_(page, static_cast<int>(kTlbPageMask | 3));
  cmp(page, at(entry, offsetof(TlbEntry, fetch_tag)));
  const Fixup miss = jump_forward(Cc::kNe);
  mov(entry, at(entry, offsetof(TlbEntry, code)));
  test(entry, entry);
  const Fixup no_code = jump_forward(Cc::kE);
  mov(state64(offsetof(CpuCore, code_page)), page);
  and_(va.cvt32(), static_cast<u32>(kTlbPageSize - 1));
  return {miss, no_code, at(entry, va, 1, offsetof(PageEntries, entries))};
}

Xbyak::Address Assembler::constant(u64 low, u64 high) {
  const auto [it, inserted] = constants_.try_emplace({low, high}, 0U);
  if (inserted) {
    if (constants_used_ + 16 > constants_size_) {
      constants_full_ = true;
      constants_.erase(it);
      return xword[rip + static_cast<const void*>(getCode())];
    }
    it->second = static_cast<u32>(constants_used_);
    constants_used_ += 16;
    rewrite(it->second, low, 8);
    rewrite(it->second + 8, high, 8);
  }
  return xword[rip + static_cast<const void*>(getCode() + it->second)];
}

void Assembler::restart(u32 keep) {
  constants_.clear();
  constants_used_ = 0;
  constants_full_ = false;
  setSize(keep);
}

} // namespace softhv::jit
