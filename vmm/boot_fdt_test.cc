// SPDX-License-Identifier: Apache-2.0
#include "vmm/boot_fdt.h"

#include <gtest/gtest.h>

#include <cstring>
#include <libfdt.h>
#include <string>

namespace kindling::vmm {
namespace {

class BootFdtTest : public testing::Test {
protected:
  void build() {
    auto fdt = build_boot_fdt(input_);
    ASSERT_TRUE(fdt.ok()) << fdt.error().message;
    tree_ = std::move(*fdt);
    ASSERT_EQ(fdt_check_full(tree_.data(), tree_.size()), 0);
  }
  [[nodiscard]] std::string text(const char* path, const char* name) const {
    int length = 0;
    const void* value = property(path, name, &length);
    return value == nullptr
               ? "(none)"
               : std::string(static_cast<const char*>(value), static_cast<size_t>(length - 1));
  }
  [[nodiscard]] u64 number(const char* path, const char* name, size_t cell_pair = 0) const {
    int length = 0;
    const auto* value = static_cast<const u8*>(property(path, name, &length));
    if (value == nullptr || static_cast<size_t>(length) < cell_pair * 8 + 4) {
      return ~0ULL;
    }
    return length == 4 ? fdt32_ld(reinterpret_cast<const fdt32_t*>(value))
                       : fdt64_ld(reinterpret_cast<const fdt64_t*>(value + cell_pair * 8));
  }
  const void* property(const char* path, const char* name, int* length) const {
    return fdt_getprop(tree_.data(), fdt_path_offset(tree_.data(), path), name, length);
  }
  [[nodiscard]] bool exists(const char* path) const {
    return fdt_path_offset(tree_.data(), path) >= 0;
  }

  FdtInput input_{.vcpus = 18,
                  .ram_size = 1 << 30,
                  .command_line = "console=ttyS0",
                  .stdout_path = "/serial@9000000",
                  .initramfs = arch::AddressRange{0x5000'0000, 0x1234},
                  .gic = *arch::gic_placement(18),
                  .seeds = {},
                  .describe_devices = {}};
  std::vector<u8> tree_;
};

TEST_F(BootFdtTest, Chosen) {
  input_.seeds.rng.fill(0x5a);
  input_.seeds.kaslr = 0x1122'3344'5566'7788;
  build();
  EXPECT_EQ(text("/chosen", "bootargs"), "console=ttyS0");
  EXPECT_EQ(text("/chosen", "stdout-path"), "/serial@9000000");
  EXPECT_EQ(number("/chosen", "linux,initrd-start"), 0x5000'0000U);
  EXPECT_EQ(number("/chosen", "linux,initrd-end"), 0x5000'1234U);
  EXPECT_EQ(number("/chosen", "kaslr-seed"), 0x1122'3344'5566'7788U);
  int length = 0;
  const auto* seed = static_cast<const u8*>(property("/chosen", "rng-seed", &length));
  ASSERT_EQ(length, 64);
  EXPECT_EQ(seed[63], 0x5a);
}

TEST_F(BootFdtTest, MemoryAndInterruptController) {
  build();
  EXPECT_EQ(number("/memory@40000000", "reg", 0), arch::kRamBase);
  EXPECT_EQ(number("/memory@40000000", "reg", 1), 1U << 30);
  char path[64];
  std::snprintf(path, sizeof(path), "/interrupt-controller@%llx",
                static_cast<unsigned long long>(input_.gic.distributor.base));
  EXPECT_EQ(text(path, "compatible"), "arm,gic-v3");
  EXPECT_EQ(number(path, "reg", 0), input_.gic.distributor.base);
  EXPECT_EQ(number(path, "reg", 2), input_.gic.redistributors.base);
  EXPECT_EQ(number(path, "phandle"), number("/", "interrupt-parent"));
}

TEST_F(BootFdtTest, CpusAreNamedByAffinityAndStartedByPsci) {
  build();
  EXPECT_TRUE(exists("/cpus/cpu@0"));
  EXPECT_TRUE(exists("/cpus/cpu@f"));
  EXPECT_FALSE(exists("/cpus/cpu@10"));
  EXPECT_EQ(number("/cpus/cpu@101", "reg"), 0x101U);
  EXPECT_EQ(text("/cpus/cpu@101", "enable-method"), "psci");
  EXPECT_EQ(number("/cpus/cpu@0", "d-cache-sets"), 128U);
  EXPECT_EQ(number("/cpus/cpu@0", "next-level-cache"), number("/cpus/l2-cache", "phandle"));
  EXPECT_EQ(number("/cpus/l2-cache", "cache-size"), 1U << 20);
  EXPECT_EQ(text("/psci", "method"), "hvc");
  int length = 0;
  ASSERT_NE(property("/timer", "interrupts", &length), nullptr);
  EXPECT_EQ(length, 4 * 3 * 4);
}

TEST_F(BootFdtTest, WhatIsNotThereIsNotMentioned) {
  input_.initramfs.reset();
  input_.stdout_path.clear();
  build();
  int length = 0;
  EXPECT_EQ(property("/chosen", "linux,initrd-start", &length), nullptr);
  EXPECT_EQ(property("/chosen", "stdout-path", &length), nullptr);
}

TEST_F(BootFdtTest, DevicesDescribeThemselves) {
  input_.describe_devices = [](arch::FdtBuilder& fdt) {
    fdt.begin_node("rtc", 0x1000);
    fdt.end_node();
  };
  build();
  EXPECT_TRUE(exists("/rtc@1000"));
}

TEST(BootSeeds, DifferFromBootToBoot) {
  devices::HostEventPort port;
  const auto a = make_boot_seeds(port);
  const auto b = make_boot_seeds(port);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(a->rng, b->rng);
  EXPECT_NE(a->kaslr, b->kaslr);
}

} // namespace
} // namespace kindling::vmm
