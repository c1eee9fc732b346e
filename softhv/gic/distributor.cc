// SPDX-License-Identifier: Apache-2.0
// GICD registers (IHI0069 12.9).
#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"

namespace softhv::gic {
namespace {

constexpr u32 kCtlr = 0x0;
constexpr u32 kTyper = 0x4;
constexpr u32 kIidr = 0x8;
constexpr u32 kSetSpiNsr = 0x40;
constexpr u32 kClrSpiNsr = 0x48;
constexpr u32 kIrouter = 0x6000;
constexpr u32 kIrouterEnd = 0x8000;
constexpr u32 kIdRegisters = 0xffd0;
constexpr u32 kPidr2 = 0xffe8;

// GICD_CTLR: one security state, affinity routing always on.
constexpr u32 kCtlrDs = 1U << 6;
constexpr u32 kCtlrAre = 1U << 4;
// GICD_TYPER: 1024 INTIDs, message-based SPIs, 10-bit INTIDs, Aff3 valid, SGI range 0-255.
constexpr u32 kTyperValue = 31 | 1U << 16 | 9U << 19 | 1U << 24 | 1U << 26;
constexpr u32 kIidrValue = 0x4b00043b; // ProductID 'K', JEP106 code of Arm
constexpr u64 kRouteMask = 0xff80ffffffULL;

bool is_route(u32 offset) {
  return offset >= kIrouter + 8 * kFirstSpi && offset < kIrouter + 8 * (kFirstSpi + kSpiCount);
}

} // namespace

u32 Gic::read_distributor(u32 offset, View view) const {
  switch (offset) {
  case kCtlr: return ctlr_ | kCtlrDs | kCtlrAre;
  case kTyper: return kTyperValue;
  case kIidr: return kIidrValue;
  default: break;
  }
  if (is_route(offset)) {
    const u64 route = routes_[(offset - kIrouter) / 8 - kFirstSpi];
    return static_cast<u32>(offset % 8 == 0 ? route : route >> 32);
  }
  if (offset >= kIdRegisters)
    return identification_register(offset);
  const BankOffset at = decode_bank_offset(offset);
  if (at.reg == BankRegister::kNone || at.bank == 0)
    return 0; // SGIs and PPIs are in GICR; GICD_ITARGETSR, GICD_IGRPMODR, GICD_NSACR do not exist
  const u32 value = read_bank(spis_[at.bank - 1], at, view);
  if (at.reg == BankRegister::kPriority || at.reg == BankRegister::kConfig)
    return value;
  return value & implemented_spis(at.bank - 1);
}

void Gic::write_distributor(u32 offset, u32 value) {
  switch (offset) {
  case kCtlr:
    ctlr_ = value & (kCtlrEnableGroup0 | kCtlrEnableGroup1);
    refresh_all();
    return;
  case kSetSpiNsr:
  case kClrSpiNsr: message(value & 0x3ff, offset == kSetSpiNsr); return;
  default: break;
  }
  if (is_route(offset)) {
    u64& route = routes_[(offset - kIrouter) / 8 - kFirstSpi];
    const unsigned shift = offset % 8 == 0 ? 0 : 32;
    route = ((route & ~(0xffffffffULL << shift)) | static_cast<u64>(value) << shift) & kRouteMask;
    refresh_all();
    return;
  }
  const BankOffset at = decode_bank_offset(offset);
  if (at.reg == BankRegister::kNone || at.bank == 0)
    return;
  write_bank(spis_[at.bank - 1], at, value, {.implemented = implemented_spis(at.bank - 1)});
  refresh_all();
}

bool Gic::host_read_distributor(u32 offset, u64& value) {
  const std::lock_guard lock(mutex_);
  if (offset % 4 != 0 || offset >= kDistributorSize)
    return false;
  if (offset >= kIrouter && offset < kIrouterEnd) {
    if (offset % 8 != 0 || !is_route(offset))
      return false;
    value = routes_[(offset - kIrouter) / 8 - kFirstSpi];
    return true;
  }
  if (decode_bank_offset(offset).reg == BankRegister::kNone && offset != kCtlr &&
      offset != kTyper && offset != kIidr && offset != kPidr2)
    return false;
  value = read_distributor(offset, View::kHost);
  return true;
}

bool Gic::host_write_distributor(u32 offset, u64 value) {
  u64 before;
  if (!host_read_distributor(offset, before))
    return false;
  const std::lock_guard lock(mutex_);
  write_distributor(offset, static_cast<u32>(value));
  if (is_route(offset))
    write_distributor(offset + 4, static_cast<u32>(value >> 32));
  return true;
}

} // namespace softhv::gic
