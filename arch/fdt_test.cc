// SPDX-License-Identifier: Apache-2.0
#include "arch/fdt.h"

#include <cstdio>
#include <string>

#include <gtest/gtest.h>
#include <libfdt.h>

#include "arch/testing/temporary_directory.h"

namespace kindling::arch {
namespace {

std::string text_of(const void* tree, int node, const char* name) {
  int length = 0;
  const void* value = fdt_getprop(tree, node, name, &length);
  return value == nullptr ? "(none)" : std::string(static_cast<const char*>(value), length);
}

FdtBuilder machine() {
  FdtBuilder fdt;
  fdt.reserve(0x4000'0000, 0x1000);
  fdt.begin_node("");
  fdt.property_string("compatible", "linux,dummy-virt");
  fdt.property_u32("#address-cells", 2);
  fdt.property_u32("#size-cells", 2);
  const u32 clock = fdt.new_phandle();
  fdt.begin_node("clock");
  fdt.property_string("compatible", "fixed-clock");
  fdt.property_u32("#clock-cells", 0);
  fdt.property_u32("clock-frequency", 24'000'000);
  fdt.property_phandle(clock);
  fdt.end_node();
  fdt.begin_node("rtc", 0x900'1000);
  fdt.property_strings("compatible", {"arm,pl031", "arm,primecell"});
  fdt.property_pairs("reg", {0x900'1000, 0x1000});
  fdt.property_cells("clocks", {clock});
  fdt.property_string("clock-names", "apb_pclk");
  fdt.property_empty("dma-coherent");
  fdt.end_node();
  fdt.end_node();
  return fdt;
}

TEST(FdtBuilder, WritesWhatLibfdtReadsBack) {
  const auto tree = machine().finish();
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  const void* blob = tree->data();
  ASSERT_EQ(fdt_check_full(blob, tree->size()), 0);
  EXPECT_EQ(fdt_totalsize(blob), tree->size());

  const int root = fdt_path_offset(blob, "/");
  EXPECT_EQ(text_of(blob, root, "compatible"), std::string("linux,dummy-virt") + '\0');
  const int rtc = fdt_path_offset(blob, "/rtc@9001000");
  ASSERT_GE(rtc, 0);
  EXPECT_EQ(text_of(blob, rtc, "reg"), std::string("\0\0\0\0\x09\0\x10\0\0\0\0\0\0\0\x10\0", 16));
  EXPECT_EQ(text_of(blob, rtc, "compatible"), std::string("arm,pl031\0arm,primecell\0", 24));
  EXPECT_EQ(text_of(blob, rtc, "dma-coherent"), "");
  EXPECT_EQ(text_of(blob, rtc, "absent"), "(none)");
  const int clock = fdt_path_offset(blob, "/clock");
  EXPECT_EQ(fdt_node_offset_by_phandle(blob, fdt_get_phandle(blob, clock)), clock);
  EXPECT_EQ(text_of(blob, rtc, "clocks"), text_of(blob, clock, "phandle"));

  u64 address = 0;
  u64 size = 0;
  ASSERT_EQ(fdt_num_mem_rsv(blob), 1);
  ASSERT_EQ(fdt_get_mem_rsv(blob, 0, &address, &size), 0);
  EXPECT_EQ(address, 0x4000'0000U);
  EXPECT_EQ(size, 0x1000U);
}

TEST(FdtBuilder, SatisfiesDtc) {
  const auto tree = machine().finish();
  ASSERT_TRUE(tree.ok());
  const TemporaryDirectory dir;
  const std::string path =
      dir.file("dtb", {reinterpret_cast<const char*>(tree->data()), tree->size()});
  const std::string command = "dtc -I dtb -O dts -o /dev/null " + path + " 2>&1";
  FILE* dtc = popen(command.c_str(), "r");
  ASSERT_NE(dtc, nullptr);
  std::string output;
  for (int c = fgetc(dtc); c != EOF; c = fgetc(dtc)) {
    output.push_back(static_cast<char>(c));
  }
  EXPECT_EQ(pclose(dtc), 0);
  EXPECT_EQ(output, "");
}

TEST(FdtBuilder, Grows) {
  FdtBuilder fdt;
  fdt.begin_node("");
  const std::vector<u8> block(1000, 0xa5);
  for (int i = 0; i < 500; ++i) {
    fdt.begin_node("node", i);
    fdt.property_bytes("data", block);
    fdt.end_node();
  }
  fdt.end_node();
  const auto tree = fdt.finish();
  ASSERT_TRUE(tree.ok()) << tree.error().message;
  ASSERT_EQ(fdt_check_full(tree->data(), tree->size()), 0);
  const int last = fdt_path_offset(tree->data(), "/node@1f3");
  EXPECT_EQ(text_of(tree->data(), last, "data"), std::string(1000, '\xa5'));
}

TEST(FdtBuilder, RefusesATreeTooLarge) {
  FdtBuilder fdt;
  fdt.begin_node("");
  fdt.property_bytes("data", std::vector<u8>(FdtBuilder::kMaxSize, 1));
  fdt.end_node();
  const auto tree = fdt.finish();
  ASSERT_FALSE(tree.ok());
  EXPECT_NE(tree.error().message.find("outgrew"), std::string::npos) << tree.error().message;
}

TEST(FdtBuilder, ReportsMisuse) {
  auto error_of = [](auto build) {
    FdtBuilder fdt;
    build(fdt);
    const auto tree = fdt.finish();
    return tree.ok() ? std::string() : tree.error().message;
  };
  EXPECT_NE(error_of([](FdtBuilder&) {}).find("no root"), std::string::npos);
  EXPECT_NE(error_of([](FdtBuilder& f) { f.begin_node(""); }).find("left open"), std::string::npos);
  EXPECT_NE(error_of([](FdtBuilder& f) { f.end_node(); }).find("not open"), std::string::npos);
  EXPECT_NE(error_of([](FdtBuilder& f) { f.property_u32("a", 1); }).find("open node"),
            std::string::npos);
  EXPECT_NE(error_of([](FdtBuilder& f) {
              f.begin_node("");
              f.property_string("bad name", "x");
            }).find("bad name"),
            std::string::npos);
  EXPECT_NE(error_of([](FdtBuilder& f) {
              f.begin_node("");
              f.reserve(0, 1);
            }).find("before its root"),
            std::string::npos);
  EXPECT_NE(error_of([](FdtBuilder& f) {
              f.begin_node("");
              f.end_node();
              f.begin_node("");
            }).find("one root"),
            std::string::npos);
  EXPECT_NE(error_of([](FdtBuilder& f) {
              f.begin_node("");
              f.property_string("a", std::string_view("x\0y", 3));
            }).find("NUL"),
            std::string::npos);
  // The caller's own error, and the first one wins.
  EXPECT_EQ(error_of([](FdtBuilder& f) {
              f.fail("first");
              f.end_node();
            }),
            "first");
}

} // namespace
} // namespace kindling::arch
