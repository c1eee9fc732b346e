// SPDX-License-Identifier: Apache-2.0
// Where everything of the virtual machine lies in guest physical memory, and the rules by which
// boot data is placed in RAM. Constants and pure functions; addresses and sizes are in bytes.
#pragma once

#include "arch/bits.h"
#include "arch/result.h"
#include "arch/types.h"

namespace kindling::arch {

inline constexpr u64 kKiB = 1024;
inline constexpr u64 kMiB = 1024 * kKiB;
inline constexpr u64 kGiB = 1024 * kMiB;

// Device windows: [kMmioBase, kMmioEnd), one of kMmioWindowSize for each device in creation order.
inline constexpr u64 kMmioBase = 0x0900'0000;
inline constexpr u64 kMmioEnd = 0x091f'f000;
inline constexpr u64 kMmioWindowSize = 0x1000;
inline constexpr u32 kMmioWindowCount = (kMmioEnd - kMmioBase) / kMmioWindowSize;

// An 8-bit write of kBootTimerMagic to the first byte reports the boot time.
inline constexpr u64 kBootTimerBase = 0x091f'f000;
inline constexpr u64 kBootTimerSize = 0x1000;
inline constexpr u8 kBootTimerMagic = 123;

inline constexpr u64 kFuzzControlBase = 0x0920'0000;
inline constexpr u64 kFuzzControlSize = 0x4000;

inline constexpr u64 kRamBase = 0x4000'0000;
inline constexpr u64 kMaxRamSize = 64 * kGiB;
inline constexpr u64 kMinRamSize = 16 * kMiB;
// RAM is a multiple of the largest page that a host maps it with.
inline constexpr u64 kRamGranule = 64 * kKiB;

inline constexpr u32 kMaxVcpus = 32;

// GICv3 (IHI0069 12.8, 12.10): frames and interrupt numbers.
inline constexpr u64 kGicDistributorSize = 0x1'0000;
inline constexpr u64 kGicRedistributorSize = 0x2'0000; // one vCPU's RD_base and SGI_base frames
inline constexpr u32 kFirstSpi = 32;                   // INTID of SPI 0
inline constexpr u32 kEndSpi = 1020;                   // one past the last INTID of an SPI

// INTIDs of the private peripheral interrupts of the generic timer (Arm BSA 4.1.3).
inline constexpr u32 kSecurePhysicalTimerIntid = 29;
inline constexpr u32 kPhysicalTimerIntid = 30;
inline constexpr u32 kVirtualTimerIntid = 27;
inline constexpr u32 kHypervisorTimerIntid = 26;

// The device tree lies at the top of the RAM below this distance from kRamBase, 2 MiB aligned and
// at most kMaxDtbSize long (Linux Documentation/arch/arm64/booting.rst), the initramfs right below.
inline constexpr u64 kBootDataLimit = 512 * kMiB;
inline constexpr u64 kMaxDtbSize = 2 * kMiB;
inline constexpr u64 kInitramfsAlignment = 64 * kKiB;

struct AddressRange {
  u64 base = 0;
  u64 size = 0;

  [[nodiscard]] constexpr u64 end() const { return base + size; }
  [[nodiscard]] constexpr bool contains(u64 address, u64 length) const {
    return address >= base && length <= size && address - base <= size - length;
  }
  [[nodiscard]] constexpr bool overlaps(const AddressRange& other) const {
    return base < other.end() && other.base < end();
  }
  friend constexpr bool operator==(const AddressRange&, const AddressRange&) = default;
};

struct GicPlacement {
  AddressRange distributor;
  AddressRange redistributors; // one kGicRedistributorSize frame pair for each vCPU, in order
};

// The GIC of a machine with `vcpus` vCPUs: the redistributors end at kRamBase, the distributor ends
// where they begin. A host whose redistributor region has a fixed size passes it as `region_size`;
// the vCPUs then use its beginning. Errors: a number of vCPUs outside 1..kMaxVcpus, or a region
// that is too small for them or reaches down into the device windows.
Result<GicPlacement> gic_placement(u32 vcpus, u64 region_size = 0);

// Whether a machine can have `ram_size` bytes of RAM.
Status check_ram_size(u64 ram_size);

constexpr AddressRange ram_range(u64 ram_size) {
  return {kRamBase, ram_size};
}

// Where a device tree of up to kMaxDtbSize goes. Precondition: check_ram_size(ram_size).
constexpr u64 dtb_address(u64 ram_size) {
  const u64 top = kRamBase + (ram_size < kBootDataLimit ? ram_size : kBootDataLimit);
  return align_down(top - kMaxDtbSize, kMaxDtbSize);
}

// Where an initramfs of `size` bytes goes: right below the device tree. `kernel` is the memory that
// the kernel Image occupies, its BSS included. Errors: the kernel or the initramfs does not fit.
Result<u64> initramfs_address(u64 ram_size, AddressRange kernel, u64 size);

// Whether a kernel that occupies `kernel` leaves room for the device tree.
Status check_kernel_placement(u64 ram_size, AddressRange kernel);

} // namespace kindling::arch
