// SPDX-License-Identifier: Apache-2.0
// Guest accesses to GICD, GICR and GICM: which region, and how an access of any size becomes
// accesses to words.
#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"
#include "softhv/timer/generic_timer.h"

namespace softhv::gic {
namespace {

// GICD_SETSPI_NSR and friends take halfword writes (IHI0069 12.9.37), priorities bytes.
bool narrow_write_allowed(u32 offset) {
  return offset >= 0x400 && offset < 0x800;
}
bool is_message_register(u32 offset) {
  return offset == 0x40 || offset == 0x48;
}

} // namespace

struct Gic::Region {
  enum class Kind : u8 { kDistributor, kRedistributor, kMsi } kind;
  CpuInterface* cpu; // of a redistributor; null: none there
  u32 offset;
};

// RD_base frame registers end where SGI_base begins; both are found in one offset space.
std::optional<Gic::Region> Gic::find_region(u64 ipa) {
  if (ipa - config_.distributor_base < kDistributorSize)
    return Region{Region::Kind::kDistributor, nullptr,
                  static_cast<u32>(ipa - config_.distributor_base)};
  if (const u64 offset = ipa - config_.redistributor_base; offset < kRedistributorRegionSize) {
    assign_frames();
    return Region{Region::Kind::kRedistributor, frames_[offset / kRedistributorSize],
                  static_cast<u32>(offset % kRedistributorSize)};
  }
  if (config_.has_msi() && ipa - *config_.msi_base < kMsiRegionSize)
    return Region{Region::Kind::kMsi, nullptr, static_cast<u32>(ipa - *config_.msi_base)};
  return std::nullopt;
}

u32 Gic::read_word(const Region& region, u32 offset) {
  switch (region.kind) {
  case Region::Kind::kDistributor: return read_distributor(offset, View::kGuest);
  case Region::Kind::kRedistributor:
    return region.cpu != nullptr ? read_redistributor(*region.cpu, offset, View::kGuest) : 0;
  case Region::Kind::kMsi: return read_msi_frame(offset);
  }
  return 0;
}

void Gic::write_word(const Region& region, u32 offset, u32 value) {
  switch (region.kind) {
  case Region::Kind::kDistributor: write_distributor(offset, value); break;
  case Region::Kind::kRedistributor:
    if (region.cpu != nullptr)
      write_redistributor(*region.cpu, offset, value);
    break;
  case Region::Kind::kMsi:
    if (offset == kGicmSetSpiNsr && config_.is_msi(value & 0x3ff))
      message(value & 0x3ff, true);
    break;
  }
}

bool Gic::read(Cpu& self, u64 ipa, unsigned size, u64& value) {
  if (self.gic != nullptr)
    self.timer->update(); // a timer may have expired since its PPI was last driven
  const std::lock_guard lock(mutex_);
  const std::optional<Region> region = find_region(ipa);
  if (!region)
    return false;
  value = 0;
  if (size > 8 || ipa % size != 0)
    return true;
  const u32 word = region->offset & ~3U;
  const u32 low = read_word(*region, word);
  if (size == 8)
    value = low | static_cast<u64>(read_word(*region, word + 4)) << 32;
  else if (size == 4)
    value = low;
  else if (narrow_write_allowed(word & 0xffff))
    value = low >> (8 * (region->offset & 3)) & (size == 1 ? 0xff : 0xffff);
  return true;
}

bool Gic::write(Cpu& /*self*/, u64 ipa, unsigned size, u64 value) {
  const std::lock_guard lock(mutex_);
  const std::optional<Region> region = find_region(ipa);
  if (!region)
    return false;
  if (size > 8 || ipa % size != 0)
    return true;
  const u32 word = region->offset & ~3U;
  if (size >= 4) {
    write_word(*region, word, static_cast<u32>(value));
    if (size == 8)
      write_word(*region, word + 4, static_cast<u32>(value >> 32));
  } else if (narrow_write_allowed(word & 0xffff)) {
    const u32 shift = 8 * (region->offset & 3);
    const u32 mask = (size == 1 ? 0xffU : 0xffffU) << shift;
    const u32 old = read_word(*region, word);
    write_word(*region, word, (old & ~mask) | (static_cast<u32>(value) << shift & mask));
  } else if (size == 2 && is_message_register(region->offset)) {
    write_word(*region, word, static_cast<u32>(value) & 0xffff);
  }
  return true;
}

u32 Gic::read_msi_frame(u32 offset) const {
  // GICM_TYPER: first INTID in 25:16, count in 9:0 (GICv2m).
  return offset == kGicmTyper ? config_.msi_intid_base << 16 | config_.msi_intid_count : 0;
}

u32 identification_register(u32 offset) {
  switch (offset) {
  case 0xffe0: return 0x92; // PIDR0..3: Arm's JEP106 code, ArchRev 3
  case 0xffe4: return 0xb4;
  case 0xffe8: return 0x3b;
  case 0xffd0: return 0x44; // PIDR4
  case 0xfff0: return 0x0d; // CIDR0..3
  case 0xfff4: return 0xf0;
  case 0xfff8: return 0x05;
  case 0xfffc: return 0xb1;
  default: return 0;
  }
}

} // namespace softhv::gic
