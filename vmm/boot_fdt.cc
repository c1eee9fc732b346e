// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot_fdt.h"

#include "arch/boot_state.h"
#include "arch/psci.h"

namespace kindling::vmm {

namespace {

// Interrupt specifiers of the arm,gic-v3 binding.
constexpr u32 kPrivateInterrupt = 1;
constexpr u32 kLevelHigh = 4;
constexpr u32 kFirstPpi = 16;

void describe_chosen(arch::FdtBuilder& fdt, const FdtInput& input) {
  fdt.begin_node("chosen");
  fdt.property_string("bootargs", input.command_line);
  if (!input.stdout_path.empty()) {
    fdt.property_string("stdout-path", input.stdout_path);
  }
  if (input.initramfs) {
    fdt.property_u64("linux,initrd-start", input.initramfs->base);
    fdt.property_u64("linux,initrd-end", input.initramfs->end());
  }
  fdt.property_bytes("rng-seed", input.seeds.rng);
  fdt.property_u64("kaslr-seed", input.seeds.kaslr);
  fdt.end_node();
}

void describe_memory(arch::FdtBuilder& fdt, u64 ram_size) {
  fdt.begin_node("memory", arch::kRamBase);
  fdt.property_string("device_type", "memory");
  fdt.property_pairs("reg", {arch::kRamBase, ram_size});
  fdt.end_node();
}

// Devicetree Specification 3.8: the properties of one cache, whose names begin with `prefix`.
void describe_cache(arch::FdtBuilder& fdt, const std::string& prefix, u32 size, u32 ways) {
  constexpr u32 kLine = 64;
  fdt.property_u32(prefix + "cache-size", size);
  fdt.property_u32(prefix + "cache-line-size", kLine);
  fdt.property_u32(prefix + "cache-sets", size / (kLine * ways));
}

// The caches are those of SoftHV's CLIDR_EL1. Nothing depends on their sizes; a guest without them
// warns that it cannot find them.
void describe_cpus(arch::FdtBuilder& fdt, u32 vcpus) {
  constexpr u32 kL1Size = 32 << 10, kL1Ways = 4, kL2Size = 1 << 20, kL2Ways = 8;
  const u32 l2 = fdt.new_phandle();
  fdt.begin_node("cpus");
  fdt.property_u32("#address-cells", 1);
  fdt.property_u32("#size-cells", 0);
  for (u32 i = 0; i < vcpus; ++i) {
    const u64 affinity = arch::mpidr_of(i) & arch::psci::kAffinityMask;
    fdt.begin_node("cpu", affinity);
    fdt.property_string("device_type", "cpu");
    fdt.property_string("compatible", "arm,armv8");
    fdt.property_u32("reg", static_cast<u32>(affinity));
    fdt.property_string("enable-method", "psci");
    describe_cache(fdt, "i-", kL1Size, kL1Ways);
    describe_cache(fdt, "d-", kL1Size, kL1Ways);
    fdt.property_u32("next-level-cache", l2);
    fdt.end_node();
  }
  fdt.begin_node("l2-cache");
  fdt.property_string("compatible", "cache");
  fdt.property_u32("cache-level", 2);
  fdt.property_empty("cache-unified");
  describe_cache(fdt, "", kL2Size, kL2Ways);
  fdt.property_phandle(l2);
  fdt.end_node();
  fdt.end_node();
}

void describe_psci(arch::FdtBuilder& fdt) {
  fdt.begin_node("psci");
  fdt.property_strings("compatible", {"arm,psci-1.0", "arm,psci-0.2"});
  fdt.property_string("method", "hvc");
  fdt.end_node();
}

void describe_gic(arch::FdtBuilder& fdt, const arch::GicPlacement& gic, u32 phandle) {
  fdt.begin_node("interrupt-controller", gic.distributor.base);
  fdt.property_string("compatible", "arm,gic-v3");
  fdt.property_u32("#interrupt-cells", 3);
  fdt.property_empty("interrupt-controller");
  fdt.property_pairs("reg", {gic.distributor.base, gic.distributor.size, gic.redistributors.base,
                             gic.redistributors.size});
  fdt.property_phandle(phandle);
  fdt.end_node();
}

void describe_timer(arch::FdtBuilder& fdt) {
  fdt.begin_node("timer");
  fdt.property_string("compatible", "arm,armv8-timer");
  std::vector<u32> cells;
  // The order that the binding fixes: secure, non-secure, virtual, hypervisor.
  for (const u32 intid : {arch::kSecurePhysicalTimerIntid, arch::kPhysicalTimerIntid,
                          arch::kVirtualTimerIntid, arch::kHypervisorTimerIntid}) {
    cells.insert(cells.end(), {kPrivateInterrupt, intid - kFirstPpi, kLevelHigh});
  }
  fdt.property_cells("interrupts", cells);
  fdt.property_empty("always-on");
  fdt.end_node();
}

} // namespace

Result<BootSeeds> make_boot_seeds(devices::EventPort& port) {
  BootSeeds seeds;
  if (Status s = port.random(seeds.rng); !s) {
    return s.error();
  }
  if (Status s = port.random({reinterpret_cast<u8*>(&seeds.kaslr), sizeof(seeds.kaslr)}); !s) {
    return s.error();
  }
  return seeds;
}

Result<std::vector<u8>> build_boot_fdt(const FdtInput& input) {
  arch::FdtBuilder fdt;
  const u32 gic = fdt.new_phandle();
  fdt.begin_node("");
  fdt.property_string("compatible", "kindling,microvm");
  fdt.property_string("model", "Kindling microVM");
  fdt.property_u32("#address-cells", 2);
  fdt.property_u32("#size-cells", 2);
  fdt.property_u32("interrupt-parent", gic);
  describe_chosen(fdt, input);
  describe_memory(fdt, input.ram_size);
  describe_cpus(fdt, input.vcpus);
  describe_psci(fdt);
  describe_gic(fdt, input.gic, gic);
  describe_timer(fdt);
  if (input.describe_devices) {
    input.describe_devices(fdt);
  }
  fdt.end_node();
  return fdt.finish();
}

} // namespace kindling::vmm
