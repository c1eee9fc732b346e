// SPDX-License-Identifier: Apache-2.0
#include "arch/gic_registers.h"

#include <set>

#include <gtest/gtest.h>

namespace kindling::arch {
namespace {

TEST(GicRegisters, HaveTheNamesOfTheSpecification) {
  EXPECT_EQ(gicd_register_name(0), "GICD_CTLR");
  EXPECT_EQ(gicd_register_name(0x84), "GICD_IGROUPR1");
  EXPECT_EQ(gicd_register_name(0x104), "GICD_ISENABLER1");
  EXPECT_EQ(gicd_register_name(0x204), "GICD_ISPENDR1");
  EXPECT_EQ(gicd_register_name(0x304), "GICD_ISACTIVER1");
  EXPECT_EQ(gicd_register_name(0x420), "GICD_IPRIORITYR8");
  EXPECT_EQ(gicd_register_name(0xc08), "GICD_ICFGR2");
  EXPECT_EQ(gicd_register_name(0x6100), "GICD_IROUTER32");
  EXPECT_EQ(gicd_register_name(0x7fd8), "GICD_IROUTER1019");
  EXPECT_EQ(gicr_register_name(0x14), "GICR_WAKER");
  EXPECT_EQ(gicr_register_name(0x10100), "GICR_ISENABLER0");
  EXPECT_EQ(gicr_register_name(0x1041c), "GICR_IPRIORITYR7");
  EXPECT_EQ(gicr_register_name(0x10c04), "GICR_ICFGR1");
}

TEST(GicRegisters, NoTwoShareAName) {
  std::set<std::string> names;
  for (const u32 offset : gicd_state_registers()) {
    EXPECT_TRUE(names.insert(gicd_register_name(offset)).second) << offset;
  }
  for (const u32 offset : gicr_state_registers()) {
    EXPECT_TRUE(names.insert(gicr_register_name(offset)).second) << offset;
  }
  EXPECT_EQ(names.count("GICD_IROUTER500"), 1U);
}

TEST(GicRegisters, AreFoundByTheirNames) {
  for (const u32 offset : gicd_state_registers()) {
    EXPECT_EQ(gicd_register(gicd_register_name(offset)), offset);
  }
  for (const u32 offset : gicr_state_registers()) {
    EXPECT_EQ(gicr_register(gicr_register_name(offset)), offset);
  }
  for (const char* name : {"GICD_IROUTER31", "GICD_IROUTER1020", "GICD_CTLR0", "GICD_ISENABLER",
                           "GICD_ISENABLER1x", "GICR_CTLR", ""}) {
    EXPECT_FALSE(gicd_register(name).has_value()) << name;
  }
}

TEST(GicRegisters, WhatEnablesComesLast) {
  EXPECT_EQ(gicd_state_registers().back(), 0U);
}

} // namespace
} // namespace kindling::arch
