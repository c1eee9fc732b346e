// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/initramfs.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "arch/bits.h"
#include "vmm/loader/inflate.h"

namespace kindling::vmm {

namespace {

constexpr char kWanted[] = "an initramfs (a cpio archive, plain or compressed)";
constexpr u64 kCpioHeaderSize = 110;
constexpr u64 kMaxNameSize = 4096;
constexpr std::string_view kTrailer = "TRAILER!!!";

// Compressed forms that a kernel may understand and that are not looked into here.
constexpr std::string_view kOtherMagics[] = {
    std::string_view("\xfd"
                     "7zXZ\0",
                     6),
    std::string_view("BZh", 3),
    std::string_view("\x02\x21\x4c\x18", 4),
    std::string_view("\x89LZO", 4),
    std::string_view("\x5d\0\0", 3),
};

bool starts_with(std::span<const u8> bytes, std::string_view magic) {
  return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

std::optional<u64> parse_hex8(std::span<const u8> digits) {
  u64 value = 0;
  for (const u8 c : digits.first(8)) {
    const u8 lower = c | 0x20;
    if (c >= '0' && c <= '9') {
      value = value << 4 | static_cast<u64>(c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      value = value << 4 | static_cast<u64>(lower - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

// Walks one newc archive from `offset`; returns the offset behind its trailer.
Result<u64> walk_cpio(const InputFile& file, u64 offset) {
  const auto truncated = [&] {
    return file.error("its cpio archive ends in the middle; the file is truncated");
  };
  std::array<u8, kCpioHeaderSize + kTrailer.size()> header{};
  for (;;) {
    const auto got = file.read(offset, header);
    if (!got) {
      return got.error();
    }
    if (*got < kCpioHeaderSize) {
      return truncated();
    }
    const auto file_size = parse_hex8(std::span(header).subspan(54));
    const auto name_size = parse_hex8(std::span(header).subspan(94));
    const bool magic = starts_with(header, "070701") || starts_with(header, "070702");
    if (!magic || !file_size || !name_size || *name_size == 0 || *name_size > kMaxNameSize) {
      return file.error(fmt::format("its cpio archive is damaged at byte {}", offset));
    }
    const u64 data = arch::align_up(offset + kCpioHeaderSize + *name_size, 4);
    const u64 end = data + *file_size;
    if (end > file.size()) {
      return truncated();
    }
    if (*name_size == kTrailer.size() + 1 &&
        starts_with(std::span(header).subspan(kCpioHeaderSize), kTrailer)) {
      return end;
    }
    offset = arch::align_up(end, 4);
  }
}

// Decompresses for nothing but the errors.
Result<u64> inflate_one(const InputFile& file, u64 offset, Compression compression,
                        const std::stop_token& stop) {
  const auto end = inflate(file, {offset, file.size() - offset, compression},
                           [&](std::span<const u8>) { return !stop.stop_requested(); });
  if (!end) {
    return end.error();
  }
  return end->next;
}

enum class ArchiveKind : u8 { kCpio, kGzip, kZstd, kOther };

Result<ArchiveKind> look(const InputFile& file, u64 offset) {
  std::array<u8, 8> magic{};
  const auto got = file.read(offset, magic);
  if (!got) {
    return got.error();
  }
  const auto start = std::span(magic).first(*got);
  if (starts_with(start, "07070")) {
    return ArchiveKind::kCpio;
  }
  if (starts_with(start, "\x1f\x8b")) {
    return ArchiveKind::kGzip;
  }
  if (starts_with(start, "\x28\xb5\x2f\xfd")) {
    return ArchiveKind::kZstd;
  }
  for (const std::string_view other : kOtherMagics) {
    if (starts_with(start, other)) {
      return ArchiveKind::kOther;
    }
  }
  if (offset == 0) {
    return file.error(fmt::format("is not an initramfs; {} is wanted", kWanted + 3));
  }
  return file.error(fmt::format("has something behind its archive at byte {} that is neither "
                                "padding nor another archive",
                                offset));
}

// The next byte that is not padding.
Result<u64> skip_zeros(const InputFile& file, u64 offset) {
  std::array<u8, 4096> buffer{};
  for (;;) {
    const auto got = file.read(offset, buffer);
    if (!got) {
      return got.error();
    }
    const auto bytes = std::span(buffer).first(*got);
    const auto at = std::find_if(bytes.begin(), bytes.end(), [](u8 b) { return b != 0; });
    offset += static_cast<u64>(at - bytes.begin());
    if (at != bytes.end() || bytes.empty()) {
      return offset;
    }
  }
}

enum class Depth : u8 { kPlainOnly, kCompressed };

// Checks the archives from `offset` on. Returns where it came to: the end of the file, or the first
// compressed archive, if those are not to be looked into. Past an archive that cannot be looked
// into nothing is checked.
Result<u64> check_archives(const InputFile& file, u64 offset, Depth depth,
                           const std::stop_token& stop) {
  while (offset < file.size() && !stop.stop_requested()) {
    const auto kind = look(file, offset);
    if (!kind) {
      return kind.error();
    }
    if (*kind == ArchiveKind::kOther) {
      return file.size();
    }
    if (*kind != ArchiveKind::kCpio && depth == Depth::kPlainOnly) {
      return offset;
    }
    auto behind =
        *kind == ArchiveKind::kCpio
            ? walk_cpio(file, offset)
            : inflate_one(file, offset,
                          *kind == ArchiveKind::kGzip ? Compression::kGzip : Compression::kZstd,
                          stop);
    if (!behind || stop.stop_requested()) {
      return behind;
    }
    const auto next = skip_zeros(file, *behind);
    if (!next) {
      return next.error();
    }
    offset = *next;
  }
  return offset;
}

} // namespace

Result<Initramfs> Initramfs::open(const std::string& path) {
  auto file = InputFile::open(path, kWanted);
  if (!file) {
    return file.error().with_context("--initramfs");
  }
  const auto checked = check_archives(*file, 0, Depth::kPlainOnly, {});
  if (!checked) {
    return checked.error().with_context("--initramfs");
  }
  return Initramfs(std::move(*file), *checked);
}

Status Initramfs::check(const std::stop_token& stop) const {
  const auto checked = check_archives(file_, checked_, Depth::kCompressed, stop);
  return checked ? Status() : checked.error().with_context("--initramfs");
}

Result<arch::AddressRange> Initramfs::place(u64 ram_size, arch::AddressRange kernel) const {
  const auto address = arch::initramfs_address(ram_size, kernel, size());
  if (!address) {
    return file_.error(address.error().message).with_context("--initramfs");
  }
  return arch::AddressRange{*address, size()};
}

Status Initramfs::load(std::span<u8> ram, arch::AddressRange where) const {
  const auto got = file_.read(0, ram.subspan(where.base - arch::kRamBase, where.size));
  if (!got) {
    return got.error().with_context("--initramfs");
  }
  if (*got < where.size) {
    return file_.error("became shorter while it was read").with_context("--initramfs");
  }
  return {};
}

} // namespace kindling::vmm
