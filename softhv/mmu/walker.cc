// SPDX-License-Identifier: Apache-2.0
#include "softhv/mmu/walker.h"

#include "arch/bits.h"
#include "softhv/mmu/tlb.h"

namespace softhv {
namespace {

using Outcome = WalkResult::Outcome;

WalkResult fault(u8 status) {
  return {.outcome = Outcome::kFault, .status = status, .descriptor_ipa = 0, .leaf = {}};
}
WalkResult fault(u8 kind, unsigned level) {
  return fault(static_cast<u8>(kind | level));
}

unsigned granule_shift(u64 tcr, bool upper) {
  // TG0 and TG1 encode the granules differently; a reserved value is taken as 4 KiB.
  const u64 tg = upper ? bits(tcr, 31, 30) : bits(tcr, 15, 14);
  if (upper)
    return tg == 1 ? 14 : tg == 3 ? 16 : 12;
  return tg == 1 ? 16 : tg == 2 ? 14 : 12;
}

unsigned output_bits(const WalkConfig& config) {
  static constexpr u8 kIps[] = {32, 36, 40, 42, 44, 48, 48, 48};
  const u8 ips = kIps[bits(config.tcr, 34, 32)];
  return ips < config.pa_bits ? ips : config.pa_bits;
}

bool exceeds(u64 address, unsigned size) {
  return (address >> size) != 0;
}

// What the table descriptors passed on the way down take away (Arm ARM D8.4.6).
struct Hierarchy {
  bool read_only = false; // APTable[1]
  bool no_el0 = false;    // APTable[0]
  bool uxn = false;
  bool pxn = false;

  void add(u64 table) {
    read_only |= bit(table, 62);
    no_el0 |= bit(table, 61);
    uxn |= bit(table, 60);
    pxn |= bit(table, 59);
  }
};

u8 permissions_of(u64 descriptor, const Hierarchy& h, bool wxn) {
  const bool user = bit(descriptor, 6) && !h.no_el0;
  const bool writable = !bit(descriptor, 7) && !h.read_only;
  const bool uxn = bit(descriptor, 54) || h.uxn;
  const bool pxn = bit(descriptor, 53) || h.pxn;
  u8 p = kPermEl1Read;
  if (writable)
    p |= kPermEl1Write;
  if (user)
    p |= kPermUser | kPermEl0Read | (writable ? kPermEl0Write : 0);
  if (!uxn && !(wxn && user && writable))
    p |= kPermEl0Exec;
  // Memory that EL0 can write is never executable at EL1.
  if (!pxn && !(wxn && writable) && !(user && writable))
    p |= kPermEl1Exec;
  return p;
}

WalkResult flat(const WalkConfig& config, u64 va) {
  // With the MMU off the address is the output address; the top byte may still be ignored.
  const u64 address = config.top_byte_ignored(va) ? bits(va, 55, 0) : va;
  if (exceeds(address, config.pa_bits))
    return fault(kStatusAddressSize, 0);
  Leaf leaf;
  leaf.ipa = address & kTlbPageMask;
  leaf.permissions =
      kPermEl0Read | kPermEl0Write | kPermEl0Exec | kPermEl1Read | kPermEl1Write | kPermEl1Exec;
  leaf.shareability = 2;
  return {.outcome = Outcome::kDone, .status = 0, .descriptor_ipa = 0, .leaf = leaf};
}

struct Walk {
  const WalkConfig& config;
  DescriptorReader& memory;
  u64 va;
  unsigned grain;
  unsigned input_bits;
  unsigned output_bits;

  [[nodiscard]] bool block_allowed(unsigned level) const {
    return level == 2 || (level == 1 && grain == 12);
  }

