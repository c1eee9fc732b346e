// SPDX-License-Identifier: Apache-2.0
// The GICv3 of a VM (IHI0069): distributor, redistributors, MSI frame, and the routing of
// interrupts to the CPU interfaces. One security state (GICD_CTLR.DS is 1), affinity routing only,
// no LPIs, no ITS. Group 0 is signalled as FIQ, Group 1 as IRQ.
//
// Thread-safe: one mutex guards all interrupt state. A vCPU with nothing pending never takes it: it
// looks at Cpu::interrupt_lines.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "softhv/core/vm.h"
#include "softhv/gic/bank.h"

namespace softhv::gic {

class CpuInterface;

inline constexpr u64 kFrameSize = 0x10000;
inline constexpr u64 kDistributorSize = kFrameSize;
inline constexpr u64 kRedistributorSize = 2 * kFrameSize; // RD_base and SGI_base
inline constexpr u64 kRedistributorRegionSize = kRedistributorSize * kMaxVcpus;
inline constexpr u64 kMsiRegionSize = kFrameSize;
inline constexpr u64 kBaseAlignment = kFrameSize;

inline constexpr u32 kFirstSpi = 32;
inline constexpr u32 kSpiCount = 988; // INTIDs 32 to 1019
inline constexpr u32 kSpuriousIntid = 1023;

// GICD_CTLR.
inline constexpr u32 kCtlrEnableGroup0 = 1 << 0;
inline constexpr u32 kCtlrEnableGroup1 = 1 << 1;
// GICM registers.
inline constexpr u64 kGicmTyper = 0x8;
inline constexpr u64 kGicmSetSpiNsr = 0x40;

struct Config {
  u64 distributor_base = 0;
  u64 redistributor_base = 0;
  std::optional<u64> msi_base = std::nullopt;
  u32 msi_intid_base = 0;
  u32 msi_intid_count = 0; // 0: no MSIs

  [[nodiscard]] bool has_msi() const { return msi_base.has_value() && msi_intid_count != 0; }
  [[nodiscard]] bool is_msi(u32 intid) const {
    return has_msi() && intid >= msi_intid_base && intid - msi_intid_base < msi_intid_count;
  }
};

constexpr bool is_spi(u32 intid) {
  return intid >= kFirstSpi && intid < kFirstSpi + kSpiCount;
}

class Gic {
public:
  Gic(Vm& vm, const Config& config);
  Gic(const Gic&) = delete;
  Gic& operator=(const Gic&) = delete;

  // Guest accesses to GICD, GICR and GICM; false: the address is none of them. Accesses of a size
  // or to a register that does not exist read as zero and write nothing.
  bool read(Cpu& self, u64 ipa, unsigned size, u64& value);
  bool write(Cpu& self, u64 ipa, unsigned size, u64 value);

  // Drives the line of an SPI. Edge-triggered SPIs become pending with every `true`.
  // Precondition: is_spi(intid).
  void set_spi(u32 intid, bool level);

  // A message to kGicmSetSpiNsr of the MSI frame. False: no such address or INTID.
  bool send_msi(u64 address, u32 intid);

  // Registers for the host, by offset; false: no such register. Read-only ones ignore writes.
  bool host_read_distributor(u32 offset, u64& value);
  bool host_write_distributor(u32 offset, u64 value);
  bool host_read_redistributor(CpuInterface& cpu, u32 offset, u64& value);
  bool host_write_redistributor(CpuInterface& cpu, u32 offset, u64 value);

  // The IPA of RD_base of a vCPU's redistributor. Chosen by affinity, so that it does not depend on
  // the order in which threads create vCPUs.
  u64 redistributor_base(CpuInterface& cpu);

  // After power-on; lines stay as the devices drive them.
  void reset();

  // All state but the CPU interfaces' (state.cc tells the format). restore() returns false and
  // changes nothing when the data is not what save() makes for such a GIC.
  std::vector<u8> save();
  bool restore(std::span<const u8> data);

  [[nodiscard]] const Config& config() const { return config_; }

private:
  friend class CpuInterface;

  struct Candidate {
    u32 intid = kSpuriousIntid;
    u8 priority = 0xff;
    bool group1 = false;
  };

  // The functions below are called with mutex_ held.

  // The highest priority pending interrupt that is enabled and routed to `cpu`.
  Candidate highest_pending(const CpuInterface& cpu) const;
  void consider(const Bank& bank, u32 first_intid, const CpuInterface& cpu, Candidate& best) const;
  [[nodiscard]] bool routed_to(u32 intid, const CpuInterface& cpu) const;
  [[nodiscard]] const CpuInterface* one_of_n_target(bool group1) const;

  // Brings the interrupt lines of one vCPU, of all that `intid` may be routed to, or of all vCPUs
  // to what the state says.
  void refresh(CpuInterface& cpu);
  void refresh_for(u32 intid);
  void refresh_all();

  Bank& spi_bank(u32 intid) { return spis_[intid / 32 - 1]; }
  void acknowledge(CpuInterface& cpu, u32 intid);
  void deactivate(CpuInterface& cpu, u32 intid);
  [[nodiscard]] bool is_group1(const CpuInterface& cpu, u32 intid) const;
  void message(u32 intid, bool set);
  void send_sgi(CpuInterface& self, u64 value, bool group0_only);

  // distributor.cc. Word accesses; `offset` is a multiple of 4.
  u32 read_distributor(u32 offset, View view) const;
  void write_distributor(u32 offset, u32 value);
  // redistributor.cc
  u32 read_redistributor(CpuInterface& cpu, u32 offset, View view);
  void write_redistributor(CpuInterface& cpu, u32 offset, u32 value);
  u32 read_msi_frame(u32 offset) const;

  // One of the regions, for an access of any size.
  struct Region;
  std::optional<Region> find_region(u64 ipa);
  u32 read_word(const Region& region, u32 offset);
  void write_word(const Region& region, u32 offset, u32 value);
  void assign_frames();
  void reset_locked();

  // state.cc
  struct Saved;
  [[nodiscard]] std::shared_ptr<const Saved> parse(std::span<const u8> data) const;
  [[nodiscard]] bool is_current(const Saved& saved, std::span<const u8> data) const;

  Vm& vm_;
  const Config config_;
  std::mutex mutex_;
  u32 ctlr_ = 0;
  std::array<Bank, 31> spis_;                     // INTIDs 32 to 1023; 1020 and above do not exist
  std::array<u64, 31ULL * 32> routes_{};          // GICD_IROUTER
  std::vector<CpuInterface*> cpus_;               // in order of registration
  std::array<CpuInterface*, kMaxVcpus> frames_{}; // by redistributor; null: none there
  std::shared_ptr<const Saved> restored_;         // what was restored last
};

// The INTIDs of SPI bank `index` (0: 32 to 63) that exist.
constexpr u32 implemented_spis(size_t index) {
  return index == 30 ? 0x0fffffffU : ~0U;
}

// GICD_PIDRn, GICR_PIDRn, ..._CIDRn: offsets 0xffd0 to 0xfffc of either frame.
u32 identification_register(u32 offset);

} // namespace softhv::gic
