// SPDX-License-Identifier: Apache-2.0
// The header of an arm64 Linux kernel Image, as the kernel's "Booting AArch64 Linux" document
// describes it (section 3, Call the kernel image). Pure parsing; nothing here touches memory of a
// guest.
#pragma once

#include <span>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::arch {

inline constexpr u64 kImageHeaderSize = 64;
inline constexpr u32 kImageMagic = 0x644d'5241; // "ARM\x64", little endian
inline constexpr u64 kImageAlignment = 2ULL << 20;

// What the kernel was built for. kUnspecified: an older kernel that does not say.
enum class ImagePageSize : u8 { kUnspecified = 0, k4K = 1, k16K = 2, k64K = 3 };

// The 64-byte header, field for field.
struct ImageHeader {
  u32 code0 = 0;       // executable code
  u32 code1 = 0;       // executable code
  u64 text_offset = 0; // load offset from a 2 MiB aligned base
  u64 image_size = 0;  // bytes the kernel needs from its start, BSS included; 0 before Linux 3.17
  u64 flags = 0;
  u64 res2 = 0;
  u64 res3 = 0;
  u64 res4 = 0;
  u32 magic = 0;
  u32 pe_offset = 0; // of the PE/COFF header; 0 without an EFI stub

  [[nodiscard]] bool big_endian() const { return (flags & 1) != 0; }
  [[nodiscard]] ImagePageSize page_size() const {
    return static_cast<ImagePageSize>((flags >> 1) & 3);
  }
  // False: the base should be as close to the start of RAM as possible. True: any 2 MiB aligned
  // base in RAM will do.
  [[nodiscard]] bool anywhere() const { return (flags & 8) != 0; }
};

// Where a kernel goes and how much room it wants.
struct ImagePlacement {
  u64 offset = 0;        // of the Image's first byte from the 2 MiB aligned base
  u64 reserved_size = 0; // bytes from the first byte that must be free for it
  ImageHeader header;
};

// Reads the header of `image`, whole file or at least its first 64 bytes.
// Fails when it is too short, has another magic number, or is big endian.
Result<ImageHeader> parse_image_header(std::span<const u8> image);

// The placement of a kernel whose file is `file_size` bytes long. An image_size of 0 stands for a
// kernel before 3.17: text_offset is then taken to be 0x80000 whatever the header says, and the
// reserved size is the file plus an allowance for BSS.
// Fails when the header contradicts the file: larger file than image_size, absurd text_offset.
Result<ImagePlacement> place_image(const ImageHeader& header, u64 file_size);

// What a file that should be a kernel looks like from its first bytes.
enum class ImageKind : u8 {
  kArm64Image,
  kGzip,
  kZstd,
  kEfiZboot, // an EFI application that holds a compressed Image
  kElf,
  kX86BzImage,
  kUnknown,
};
ImageKind sniff_image(std::span<const u8> file);

// The compressed payload inside an EFI zboot image of `file_size` bytes that begins with `head`.
// Fails when the header points outside of the file.
struct ZbootPayload {
  u64 offset = 0;
  u64 size = 0;
};
Result<ZbootPayload> parse_zboot_header(std::span<const u8> head, u64 file_size);

// The least number of bytes that the file of a plain Image must have, from the section table of its
// PE header, or without one from where its first branch goes. `head` is the beginning of the file,
// 4 KiB or all of it. Fails when the PE header is one for another architecture.
Result<u64> image_file_size(const ImageHeader& header, std::span<const u8> head);

} // namespace kindling::arch
