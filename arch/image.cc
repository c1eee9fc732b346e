// SPDX-License-Identifier: Apache-2.0
#include "arch/image.h"

#include <cstring>
#include <string>

#include "arch/bits.h"

namespace kindling::arch {

namespace {

u32 load32(std::span<const u8> bytes, size_t at) {
  return static_cast<u32>(bytes[at]) | static_cast<u32>(bytes[at + 1]) << 8 |
         static_cast<u32>(bytes[at + 2]) << 16 | static_cast<u32>(bytes[at + 3]) << 24;
}

u64 load64(std::span<const u8> bytes, size_t at) {
  return load32(bytes, at) | static_cast<u64>(load32(bytes, at + 4)) << 32;
}

bool has(std::span<const u8> file, size_t at, const void* text, size_t length) {
  return file.size() >= at + length && std::memcmp(file.data() + at, text, length) == 0;
}

// Kernels before 3.17 do not say how large their BSS is.
constexpr u64 kOldTextOffset = 0x8'0000;
constexpr u64 kOldBssAllowance = 16ULL << 20;
// No kernel has needed an image beyond this; a larger number is a damaged header.
constexpr u64 kMaxImageSize = 1ULL << 32;

} // namespace

Result<ImageHeader> parse_image_header(std::span<const u8> image) {
  if (image.size() < kImageHeaderSize) {
    return Error{"it is only " + std::to_string(image.size()) +
                 " bytes long, and the header of an arm64 Image alone has 64"};
  }
  ImageHeader header;
  header.code0 = load32(image, 0);
  header.code1 = load32(image, 4);
  header.text_offset = load64(image, 8);
  header.image_size = load64(image, 16);
  header.flags = load64(image, 24);
  header.res2 = load64(image, 32);
  header.res3 = load64(image, 40);
  header.res4 = load64(image, 48);
  header.magic = load32(image, 56);
  header.pe_offset = load32(image, 60);
  if (header.magic != kImageMagic) {
    return Error{"it lacks the magic number \"ARM\\x64\" at offset 56 that every arm64 Image has"};
  }
  if (header.image_size != 0 && header.big_endian()) {
    return Error{"it is a big-endian kernel; only little-endian ones can run here"};
  }
  return header;
}

Result<ImagePlacement> place_image(const ImageHeader& header, u64 file_size) {
  if (header.image_size == 0) {
    return ImagePlacement{kOldTextOffset, file_size + kOldBssAllowance, header};
  }
  if (header.text_offset >= kImageAlignment) {
    return Error{"its header asks for a text_offset of " + std::to_string(header.text_offset) +
                 " bytes; it must be below 2 MiB"};
  }
  if (header.image_size > kMaxImageSize) {
    return Error{"its header claims an image_size of " + std::to_string(header.image_size) +
                 " bytes; at most 4 GiB make sense"};
  }
  // The file never exceeds image_size: that covers text, data and BSS. A signature may follow.
  const u64 reserved = header.image_size > file_size ? header.image_size : file_size;
  return ImagePlacement{header.text_offset, reserved, header};
}

ImageKind sniff_image(std::span<const u8> file) {
  if (has(file, 56, "ARM\x64", 4)) {
    return ImageKind::kArm64Image;
  }
  if (has(file, 0, "\x1f\x8b", 2)) {
    return ImageKind::kGzip;
  }
  if (has(file, 0, "\x28\xb5\x2f\xfd", 4)) {
    return ImageKind::kZstd;
  }
  if (has(file, 0, "MZ\0\0zimg", 8)) {
    return ImageKind::kEfiZboot;
  }
  if (has(file, 0,
          "\x7f"
          "ELF",
          4)) {
    return ImageKind::kElf;
  }
  if (has(file, 0x202, "HdrS", 4)) {
    return ImageKind::kX86BzImage;
  }
  return ImageKind::kUnknown;
}

Result<ZbootPayload> parse_zboot_header(std::span<const u8> head, u64 file_size) {
  if (head.size() < kImageHeaderSize) {
    return Error{"it ends within its EFI header"};
  }
  const ZbootPayload payload{load32(head, 8), load32(head, 12)};
  if (payload.offset > file_size || payload.size > file_size - payload.offset) {
    return Error{"its EFI header points to a payload beyond its end; it is truncated"};
  }
  return payload;
}

namespace {

// B <label>, and where it goes for an instruction at `at`; 0 for anything else or a way backwards.
u64 branch_target(u32 instruction, u64 at) {
  if (bits(instruction, 31, 26) != 0b000101) {
    return 0;
  }
  const i64 target = static_cast<i64>(at) + sign_extend(bits(instruction, 25, 0), 26) * 4;
  return target > 0 ? static_cast<u64>(target) : 0;
}

} // namespace

Result<u64> image_file_size(const ImageHeader& header, std::span<const u8> head) {
  // Either code0 or, with an EFI stub whose "MZ" is code0, code1 jumps to the kernel's entry.
  u64 size = kImageHeaderSize;
  for (const u64 target : {branch_target(header.code0, 0), branch_target(header.code1, 4)}) {
    size = target + 4 > size ? target + 4 : size;
  }
  const u64 pe = header.pe_offset;
  constexpr u64 kCoffSize = 24; // signature and file header
  if (pe == 0 || pe + kCoffSize > head.size() || !has(head, pe, "PE\0\0", 4)) {
    return size;
  }
  constexpr u32 kMachineArm64 = 0xaa64;
  const u32 machine = load32(head, pe + 4) & 0xffff;
  if (machine != kMachineArm64) {
    return Error{"its PE header says that it is for another architecture than arm64"};
  }
  const u32 sections = load32(head, pe + 4) >> 16;
  const u32 optional_size = load32(head, pe + 20) & 0xffff;
  constexpr u64 kSectionSize = 40;
  for (u32 i = 0; i < sections; ++i) {
    const u64 section = pe + kCoffSize + optional_size + i * kSectionSize;
    if (section + kSectionSize > head.size()) {
      break;
    }
    const u64 end = static_cast<u64>(load32(head, section + 16)) + load32(head, section + 20);
    size = end > size ? end : size;
  }
  return size;
}

} // namespace kindling::arch
