// SPDX-License-Identifier: Apache-2.0
#include "vmm/loader/kernel.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

constexpr char kWanted[] = "an arm64 kernel Image";
// Enough for the Image header and the PE header with its section table.
constexpr u64 kHeadSize = 4096;

struct Source {
  std::optional<CompressedRange> compressed;
  std::vector<u8> head; // the first bytes of the Image itself
};

std::optional<Compression> compression_of(arch::ImageKind kind) {
  switch (kind) {
  case arch::ImageKind::kGzip: return Compression::kGzip;
  case arch::ImageKind::kZstd: return Compression::kZstd;
  default: return std::nullopt;
  }
}

Error wrong_kind(const InputFile& file, arch::ImageKind kind) {
  switch (kind) {
  case arch::ImageKind::kElf:
    return file.error("is an ELF file; the Image wanted is in arch/arm64/boot of the kernel's "
                      "build, or made by \"objcopy -O binary\"");
  case arch::ImageKind::kX86BzImage:
    return file.error("is an x86 kernel (bzImage); an arm64 kernel Image is wanted");
  default:
    return file.error("is not a kernel; an arm64 Image is wanted, plain or compressed with gzip "
                      "or zstd");
  }
}

Result<std::vector<u8>> read_head(const InputFile& file, u64 offset, u64 size) {
  std::vector<u8> head(std::min(size, kHeadSize));
  const auto got = file.read(offset, head);
  if (!got) {
    return got.error();
  }
  head.resize(*got);
  return head;
}

Result<Source> find_compressed(const InputFile& file, const CompressedRange& range) {
  Source source;
  source.compressed = range;
  source.head.resize(kHeadSize);
  const auto inflated = inflate_into(file, range, source.head);
  if (!inflated) {
    return inflated.error();
  }
  source.head.resize(inflated->size);
  const auto kind = arch::sniff_image(source.head);
  if (kind != arch::ImageKind::kArm64Image) {
    return wrong_kind(file, kind).with_context("once decompressed, " + file.path());
  }
  return source;
}

Result<Source> find_image(const InputFile& file) {
  auto head = read_head(file, 0, file.size());
  if (!head) {
    return head.error();
  }
  const arch::ImageKind kind = arch::sniff_image(*head);
  if (kind == arch::ImageKind::kArm64Image) {
    return Source{std::nullopt, std::move(*head)};
  }
  if (const auto compression = compression_of(kind)) {
    return find_compressed(file, {0, file.size(), *compression});
  }
  if (kind != arch::ImageKind::kEfiZboot) {
    return wrong_kind(file, kind);
  }
  const auto payload = arch::parse_zboot_header(*head, file.size());
  if (!payload) {
    return file.error(payload.error().message);
  }
  const auto start = read_head(file, payload->offset, payload->size);
  if (!start) {
    return start.error();
  }
  const auto compression = compression_of(arch::sniff_image(*start));
  if (!compression) {
    return file.error("is an EFI zboot image compressed in another way than gzip or zstd; a plain "
                      "Image is wanted");
  }
  return find_compressed(file, {payload->offset, payload->size, *compression});
}

} // namespace

Result<Kernel> Kernel::open(const std::string& path, u64 ram_size) {
  auto file = InputFile::open(path, kWanted);
  if (!file) {
    return file.error();
  }
  const auto source = find_image(*file);
  if (!source) {
    return source.error();
  }
  const auto header = arch::parse_image_header(source->head);
  if (!header) {
    return file->error(header.error().message);
  }
  const u64 file_size = source->compressed ? 0 : file->size();
  if (!source->compressed) {
    const auto needed = arch::image_file_size(*header, source->head);
    if (!needed) {
      return file->error(needed.error().message);
    }
    if (*needed > file_size) {
      return file->error(fmt::format("is truncated: it has {} bytes, and its header speaks of {}",
                                     file_size, *needed));
    }
  }
  const auto placement = arch::place_image(*header, file_size);
  if (!placement) {
    return file->error(placement.error().message);
  }
  Kernel kernel(std::move(*file), source->compressed, *placement);
  if (Status s = arch::check_kernel_placement(ram_size, kernel.range()); !s) {
    return kernel.file_.error(s.error().message);
  }
  return kernel;
}

Status Kernel::load(std::span<u8> ram) const {
  const u64 offset = range().base - arch::kRamBase;
  const u64 room = std::min<u64>(range().size, ram.size() - offset);
  const auto to = ram.subspan(offset, room);
  if (compressed_) {
    const auto inflated = inflate_into(file_, *compressed_, to);
    if (!inflated) {
      return inflated.error();
    }
    if (!inflated->complete) {
      return file_.error(
          fmt::format("inflates to more than the {} bytes that its header speaks of", room));
    }
    return {};
  }
  const auto got = file_.read(0, to.first(std::min<u64>(to.size(), file_.size())));
  if (!got) {
    return got.error();
  }
  if (*got < file_.size()) {
    return file_.error("became shorter while it was read");
  }
  return {};
}

} // namespace kindling::vmm
