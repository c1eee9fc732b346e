// SPDX-License-Identifier: Apache-2.0
#include "spike/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spike/size.h"

namespace kindling::spike {
namespace {

using testing::HasSubstr;

Options parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "boot");
  auto parsed = parse_options(static_cast<int>(arguments.size()), arguments.data());
  EXPECT_TRUE(parsed.ok()) << parsed.error().message;
  return parsed.ok() ? std::get<Options>(*parsed) : Options{};
}

TEST(Size, UnitsAndPlainMebibytes) {
  EXPECT_EQ(*parse_size("512M"), 512ULL << 20);
  EXPECT_EQ(*parse_size("2G"), 2ULL << 30);
  EXPECT_EQ(*parse_size("2GiB"), 2ULL << 30);
  EXPECT_EQ(*parse_size("65536k"), 64ULL << 20);
  EXPECT_EQ(*parse_size("300"), 300ULL << 20);
  for (const char* wrong : {"", "M", "-1", "1.5G", "1X", "1MM", "99999999999999999999",
                            "18446744073709551615G", " 5"}) {
    EXPECT_FALSE(parse_size(wrong).ok()) << wrong;
  }
}

TEST(Options, Defaults) {
  const Options options = parse({"Image"});
  EXPECT_EQ(options.machine.kernel, "Image");
  EXPECT_EQ(options.machine.vcpus, 1U);
  EXPECT_EQ(options.machine.ram_size, 512ULL << 20);
  EXPECT_TRUE(options.machine.disks.empty());
  EXPECT_FALSE(options.machine.initramfs.has_value());
  EXPECT_EQ(options.machine.command_line, "console=ttyS0 earlycon");
  EXPECT_EQ(options.log_level, vmm::LogLevel::kWarn);
}

TEST(Options, TheRootFileSystemIsTheFirstDisk) {
  const Options options =
      parse({"--disk", "a,,b.img,ro,id=data", "Image", "root.ext4", "--disk", "c", "--smp", "4"});
  ASSERT_EQ(options.machine.disks.size(), 3U);
  EXPECT_EQ(options.machine.disks[0].path, "root.ext4");
  EXPECT_FALSE(options.machine.disks[0].read_only);
  EXPECT_EQ(options.machine.disks[1].path, "a,b.img");
  EXPECT_TRUE(options.machine.disks[1].read_only);
  EXPECT_EQ(options.machine.disks[1].id, "data");
  EXPECT_EQ(options.machine.disks[2].path, "c");
  EXPECT_EQ(options.machine.command_line, "console=ttyS0 earlycon root=/dev/vda rw");
  EXPECT_EQ(options.machine.vcpus, 4U);
}

TEST(Options, CommandLineIsReplacedAndAppendedTo) {
  EXPECT_EQ(parse({"Image", "--append", "quiet x=1", "--append", "y"}).machine.command_line,
            "console=ttyS0 earlycon quiet x=1 y");
  EXPECT_EQ(parse({"Image", "--cmdline", "a b"}).machine.command_line, "a b");
  EXPECT_EQ(parse({"Image", "--cmdline", "", "--append", "c"}).machine.command_line, "c");
  EXPECT_EQ(parse({"Image", "--cmdline=--odd"}).machine.command_line, "--odd");
}

TEST(Options, EnginePerfAndStatistics) {
  const Options defaults = parse({"Image"});
  EXPECT_EQ(defaults.machine.engine, arch::EngineOptions{});
  EXPECT_FALSE(defaults.machine.statistics);
  EXPECT_TRUE(parse({"--lockstep", "Image"}).machine.engine.lockstep);
  EXPECT_FALSE(parse({"Image"}).machine.watch_by_faults);
  EXPECT_FALSE(parse({"--write-tracking", "auto", "Image"}).machine.watch_by_faults);
  EXPECT_TRUE(parse({"--write-tracking", "faults", "Image"}).machine.watch_by_faults);
  const Options options = parse({"--engine", "jit", "--perf", "jitdump", "--stats", "Image"});
  EXPECT_EQ(options.machine.engine.engine, arch::Engine::kJit);
  EXPECT_EQ(options.machine.engine.perf, arch::PerfFormat::kJitdump);
  EXPECT_TRUE(options.machine.statistics);
  EXPECT_EQ(parse({"--engine=interp", "Image"}).machine.engine.engine, arch::Engine::kInterpreter);
  EXPECT_EQ(parse({"--perf=map", "Image"}).machine.engine.perf, arch::PerfFormat::kMap);
}

TEST(Options, InstructionCounting) {
  EXPECT_FALSE(parse({"Image"}).machine.icount.has_value());
  const Options plain = parse({"--icount", "Image"});
  ASSERT_TRUE(plain.machine.icount.has_value());
  EXPECT_EQ(plain.machine.kernel, "Image");
  EXPECT_EQ(plain.machine.icount->shift, 0U);
  EXPECT_EQ(plain.machine.icount->seed, 0U);
  EXPECT_FALSE(plain.machine.report);
  const Options all =
      parse({"Image", "--icount=3", "--seed", "18446744073709551615", "--icount-report"});
  ASSERT_TRUE(all.machine.icount.has_value());
  EXPECT_EQ(all.machine.icount->shift, 3U);
  EXPECT_EQ(all.machine.icount->seed, ~0ULL);
  EXPECT_TRUE(all.machine.report);
}

TEST(Options, DiskErrorsShowTheForm) {
  EXPECT_THAT(parse_disk("x,foo").error().message, HasSubstr("FILE[,ro][,id=NAME]"));
  EXPECT_THAT(parse_disk("x,id=").error().message, HasSubstr("1 to 20"));
  EXPECT_EQ(parse_disk("x,id=12345678901234567890")->id.size(), 20U);
}

TEST(OptionsTest, PrefetchingIsForClones) {
  const auto prefetch = [](const char* option) {
    return parse({"--restore", "base", option}).machine.prefetch;
  };
  EXPECT_FALSE(prefetch("--prefetch").value().anew);
  EXPECT_TRUE(prefetch("--prefetch=20").value().anew);
  EXPECT_EQ(prefetch("--prefetch=20").value().recorded, std::chrono::milliseconds(20));
}

} // namespace
} // namespace kindling::spike
