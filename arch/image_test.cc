// SPDX-License-Identifier: Apache-2.0
#include "arch/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace kindling::arch {
namespace {

using testing::HasSubstr;

std::vector<u8> make_header(u64 text_offset, u64 image_size, u64 flags) {
  std::vector<u8> bytes(kImageHeaderSize, 0);
  const u32 code[2] = {0x91005a4d, 0x14000001};
  std::memcpy(bytes.data(), code, 8);
  std::memcpy(bytes.data() + 8, &text_offset, 8);
  std::memcpy(bytes.data() + 16, &image_size, 8);
  std::memcpy(bytes.data() + 24, &flags, 8);
  std::memcpy(bytes.data() + 56, "ARM\x64", 4);
  const u32 pe = 0x40;
  std::memcpy(bytes.data() + 60, &pe, 4);
  return bytes;
}

TEST(ImageHeader, EveryFieldIsRead) {
  auto bytes = make_header(0x80000, 0x123'4567, 0b1010);
  const u64 reserved[3] = {2, 3, 4};
  std::memcpy(bytes.data() + 32, reserved, 24);
  const auto header = parse_image_header(bytes);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->code0, 0x91005a4dU);
  EXPECT_EQ(header->code1, 0x14000001U);
  EXPECT_EQ(header->text_offset, 0x80000U);
  EXPECT_EQ(header->image_size, 0x1234567U);
  EXPECT_EQ(header->flags, 0b1010U);
  EXPECT_EQ(header->res2, 2U);
  EXPECT_EQ(header->res3, 3U);
  EXPECT_EQ(header->res4, 4U);
  EXPECT_EQ(header->pe_offset, 0x40U);
  EXPECT_FALSE(header->big_endian());
  EXPECT_EQ(header->page_size(), ImagePageSize::k4K);
  EXPECT_TRUE(header->anywhere());
}

TEST(ImageHeader, PageSizes) {
  EXPECT_EQ(parse_image_header(make_header(0, 1, 0))->page_size(), ImagePageSize::kUnspecified);
  EXPECT_EQ(parse_image_header(make_header(0, 1, 4))->page_size(), ImagePageSize::k16K);
  EXPECT_EQ(parse_image_header(make_header(0, 1, 6))->page_size(), ImagePageSize::k64K);
}

TEST(ImageHeader, RefusesShortForeignAndBigEndianFiles) {
  auto bytes = make_header(0, 0x1000, 0);
  bytes.resize(63);
  EXPECT_THAT(parse_image_header(bytes).error().message, HasSubstr("63 bytes"));
  EXPECT_FALSE(parse_image_header({}).ok());
  bytes = make_header(0, 0x1000, 0);
  bytes[56] = 'X';
  EXPECT_THAT(parse_image_header(bytes).error().message, HasSubstr("magic"));
  EXPECT_THAT(parse_image_header(make_header(0, 0x1000, 1)).error().message,
              HasSubstr("big-endian"));
}

TEST(ImagePlacement, FollowsTheHeader) {
  const auto placement = place_image(*parse_image_header(make_header(0x1000, 0x9000, 2)), 0x5000);
  ASSERT_TRUE(placement.ok());
  EXPECT_EQ(placement->offset, 0x1000U);
  EXPECT_EQ(placement->reserved_size, 0x9000U);
}

TEST(ImagePlacement, AFileLargerThanImageSizeIsReservedWhole) {
  const auto placement = place_image(*parse_image_header(make_header(0, 0x1000, 2)), 0x5000);
  ASSERT_TRUE(placement.ok());
  EXPECT_EQ(placement->reserved_size, 0x5000U);
}

TEST(ImagePlacement, OldKernelsWithoutASizeGoTo0x80000) {
  const auto placement = place_image(*parse_image_header(make_header(0x1234, 0, 0)), 0x5000);
  ASSERT_TRUE(placement.ok());
  EXPECT_EQ(placement->offset, 0x80000U);
  EXPECT_GT(placement->reserved_size, 0x5000U);
}

TEST(ImagePlacement, RefusesAbsurdNumbers) {
  EXPECT_FALSE(place_image(*parse_image_header(make_header(2 << 20, 1, 0)), 1).ok());
  EXPECT_FALSE(place_image(*parse_image_header(make_header(0, ~0ULL, 0)), 1).ok());
}

TEST(ImageSniff, TellsKindsApart) {
  EXPECT_EQ(sniff_image(make_header(0, 1, 0)), ImageKind::kArm64Image);
  EXPECT_EQ(sniff_image(std::vector<u8>{0x1f, 0x8b, 8}), ImageKind::kGzip);
  EXPECT_EQ(sniff_image(std::vector<u8>{0x28, 0xb5, 0x2f, 0xfd}), ImageKind::kZstd);
  EXPECT_EQ(sniff_image(std::vector<u8>{0x7f, 'E', 'L', 'F'}), ImageKind::kElf);
  EXPECT_EQ(sniff_image(std::vector<u8>{'M', 'Z', 0, 0, 'z', 'i', 'm', 'g'}), ImageKind::kEfiZboot);
  std::vector<u8> bz(0x210, 0);
  std::memcpy(bz.data() + 0x202, "HdrS", 4);
  EXPECT_EQ(sniff_image(bz), ImageKind::kX86BzImage);
  EXPECT_EQ(sniff_image(std::vector<u8>{'#', '!'}), ImageKind::kUnknown);
  EXPECT_EQ(sniff_image({}), ImageKind::kUnknown);
}

TEST(ZbootHeader, PayloadMustLieInTheFile) {
  std::vector<u8> head(128, 0);
  head[8] = 64;
  head[12] = 64;
  const auto payload = parse_zboot_header(head, 128);
  ASSERT_TRUE(payload.ok());
  EXPECT_EQ(payload->offset, 64U);
  EXPECT_EQ(payload->size, 64U);
  EXPECT_FALSE(parse_zboot_header(head, 127).ok());
  head[11] = 0xff;
  EXPECT_FALSE(parse_zboot_header(head, 128).ok());
  EXPECT_FALSE(parse_zboot_header(std::span(head).first(63), 128).ok());
}

TEST(ImageFileSize, WithoutPeHeaderTheFirstBranchMustStayInTheFile) {
  auto header = *parse_image_header(make_header(0, 0x10000, 2));
  header.pe_offset = 0;
  header.code0 = 0x14000000 | 0x5000 / 4;
  EXPECT_EQ(*image_file_size(header, {}), 0x5004U);
  header.code0 = 0xd503201f;
  header.code1 = 0x14000000 | 0x6000 / 4;
  EXPECT_EQ(*image_file_size(header, {}), 0x6008U);
  header.code1 = 0x17ffffff; // backwards
  EXPECT_EQ(*image_file_size(header, {}), kImageHeaderSize);
}

TEST(ImageFileSize, PeSectionsMustLieInTheFile) {
  auto head = make_header(0, 0x10000, 2);
  head.resize(0x100, 0);
  const auto put32 = [&](size_t at, u32 value) { std::memcpy(head.data() + at, &value, 4); };
  put32(4, 0x14000001);
  put32(0x40, 0x00004550); // "PE\0\0"
  put32(0x44, 0x0001aa64); // one section
  put32(0x54, 0x20);       // of the optional header
  put32(0x40 + 24 + 0x20 + 16, 0x7000);
  put32(0x40 + 24 + 0x20 + 20, 0x1000);
  EXPECT_EQ(*image_file_size(*parse_image_header(head), head), 0x8000U);
  put32(0x44, 0x00018664);
  EXPECT_FALSE(image_file_size(*parse_image_header(head), head).ok());
}

} // namespace
} // namespace kindling::arch
