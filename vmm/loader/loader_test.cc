// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include <zlib.h>
#include <zstd.h>

#include "arch/testing/temporary_directory.h"
#include "vmm/loader/initramfs.h"
#include "vmm/loader/kernel.h"

namespace kindling::vmm {
namespace {

using testing::HasSubstr;

constexpr u64 kRam = 64 * arch::kMiB;

std::string gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// An Image of `size` bytes whose first instruction jumps to its last.
std::string make_image(u64 size, u64 image_size, u64 text_offset = 0) {
  std::string image(size, '\0');
  for (size_t i = 64; i < size; ++i) {
    image[i] = static_cast<char>(i * 7 >> 3);
  }
  const u32 code0 = 0x14000000 | static_cast<u32>(size / 4 - 1);
  std::memcpy(image.data(), &code0, 4);
  std::memcpy(image.data() + 8, &text_offset, 8);
  std::memcpy(image.data() + 16, &image_size, 8);
  image[24] = 0xa;
  std::memcpy(image.data() + 56, "ARM\x64", 4);
  return image;
}

std::string cpio_entry(const std::string& name, const std::string& data) {
  char header[111];
  std::snprintf(header, sizeof(header),
                "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x", 1, 0100755, 0, 0, 1,
                0, data.size(), 0, 0, 0, 0, name.size() + 1, 0);
  std::string out = header + name + '\0';
  out.resize((out.size() + 3) / 4 * 4, '\0');
  out += data;
  out.resize((out.size() + 3) / 4 * 4, '\0');
  return out;
}

std::string make_cpio() {
  return cpio_entry("init", "#!/bin/sh\n") + cpio_entry("TRAILER!!!", "");
}

class LoaderTest : public testing::Test {
protected:
  std::string file(const std::string& content) {
    return dir_.file(std::to_string(files_++), content);
  }
  std::string kernel_error(const std::string& content, u64 ram = kRam) {
    const auto kernel = Kernel::open(file(content), ram);
    return kernel ? "no error" : kernel.error().message;
  }
  std::string initramfs_error(const std::string& content) {
    const auto initramfs = Initramfs::open(file(content));
    if (!initramfs) {
      return initramfs.error().message;
    }
    const Status rest = initramfs->check();
    return rest ? "no error" : rest.error().message;
  }
  void expect_loads(const std::string& content, const std::string& image) {
    const auto kernel = Kernel::open(file(content), kRam);
    ASSERT_TRUE(kernel.ok()) << kernel.error().message;
    EXPECT_EQ(kernel->range(), (arch::AddressRange{arch::kRamBase + 0x1000, 0x20000}));
    std::vector<u8> ram(kRam);
    ASSERT_TRUE(kernel->load(ram).ok());
    EXPECT_EQ(std::memcmp(ram.data() + 0x1000, image.data(), image.size()), 0);
    EXPECT_EQ(ram[0xfff], 0);
    EXPECT_EQ(ram[0x1000 + image.size()], 0);
  }

