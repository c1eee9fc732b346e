// SPDX-License-Identifier: Apache-2.0
#include "devices/bus.h"

#include <thread>

#include <gtest/gtest.h>

#include "devices/device_manager.h"
#include "devices/testing/fakes.h"

namespace kindling::devices {
namespace {

// Reads give the offset of the access, writes are remembered.
class Probe : public MmioDevice {
public:
  u64 read(u64 offset, unsigned size) override { return offset << 8 | size; }
  void write(u64 offset, unsigned size, u64 value) override { written = {offset, size, value}; }
  [[nodiscard]] std::vector<u8> save() const override { return {value}; }
  Status restore(std::span<const u8> state) override {
    if (state.size() != 1) {
      return Error{"not one byte"};
    }
    value = state[0];
    return {};
  }
  void reset() override { value = 0; }
  void pause() override { paused = true; }
  void resume() override { paused = false; }

  std::array<u64, 3> written{};
  u8 value = 0;
  bool paused = false;
};

class WiredProbe final : public Probe {
public:
  WiredProbe(std::unique_ptr<IrqLine> line, int number) : line(std::move(line)), number(number) {}
  void describe(arch::FdtBuilder& fdt, const DeviceSlot& slot) const override {
    fdt.begin_node("probe", slot.base);
    describe_interrupt(fdt, slot.intid);
    fdt.end_node();
  }
  std::unique_ptr<IrqLine> line;
  int number;
};

class Lines final : public IrqLineFactory {
public:
  Result<std::unique_ptr<IrqLine>> create_line(u32 intid) override {
    if (intid >= limit) {
      return Error{"no such interrupt"};
    }
    intids.push_back(intid);
    return testing::line_to(record);
  }
  testing::IrqRecord record;
  std::vector<u32> intids;
  u32 limit = 1020;
};

TEST(Bus, RoutesByAddress) {
  Bus bus;
  Probe a;
  Probe b;
  ASSERT_TRUE(bus.add(0x2000, 0x1000, b).ok());
  ASSERT_TRUE(bus.add(0x1000, 0x1000, a).ok());
  u64 value = 0;
  ASSERT_TRUE(bus.read(0x1ffc, 4, value));
  EXPECT_EQ(value, 0xffc04U);
  ASSERT_TRUE(bus.write(0x2008, 8, ~0ULL));
  EXPECT_EQ(b.written, (std::array<u64, 3>{8, 8, ~0ULL}));
  EXPECT_EQ(a.written, (std::array<u64, 3>{}));
}

TEST(Bus, AccessesOfNothingFail) {
  Bus bus;
  Probe a;
  ASSERT_TRUE(bus.add(0x1000, 0x1000, a).ok());
  u64 value = 77;
  for (const u64 address : {0xfffULL, 0x1fffULL, 0x2000ULL, 0ULL, ~0ULL}) {
    EXPECT_FALSE(bus.read(address, 2, value)) << address;
    EXPECT_FALSE(bus.write(address, 2, 1)) << address;
  }
  for (const unsigned size : {0U, 3U, 16U}) {
    EXPECT_FALSE(bus.read(0x1000, size, value)) << size;
  }
  EXPECT_EQ(value, 77U);
  EXPECT_EQ(a.written, (std::array<u64, 3>{}));
}

TEST(Bus, RefusesOverlaps) {
  Bus bus;
  Probe a;
  ASSERT_TRUE(bus.add(0x1000, 0x1000, a).ok());
  EXPECT_FALSE(bus.add(0x1fff, 1, a).ok());
  EXPECT_FALSE(bus.add(0x800, 0x801, a).ok());
  EXPECT_FALSE(bus.add(0, 0x10000, a).ok());
  EXPECT_FALSE(bus.add(0x3000, 0, a).ok());
  EXPECT_FALSE(bus.add(~0ULL, 2, a).ok());
  EXPECT_TRUE(bus.add(0x2000, 1, a).ok());
}

TEST(Bus, LookupsAndAdditionsRunSideBySide) {
  Bus bus;
  Probe a;
  ASSERT_TRUE(bus.add(0, 0x1000, a).ok());
  std::thread reader([&] {
    u64 value = 0;
    for (int i = 0; i < 1000; ++i) {
      EXPECT_TRUE(bus.read(0x10, 4, value));
    }
  });
  for (u64 i = 1; i <= 100; ++i) {
    EXPECT_TRUE(bus.add(i * 0x1000, 0x1000, a).ok());
  }
  reader.join();
}

TEST(DeviceManager, GivesOutWindowsAndInterruptsInOrder) {
  Bus bus;
  Lines lines;
  DeviceManager manager(bus, lines);
  auto first = manager.create<WiredProbe>("first", 1);
  auto second = manager.create<WiredProbe>("second", 2);
  auto fixed = manager.create_at<Probe>("fixed", {arch::kBootTimerBase, arch::kBootTimerSize});
  ASSERT_TRUE(first.ok() && second.ok() && fixed.ok());
  EXPECT_EQ(lines.intids, (std::vector<u32>{32, 33}));
  EXPECT_EQ((*second)->number, 2);
  EXPECT_EQ(manager.slot("first")->base, 0x0900'0000U);
  EXPECT_EQ(manager.slot("second")->base, 0x0900'1000U);
  EXPECT_EQ(manager.slot("second")->intid, 33U);
  EXPECT_EQ(manager.slot("third"), nullptr);
  u64 value = 0;
  EXPECT_TRUE(bus.read(0x0900'1004, 4, value));
  EXPECT_TRUE(bus.read(0x091f'f000, 1, value));
  EXPECT_FALSE(bus.read(0x0900'2000, 4, value));
}

TEST(DeviceManager, RefusesWhatDoesNotFit) {
  Bus bus;
  Lines lines;
  lines.limit = 33;
  DeviceManager manager(bus, lines);
  ASSERT_TRUE(manager.create<WiredProbe>("a", 1).ok());
  const auto no_interrupt = manager.create<WiredProbe>("b", 1);
  ASSERT_FALSE(no_interrupt.ok());
  EXPECT_EQ(no_interrupt.error().message, "b: no such interrupt");
  EXPECT_FALSE(manager.create_at<Probe>("a", {0x1000, 0x1000}).ok());
  EXPECT_FALSE(manager.create_at<Probe>("c", {arch::kMmioBase, 0x1000}).ok());
}

TEST(DeviceManager, RunsOutOfWindows) {
  Bus bus;
  Lines lines;
  DeviceManager manager(bus, lines);
  for (u32 i = 0; i < arch::kMmioWindowCount; ++i) {
    ASSERT_TRUE(manager.create<WiredProbe>(std::to_string(i), 0).ok());
  }
  EXPECT_EQ(manager.slot("510")->base + 0x1000, arch::kBootTimerBase);
  EXPECT_FALSE(manager.create<WiredProbe>("one more", 0).ok());
}

TEST(DeviceManager, SavesAndRestoresByName) {
  Bus bus;
  Lines lines;
  DeviceManager manager(bus, lines);
  auto a = manager.create<WiredProbe>("a", 1);
  auto b = manager.create<WiredProbe>("b", 2);
  (*a)->value = 11;
  (*b)->value = 22;
  const std::vector<u8> state = manager.save();
  manager.reset();
  EXPECT_EQ((*a)->value, 0);
  ASSERT_TRUE(manager.restore(state).ok());
  EXPECT_EQ((*a)->value, 11);
  EXPECT_EQ((*b)->value, 22);

  Bus other_bus;
  DeviceManager other(other_bus, lines);
  auto c = other.create<WiredProbe>("a", 1);
  EXPECT_FALSE(other.restore(state).ok());
  ASSERT_TRUE(other.create<WiredProbe>("c", 2).ok());
  (*c)->value = 5;
  const Status wrong_name = other.restore(state);
  ASSERT_FALSE(wrong_name.ok());
  EXPECT_NE(wrong_name.error().message.find("has b where"), std::string::npos);
  EXPECT_EQ((*c)->value, 0); // as after a reset
}

TEST(DeviceManager, RefusesEveryCutState) {
  Bus bus;
  Lines lines;
  DeviceManager manager(bus, lines);
  ASSERT_TRUE(manager.create<WiredProbe>("a", 1).ok());
  std::vector<u8> state = manager.save();
  for (size_t length = 0; length < state.size(); ++length) {
    EXPECT_FALSE(manager.restore(std::span(state).first(length)).ok()) << length;
  }
  state.push_back(0);
  EXPECT_FALSE(manager.restore(state).ok());
  state.pop_back();
  state[0] = 9;
  EXPECT_NE(manager.restore(state).error().message.find("version 9"), std::string::npos);
}

TEST(DeviceManager, PausesAndDescribesAll) {
  Bus bus;
  Lines lines;
  DeviceManager manager(bus, lines);
  auto a = manager.create<WiredProbe>("a", 1);
  manager.pause();
  EXPECT_TRUE((*a)->paused);
  manager.resume();
  EXPECT_FALSE((*a)->paused);
  arch::FdtBuilder fdt;
  fdt.begin_node("");
  manager.describe(fdt);
  fdt.end_node();
  const auto tree = fdt.finish();
  ASSERT_TRUE(tree.ok());
  const std::string text(tree->begin(), tree->end());
  EXPECT_NE(text.find("probe@9000000"), std::string::npos);
}

TEST(GuestMemory, ChecksEveryAccess) {
  std::vector<u8> ram(0x1000);
  const GuestMemory memory(0x4000'0000, ram);
  EXPECT_TRUE(memory.write_as<u32>(0x4000'0ffc, 0x11223344));
  EXPECT_EQ(memory.read_as<u32>(0x4000'0ffc), 0x11223344U);
  EXPECT_EQ(ram[0xffc], 0x44);
  EXPECT_FALSE(memory.write_as<u32>(0x4000'0ffd, 1));
  EXPECT_FALSE(memory.read_as<u32>(0x3fff'fffe).has_value());
  EXPECT_FALSE(memory.read_as<u32>(~0ULL).has_value());
  EXPECT_EQ(memory.readable(0x4000'0000, ~0ULL), nullptr);
  EXPECT_EQ(memory.writable(0x4000'1000, 1), nullptr);
  EXPECT_NE(memory.readable(0x4000'1000, 0), nullptr);
  EXPECT_FALSE(memory.load<u16>(0x4000'0001).has_value()) << "misaligned";
  EXPECT_FALSE(memory.store<u16>(0x4000'0fff, 1));
  EXPECT_TRUE(memory.store<u16>(0x4000'0002, 7));
  EXPECT_EQ(memory.load<u16>(0x4000'0002), 7);
}

TEST(GuestMemory, ReportsExactlyWhatWasWritten) {
  std::vector<u8> ram(0x100);
  testing::RecordingDirtyLog log(0x1000, ram.size());
  const GuestMemory memory(0x1000, ram, &log);
  ASSERT_TRUE(memory.write_as<u16>(0x1010, 1));
  ASSERT_TRUE(memory.store<u32>(0x1020, 1));
  ASSERT_FALSE(memory.write_as<u16>(0x10ff, 1));
  ASSERT_TRUE(memory.write(0x1040, {}));
  memory.mark_written(0x10ff, 2); // not in RAM: nothing to report
  std::vector<bool> expected(ram.size());
  for (const size_t i : {0x10, 0x11, 0x20, 0x21, 0x22, 0x23}) {
    expected[i] = true;
  }
  EXPECT_EQ(log.dirty(), expected);
}

} // namespace
} // namespace kindling::devices