  [[nodiscard]] WalkResult leaf(u64 descriptor, unsigned level, unsigned shift,
                                const Hierarchy& hierarchy) const {
    const u64 output = descriptor & (~0ULL >> 16) & ~((1ULL << shift) - 1);
    if (exceeds(output, output_bits))
      return fault(kStatusAddressSize, level);
    if (!bit(descriptor, 10))
      return fault(kStatusAccessFlag, level);
    Leaf result;
    result.ipa = output | (va & ((1ULL << shift) - 1) & kTlbPageMask);
    result.shift = static_cast<u8>(shift);
    result.level = static_cast<u8>(level);
    result.permissions = permissions_of(descriptor, hierarchy, config.wxn);
    result.attributes = static_cast<u8>(config.mair >> (8 * bits(descriptor, 4, 2)));
    result.shareability = static_cast<u8>(bits(descriptor, 9, 8));
    result.global = !bit(descriptor, 11);
    return {.outcome = Outcome::kDone, .status = 0, .descriptor_ipa = 0, .leaf = result};
  }

  [[nodiscard]] WalkResult run(u64 ttbr) const {
    const unsigned stride = grain - 3;
    unsigned level = 4 - (input_bits - grain + stride - 1) / stride;
    const unsigned first_shift = (3 - level) * stride + grain;
    const unsigned base_low = 3 + input_bits - first_shift;
    u64 base = bits(ttbr, 47, 0) & ~((1ULL << base_low) - 1);
    if (exceeds(bits(ttbr, 47, 0), output_bits))
      return fault(kStatusAddressSize, 0);
    unsigned top = input_bits;
    Hierarchy hierarchy;
    for (;; ++level) {
      const unsigned shift = (3 - level) * stride + grain;
      const u64 ipa = base | (bits(va, top - 1, shift) << 3);
      u64 descriptor;
      if (!memory.read_descriptor(ipa, descriptor))
        return {.outcome = Outcome::kStage2Fault,
                .status = static_cast<u8>(level),
                .descriptor_ipa = ipa,
                .leaf = {}};
      if (!bit(descriptor, 0))
        return fault(kStatusTranslation, level);
      if (bit(descriptor, 1) == (level == 3))
        return level == 3 || block_allowed(level) ? leaf(descriptor, level, shift, hierarchy)
                                                  : fault(kStatusTranslation, level);
      if (level == 3)
        return fault(kStatusTranslation, level);
      base = bits(descriptor, 47, 0) & ~((1ULL << grain) - 1);
      if (exceeds(base, output_bits))
        return fault(kStatusAddressSize, level);
      hierarchy.add(descriptor);
      top = shift;
    }
  }
};

} // namespace

u16 WalkConfig::asid() const {
  const auto value = static_cast<u16>(ttbr[bit(tcr, 22) ? 1 : 0] >> 48);
  return bit(tcr, 36) ? value : value & 0xff;
}

bool WalkConfig::top_byte_ignored(u64 va) const {
  return bit(tcr, bit(va, 55) ? 38 : 37);
}

u64 WalkConfig::canonical(u64 va) const {
  return top_byte_ignored(va) ? static_cast<u64>(sign_extend(va, 56)) : va;
}

WalkResult walk(const WalkConfig& config, u64 va, DescriptorReader& memory) {
  if (!config.enabled)
    return flat(config, va);
  const u64 address = config.canonical(va);
  const bool upper = bit(address, 55);
  const unsigned size =
      static_cast<unsigned>(upper ? bits(config.tcr, 21, 16) : bits(config.tcr, 5, 0));
  // TxSZ outside of 16..39 gives the fault that the Arm ARM permits for it.
  if (size < 16 || size > 39)
    return fault(kStatusTranslation, 0);
  const unsigned input_bits = 64 - size;
  const u64 expected = upper ? ~0ULL : 0;
  if ((address ^ expected) >> input_bits != 0)
    return fault(kStatusTranslation, 0);
  if (bit(config.tcr, upper ? 23 : 7))
    return fault(kStatusTranslation, 0);
  const Walk w{.config = config,
               .memory = memory,
               .va = address,
               .grain = granule_shift(config.tcr, upper),
               .input_bits = input_bits,
               .output_bits = output_bits(config)};
  return w.run(config.ttbr[upper ? 1 : 0]);
}

} // namespace softhv