  TemporaryDirectory dir_;
  unsigned files_ = 0;
};

TEST_F(LoaderTest, PlainAndCompressedImagesLoadAlike) {
  const std::string image = make_image(0x9000, 0x20000, 0x1000);
  expect_loads(image, image);
  expect_loads(gzip(image), image);
  expect_loads(zstd(image), image);
}

TEST_F(LoaderTest, EfiZbootImagesLoad) {
  const std::string image = make_image(0x9000, 0x20000, 0x1000);
  const std::string packed = gzip(image);
  std::string zboot(256, '\0');
  std::memcpy(zboot.data(), "MZ\0\0zimg", 8);
  const u32 where[2] = {256, static_cast<u32>(packed.size())};
  std::memcpy(zboot.data() + 8, where, 8);
  expect_loads(zboot + packed + "trailing", image);
}

TEST_F(LoaderTest, KernelErrorsSayWhatIsWrong) {
  EXPECT_THAT(Kernel::open(dir_.path("missing"), kRam).error().message,
              HasSubstr("missing: cannot be opened: No such file"));
  EXPECT_THAT(Kernel::open(dir_.path(), kRam).error().message, HasSubstr("is a directory"));
  EXPECT_THAT(kernel_error(""), HasSubstr("is empty"));
  EXPECT_THAT(kernel_error("#!/bin/sh\n"), HasSubstr("is not a kernel"));
  EXPECT_THAT(kernel_error("\x7f"
                           "ELF and so on"),
              HasSubstr("is an ELF file"));
  std::string bz(0x210, '\0');
  std::memcpy(bz.data() + 0x202, "HdrS", 4);
  EXPECT_THAT(kernel_error(bz), HasSubstr("is an x86 kernel"));
  EXPECT_THAT(kernel_error(gzip("no kernel at all")), HasSubstr("once decompressed"));
}

TEST_F(LoaderTest, TruncatedAndDamagedKernelsAreFound) {
  const std::string image = make_image(0x90000, 0xa0000);
  EXPECT_THAT(kernel_error(image.substr(0, 0x8fffc)), HasSubstr("truncated"));
  EXPECT_THAT(kernel_error(image.substr(0, 60)), HasSubstr("only 60 bytes"));
  for (const std::string& packed : {gzip(image), zstd(image)}) {
    const auto kernel = Kernel::open(file(packed.substr(0, packed.size() - 9)), kRam);
    ASSERT_TRUE(kernel.ok());
    std::vector<u8> ram(kRam);
    EXPECT_THAT(kernel->load(ram).error().message, HasSubstr("truncated"));
  }
  std::string damaged = gzip(image);
  damaged[damaged.size() - 6] ^= 1; // checksum
  std::vector<u8> ram(kRam);
  EXPECT_THAT(Kernel::open(file(damaged), kRam)->load(ram).error().message, HasSubstr("damaged"));
}

TEST_F(LoaderTest, AKernelLargerThanItSaysIsRefused) {
  const std::string image = make_image(0x9000, 0x8000);
  std::vector<u8> ram(kRam);
  const auto kernel = Kernel::open(file(gzip(image)), kRam);
  ASSERT_TRUE(kernel.ok());
  EXPECT_THAT(kernel->load(ram).error().message, HasSubstr("inflates to more than"));
}

TEST_F(LoaderTest, AKernelTooLargeForRamIsRefused) {
  const auto message = kernel_error(make_image(0x9000, 63 * arch::kMiB), kRam);
  EXPECT_NE(message, "no error");
}

TEST_F(LoaderTest, InitramfsFormsAreAccepted) {
  const std::string cpio = make_cpio();
  EXPECT_EQ(initramfs_error(cpio), "no error");
  EXPECT_EQ(initramfs_error(gzip(cpio)), "no error");
  EXPECT_EQ(initramfs_error(zstd(cpio)), "no error");
  EXPECT_EQ(initramfs_error(cpio + std::string(512, '\0') + gzip(cpio) + gzip(cpio)), "no error");
  EXPECT_EQ(initramfs_error(std::string("\xfd"
                                        "7zXZ\0 and so on",
                                        16)),
            "no error");
}

TEST_F(LoaderTest, InitramfsErrorsSayWhatIsWrong) {
  const std::string cpio = make_cpio();
  EXPECT_THAT(Initramfs::open(dir_.path("missing")).error().message,
              HasSubstr("--initramfs: " + dir_.path("missing") + ": cannot be opened"));
  EXPECT_THAT(initramfs_error(""), HasSubstr("is empty"));
  EXPECT_THAT(initramfs_error("hello"), HasSubstr("is not an initramfs"));
  EXPECT_THAT(initramfs_error(cpio.substr(0, 120)), HasSubstr("truncated"));
  EXPECT_THAT(initramfs_error(cpio.substr(0, cpio.size() - 124)), HasSubstr("truncated"));
  EXPECT_THAT(initramfs_error(gzip(cpio).substr(0, 40)), HasSubstr("truncated"));
  EXPECT_THAT(initramfs_error(zstd(cpio).substr(0, 20)), HasSubstr("truncated"));
  std::string damaged = cpio;
  damaged[60] = 'x';
  EXPECT_THAT(initramfs_error(damaged), HasSubstr("damaged"));
  EXPECT_THAT(initramfs_error(cpio + "garbage"), HasSubstr("neither padding nor"));
}

TEST_F(LoaderTest, OnlyPlainArchivesAreCheckedOnOpening) {
  const std::string cpio = make_cpio();
  EXPECT_FALSE(Initramfs::open(file(cpio.substr(0, 120))).ok());
  EXPECT_TRUE(Initramfs::open(file(cpio))->checked());
  for (const std::string& packed : {gzip(cpio), zstd(cpio)}) {
    const auto cut = Initramfs::open(file(cpio + packed.substr(0, packed.size() / 2)));
    ASSERT_TRUE(cut.ok());
    EXPECT_FALSE(cut->checked());
    EXPECT_THAT(cut->check().error().message, HasSubstr("truncated"));
    std::stop_source stop;
    stop.request_stop();
    EXPECT_TRUE(cut->check(stop.get_token()).ok());
  }
}

TEST_F(LoaderTest, InitramfsIsPlacedAndLoaded) {
  const std::string cpio = make_cpio();
  const auto initramfs = Initramfs::open(file(cpio));
  ASSERT_TRUE(initramfs.ok());
  const auto where = initramfs->place(kRam, {arch::kRamBase, arch::kMiB});
  ASSERT_TRUE(where.ok());
  EXPECT_EQ(where->size, cpio.size());
  std::vector<u8> ram(kRam);
  ASSERT_TRUE(initramfs->load(ram, *where).ok());
  EXPECT_EQ(std::memcmp(ram.data() + (where->base - arch::kRamBase), cpio.data(), cpio.size()), 0);
  const auto no_room = initramfs->place(kRam, {arch::kRamBase, kRam});
  ASSERT_FALSE(no_room.ok());
  EXPECT_THAT(no_room.error().message, HasSubstr("--initramfs"));
}

} // namespace
} // namespace kindling::vmm
