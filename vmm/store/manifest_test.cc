// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/manifest.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::vmm {
namespace {

using testing::HasSubstr;

Manifest example() {
  Manifest manifest;
  manifest.name = "warm-1";
  manifest.id = "00ff";
  manifest.parent = {"base", "1234"};
  manifest.created = "2026-11-29T03:04:05Z";
  manifest.wall_clock_ns = 1'800'000'000'000'000'000;
  manifest.engine = "soft jit";
  manifest.vcpus = 4;
  manifest.icount_shift = 2;
  manifest.kernel = "/boot/Image";
  manifest.initramfs = "initramfs";
  manifest.command_line = "quiet \"x\"";
  manifest.cpu = {{"ID_AA64ISAR0_EL1", 0x1122}};
  manifest.state_checksum = "aa";
  manifest.ram = {512U << 20, 1000, "bb", "cc"};
  manifest.disks = {{"rootfs", false, {1U << 30, 5, "dd", "ee"}}};
  return manifest;
}

Result<Manifest> parse(const std::string& text) {
  return parse_manifest({reinterpret_cast<const u8*>(text.data()), text.size()});
}

TEST(Manifest, JsonAndBack) {
  const auto back = parse(to_json(example()));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, example());
  Manifest least = example();
  least.parent.reset();
  least.icount_shift.reset();
  least.initramfs.reset();
  least.disks.clear();
  EXPECT_EQ(*parse(to_json(least)), least);
}

TEST(Manifest, APathThatIsNoUtf8IsWrittenAllTheSame) {
  Manifest odd = example();
  odd.kernel = "/\xff/Image";
  EXPECT_TRUE(parse(to_json(odd)).ok());
}

TEST(Manifest, NoChangeGoesUnnoticed) {
  const std::string good = to_json(example());
  std::mt19937 random(1);
  for (int i = 0; i < 10000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    const auto parsed = parse(bad);
    if (parsed.ok()) { // white space, or the same byte
      EXPECT_EQ(*parsed, example()) << bad;
    }
  }
}

TEST(Manifest, WhatIsWrongIsNamed) {
  std::string text = to_json(example());
  text.replace(text.find("\"vcpus\": 4"), 10, "\"vcpus\": 0");
  EXPECT_THAT(parse(text).error().message, HasSubstr("vcpus"));
  EXPECT_THAT(parse("[]").error().message, HasSubstr("no JSON object"));
  EXPECT_THAT(parse("{\"format\": 7}").error().message, HasSubstr("format 7"));
  Manifest tiny = example();
  tiny.ram.size = 4096;
  tiny.ram.blocks = 1;
  EXPECT_FALSE(parse(to_json(tiny)).ok());
}

TEST(Manifest, ADeepNestIsRefused) {
  EXPECT_FALSE(
      parse("{\"x\": " + std::string(300'000, '[') + std::string(300'000, ']') + "}").ok());
  std::string text = to_json(example());
  text.insert(1, "\"x\": " + std::string(300'000, '[') + std::string(300'000, ']') + ",");
  EXPECT_TRUE(parse(text).ok()) << "what a later version adds is left alone";
}

TEST(Manifest, NamesDoNotLeadOutOfTheStore) {
  for (const char* name : {"a", "warm-1.2_x", "0"}) {
    EXPECT_TRUE(check_snapshot_name(name).ok()) << name;
  }
  for (const char* name : {"", ".", "..", ".tmp", "-x", "a/b", "../a", "a b", "\n", "ä"}) {
    EXPECT_FALSE(check_snapshot_name(name).ok()) << name;
  }
  EXPECT_TRUE(check_snapshot_name(std::string(64, 'a')).ok());
  EXPECT_FALSE(check_snapshot_name(std::string(65, 'a')).ok());
  Manifest escaping = example();
  escaping.parent->name = "../../etc";
  EXPECT_FALSE(parse(to_json(escaping)).ok());
}

} // namespace
} // namespace kindling::vmm
