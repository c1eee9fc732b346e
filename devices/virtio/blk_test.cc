// SPDX-License-Identifier: Apache-2.0
// The block and entropy devices behind the MMIO transport, seen from a driver.
#include "devices/virtio/blk.h"

#include <gtest/gtest.h>

#include "devices/testing/fakes.h"
#include "devices/virtio/mmio.h"
#include "devices/virtio/rng.h"
#include "devices/virtio/testing/driver.h"
#include "devices/virtio/testing/memory_disk.h"

namespace kindling::devices::virtio {
namespace {

using devices::testing::FakeEventPort;
using devices::testing::IrqRecord;
using devices::testing::line_to;
using testing::Buffer;
using testing::DriverRing;
using testing::Used;

constexpr u64 kBase = 0x4000'0000;
constexpr u64 kHeader = kBase + 0x8000;
constexpr u64 kStatusByte = kBase + 0x8100;
constexpr u64 kData = kBase + 0x9000;
constexpr size_t kRam = 0x200000;
constexpr u64 kCommon = kFeatureVersion1 | kFeatureIndirect;

class Block : public ::testing::Test {
protected:
  explicit Block(bool read_only = false) {
    auto owned = std::make_unique<testing::MemoryDisk>(2048, read_only);
    disk = owned.get();
    for (size_t i = 0; i < disk->bytes.size(); ++i) {
      disk->bytes[i] = static_cast<u8>(i / 512 + i);
    }
    transport = std::make_unique<MmioTransport>(
        line_to(irq), std::make_unique<Blk>(std::move(owned), port, "disk-0"), memory);
    driver.emplace(*transport);
  }

  void start(u64 features = kCommon | kBlkFlush | kBlkDiscard | kBlkWriteZeroes) {
    ASSERT_TRUE(driver->negotiate(features));
    std::fill_n(ram.begin(), 0x7000, u8{0}); // rings of an earlier start
    ring.emplace(memory, kBase, 64);
    driver->set_queue(0, 64, *ring);
    driver->driver_ok();
  }
  void put_header(u32 type, u64 sector) {
    ring->put<u32>(kHeader, type);
    ring->put<u32>(kHeader + 4, 0);
    ring->put<u64>(kHeader + 8, sector);
    ring->put<u8>(kStatusByte, 0xee);
  }
  Used submit(std::vector<Buffer> buffers) {
    ring->add(0, std::move(buffers));
    driver->notify();
    return wait();
  }
  Used wait() {
    irq.wait_until_high();
    EXPECT_EQ(driver->acknowledge(), 1U);
    return ring->take().value_or(Used{~0U, ~0U});
  }
  // A request in the usual framing; the status byte.
  u8 request(u32 type, u64 sector, u32 length, bool device_writes) {
    put_header(type, sector);
    std::vector<Buffer> buffers = {{kHeader, 16}};
    if (length != 0) {
      buffers.push_back({kData, length, device_writes});
    }
    buffers.push_back({kStatusByte, 1, true});
    used = submit(buffers);
    return status();
  }
  u8 status() { return ring->get<u8>(kStatusByte); }
  bool data_is(u64 address, u64 disk_offset, size_t length) {
    return std::equal(ram.begin() + static_cast<long>(address - kBase),
                      ram.begin() + static_cast<long>(address - kBase + length),
                      disk->bytes.begin() + static_cast<long>(disk_offset));
  }
  void put_range(u32 index, u64 sector, u32 sectors, u32 flags) {
    ring->put<u64>(kData + 16 * index, sector);
    ring->put<u32>(kData + 16 * index + 8, sectors);
    ring->put<u32>(kData + 16 * index + 12, flags);
  }

  IrqRecord irq;
  FakeEventPort port;
  std::vector<u8> ram = std::vector<u8>(kRam);
  devices::testing::RecordingDirtyLog log{kBase, kRam};
  GuestMemory memory{kBase, ram, &log};
  testing::MemoryDisk* disk = nullptr;
  std::unique_ptr<MmioTransport> transport;
  std::optional<testing::Driver> driver;
  std::optional<DriverRing> ring;
  Used used;
};

class ReadOnlyBlock : public Block {
protected:
  ReadOnlyBlock() : Block(true) {}
};

TEST_F(Block, Identity) {
  EXPECT_EQ(driver->get(testing::kRegMagic), 0x74726976U);
  EXPECT_EQ(driver->get(testing::kRegVersion), 2U);
  EXPECT_EQ(driver->get(testing::kRegDeviceId), 2U);
  EXPECT_EQ(driver->device_features(), kFeatureVersion1 | kFeatureIndirect | kFeatureEventIndex |
                                           kBlkSegMax | kBlkBlockSize | kBlkFlush | kBlkDiscard |
                                           kBlkWriteZeroes);
  driver->set(testing::kRegDeviceFeaturesSel, 2);
  EXPECT_EQ(driver->get(testing::kRegDeviceFeatures), 0U);
  EXPECT_EQ(driver->get(testing::kRegQueueSizeMax), 256U);
  driver->set(testing::kRegQueueSel, 1);
  EXPECT_EQ(driver->get(testing::kRegQueueSizeMax), 0U);
  for (u64 reg = testing::kRegShmLenLow; reg < 0xc0; reg += 4) {
    EXPECT_EQ(driver->get(reg), ~0U);
  }
}

TEST_F(Block, ConfigurationSpace) {
  EXPECT_EQ(transport->read(0x100, 8), 2048U);
  EXPECT_EQ(driver->get(0x100), 2048U);
  EXPECT_EQ(driver->get(0x10c), Blk::kMaxSegments);
  EXPECT_EQ(driver->get(0x114), 512U);
  EXPECT_EQ(transport->read(0x115, 1), 2U);
  EXPECT_EQ(driver->get(0x124), Blk::kMaxZeroSectors);
  EXPECT_EQ(transport->read(0x138, 1), 1U);
  EXPECT_EQ(transport->read(0x13c, 8), 0U);
  EXPECT_EQ(transport->read(0xff8, 8), 0U);
  transport->write(0x100, 8, 1);
  EXPECT_EQ(transport->read(0x100, 8), 2048U);
  EXPECT_EQ(driver->get(testing::kRegConfigGeneration), 0U);
}

TEST_F(Block, ControlRegistersAre32BitsWide) {
  EXPECT_EQ(transport->read(testing::kRegMagic, 1), 0U);
  EXPECT_EQ(transport->read(testing::kRegMagic, 8), 0U);
  EXPECT_EQ(transport->read(1, 4), 0U);
  transport->write(testing::kRegStatus, 1, 1);
  EXPECT_EQ(driver->get(testing::kRegStatus), 0U);
}

TEST_F(Block, FeaturesMustBeOfferedAndModern) {
  EXPECT_FALSE(driver->negotiate(kCommon | 1ULL << 40));
  EXPECT_FALSE(driver->negotiate(kCommon | kBlkReadOnly));
  EXPECT_FALSE(driver->negotiate(kBlkFlush)) << "without VERSION_1";
  driver->driver_ok();
  EXPECT_EQ(driver->get(testing::kRegStatus), 3U) << "DRIVER_OK needs FEATURES_OK";
  EXPECT_TRUE(driver->negotiate(kCommon));
  driver->set_features(0);
  driver->set(testing::kRegStatus, 0x0b);
  start(kCommon);
  EXPECT_EQ(driver->get(testing::kRegStatus), 0x0fU);
  driver->set(testing::kRegStatus, 0x4b);
  EXPECT_EQ(driver->get(testing::kRegStatus), 0x0fU) << "no bit is cleared, nor is NEEDS_RESET set";
}

TEST_F(Block, QueueRegistersAreFixedOnceReady) {
  ASSERT_TRUE(driver->negotiate(kCommon));
  ring.emplace(memory, kBase, 64);
  driver->set_queue(0, 64, *ring);
  EXPECT_EQ(driver->get(testing::kRegQueueReady), 1U);
  driver->set(testing::kRegQueueSize, 3);
  driver->driver_ok();
  EXPECT_EQ(driver->get(testing::kRegStatus), 0x0fU);
  driver->set(testing::kRegQueueReady, 0);
  EXPECT_EQ(driver->get(testing::kRegQueueReady), 1U);
  EXPECT_EQ(request(kBlkIn, 0, 512, true), kBlkOk);
  driver->set(testing::kRegStatus, 0);
  EXPECT_EQ(driver->get(testing::kRegStatus), 0U);
  EXPECT_EQ(driver->get(testing::kRegQueueReady), 0U);
}

TEST_F(Block, BadQueueSetupNeedsReset) {
  ASSERT_TRUE(driver->negotiate(kCommon));
  ring.emplace(memory, kBase, 64);
  driver->set_queue(0, 63, *ring);
  driver->driver_ok();
  EXPECT_EQ(driver->get(testing::kRegStatus), 0x4fU);
  EXPECT_EQ(driver->get(testing::kRegInterruptStatus), 2U);
  EXPECT_TRUE(irq.high());
  driver->notify();
  start();
  EXPECT_FALSE(irq.high());
  EXPECT_EQ(request(kBlkIn, 0, 512, true), kBlkOk) << "as good as new after a reset";
}

TEST_F(Block, Reads) {
  start();
  EXPECT_EQ(request(kBlkIn, 3, 1024, true), kBlkOk);
  EXPECT_EQ(used.written, 1025U);
  EXPECT_TRUE(data_is(kData, 3 * 512, 1024));
  EXPECT_FALSE(irq.high()) << "acknowledged";
  EXPECT_EQ(request(kBlkIn, 0, 1 << 20, true), kBlkOk) << "more than one buffer";
  EXPECT_TRUE(data_is(kData, 0, 1 << 20));
  EXPECT_EQ(request(kBlkIn, 5, 0, true), kBlkOk) << "nothing";
}

TEST_F(Block, ReportsWhatItWroteToMemory) {
  start();
  EXPECT_EQ(request(kBlkIn, 3, 512, true), kBlkOk);
  const std::vector<bool> dirty = log.dirty();
  for (size_t i = 0x8100; i < ram.size(); ++i) {
    const bool expected = i == 0x8100 || (i >= 0x9000 && i < 0x9200);
    ASSERT_EQ(dirty[i], expected) << i;
  }
}

TEST_F(Block, Writes) {
  start();
  for (size_t i = 0; i < 1024; ++i) {
    ram[0x9000 + i] = static_cast<u8>(i * 7);
  }
  EXPECT_EQ(request(kBlkOut, 2046, 1024, false), kBlkOk);
  EXPECT_EQ(used.written, 1U);
  EXPECT_TRUE(data_is(kData, 2046 * 512, 1024));
  EXPECT_EQ(disk->flushes, 0);
  EXPECT_EQ(request(kBlkTypeFlush, 0, 0, false), kBlkOk);
  EXPECT_EQ(disk->flushes, 1);
}

TEST_F(Block, WritesThroughWithoutFlush) {
  start(kCommon);
  EXPECT_EQ(request(kBlkOut, 0, 512, false), kBlkOk);
  EXPECT_EQ(disk->flushes, 1);
}

TEST_F(Block, AnyFraming) {
  start();
  put_header(kBlkIn, 9);
  const Used result = submit({{kHeader, 1},
                              {kHeader + 1, 10},
                              {kHeader + 11, 5},
                              {kData, 100, true},
                              {kData + 100, 411, true},
                              {kData + 511, 2, true}});
  EXPECT_EQ(result.written, 513U);
  EXPECT_TRUE(data_is(kData, 9 * 512, 512));
  EXPECT_EQ(ring->get<u8>(kData + 512), kBlkOk) << "the last byte is the status";

  // Header and data in one descriptor, through an indirect table.
  put_header(kBlkOut, 1);
  const Buffer inner[] = {{kHeader, 16 + 512}, {kHeader + 16 + 512, 1, true}};
  ring->put_chain(kBase + 0x7000, 0, inner);
  ring->put_descriptor(ring->descriptors, 0, {kBase + 0x7000, 32}, testing::kFlagIndirect, 0);
  ring->offer(0);
  driver->notify();
  wait();
  EXPECT_EQ(ring->get<u8>(kHeader + 528), kBlkOk);
  EXPECT_TRUE(data_is(kHeader + 16, 512, 512));
}

TEST_F(Block, MalformedRequests) {
  start();
  EXPECT_EQ(request(kBlkIn, 0, 511, true), kBlkIoError);
  EXPECT_EQ(used.written, 0U) << "no data before the status byte";
  EXPECT_EQ(request(kBlkIn, 2048, 512, true), kBlkIoError);
  EXPECT_EQ(request(kBlkIn, 2047, 1024, true), kBlkIoError);
  EXPECT_EQ(request(kBlkIn, ~0ULL, 512, true), kBlkIoError);
  EXPECT_EQ(request(kBlkIn, 1ULL << 55, 512, true), kBlkIoError);
  EXPECT_EQ(request(kBlkOut, 2048, 512, false), kBlkIoError);
  EXPECT_EQ(request(kBlkOut, 0, 100, false), kBlkIoError);
  EXPECT_EQ(request(99, 0, 512, true), kBlkUnsupported);
  EXPECT_EQ(request(kBlkGetId, 0, 19, true), kBlkIoError);

  put_header(kBlkIn, 0);
  EXPECT_EQ(submit({{kHeader, 15}, {kStatusByte, 1, true}}).written, 0U + 1);
  EXPECT_EQ(status(), kBlkIoError) << "half a header";
  EXPECT_EQ(submit({{kStatusByte, 1, true}}).written, 1U);
  EXPECT_EQ(status(), kBlkIoError) << "no header";
  EXPECT_EQ(submit({{kHeader, 16}}).written, 0U) << "nowhere for a status";
  EXPECT_EQ(driver->get(testing::kRegStatus), 0x0fU) << "none of it breaks the device";
}

TEST_F(Block, HostErrors) {
  start();
  disk->fail = true;
  EXPECT_EQ(request(kBlkIn, 0, 512, true), kBlkIoError);
  EXPECT_EQ(request(kBlkOut, 0, 512, false), kBlkIoError);
  EXPECT_EQ(request(kBlkTypeFlush, 0, 0, false), kBlkIoError);
  put_range(0, 0, 1, 0);
  EXPECT_EQ(request(kBlkTypeDiscard, 0, 16, false), kBlkIoError);
}

TEST_F(Block, GetId) {
  start();
  ram[0x9000 + 10] = 0xff;
  EXPECT_EQ(request(kBlkGetId, 0, 20, true), kBlkOk);
  EXPECT_EQ(used.written, 21U);
  EXPECT_EQ(std::string(ram.begin() + 0x9000, ram.begin() + 0x9014),
            std::string("disk-0") + std::string(14, '\0'));
}

TEST_F(Block, DiscardAndWriteZeroes) {
  start();
  put_range(0, 10, 2, 0);
  put_range(1, 20, 1, 1);
  EXPECT_EQ(request(kBlkTypeWriteZeroes, 0, 32, false), kBlkOk);
  EXPECT_EQ(disk->zeroed,
            (std::vector<testing::MemoryDisk::Range>{{5120, 1024, false}, {10240, 512, true}}));
  put_range(0, 30, 4, 0);
  EXPECT_EQ(request(kBlkTypeDiscard, 0, 16, false), kBlkOk);
  EXPECT_EQ(disk->discarded, (std::vector<testing::MemoryDisk::Range>{{15360, 2048, true}}));

  put_range(0, 0, 1, 1);
  EXPECT_EQ(request(kBlkTypeDiscard, 0, 16, false), kBlkUnsupported) << "unmap of a discard";
  put_range(0, 0, 1, 2);
  EXPECT_EQ(request(kBlkTypeWriteZeroes, 0, 16, false), kBlkUnsupported) << "reserved flag";
  put_range(0, 2047, 2, 0);
  EXPECT_EQ(request(kBlkTypeWriteZeroes, 0, 16, false), kBlkIoError) << "off the end";
  put_range(0, ~0ULL, 1, 0);
  EXPECT_EQ(request(kBlkTypeDiscard, 0, 16, false), kBlkIoError);
  put_range(0, 0, 1, 0);
  EXPECT_EQ(request(kBlkTypeDiscard, 0, 15, false), kBlkIoError) << "half a range";
  EXPECT_EQ(request(kBlkTypeDiscard, 0, 0, false), kBlkIoError) << "no range";
  EXPECT_EQ(request(kBlkTypeDiscard, 0, 17 * 16, false), kBlkIoError) << "too many";
  EXPECT_EQ(disk->zeroed.size() + disk->discarded.size(), 3U);
}

TEST_F(Block, UnnegotiatedCommands) {
  start(kCommon);
  put_range(0, 0, 1, 0);
  EXPECT_EQ(request(kBlkTypeDiscard, 0, 16, false), kBlkUnsupported);
  EXPECT_EQ(request(kBlkTypeWriteZeroes, 0, 16, false), kBlkUnsupported);
}

TEST_F(ReadOnlyBlock, RefusesWrites) {
  EXPECT_EQ(driver->device_features() & (kBlkReadOnly | kBlkDiscard | kBlkWriteZeroes),
            kBlkReadOnly);
  EXPECT_EQ(driver->get(0x124), 0U);
  start(kCommon | kBlkReadOnly | kBlkFlush);
  const std::vector<u8> before = disk->bytes;
  EXPECT_EQ(request(kBlkIn, 0, 512, true), kBlkOk);
  EXPECT_EQ(request(kBlkOut, 0, 512, false), kBlkIoError);
  EXPECT_EQ(request(kBlkTypeFlush, 0, 0, false), kBlkOk);
  EXPECT_EQ(disk->bytes, before);
}

TEST_F(Block, BrokenRingNeedsReset) {
  start();
  ring->offer(64);
  driver->notify();
  irq.wait_until_high();
  EXPECT_EQ(driver->acknowledge(), 2U);
  EXPECT_EQ(driver->get(testing::kRegStatus), 0x4fU);
  driver->notify();
  start();
  EXPECT_EQ(request(kBlkIn, 0, 512, true), kBlkOk);
}

TEST_F(Block, PausedItLeavesTheQueueAlone) {
  start();
  transport->pause();
  put_header(kBlkIn, 0);
  ring->add(0, {{kHeader, 16}, {kData, 512, true}, {kStatusByte, 1, true}});
  driver->notify();
  const std::vector<u8> state = transport->save();
  EXPECT_FALSE(irq.high());
  EXPECT_EQ(ring->used_index(), 0);

  // The same machine from its saved state: what waits in the ring is served after resume.
  transport->reset();
  EXPECT_EQ(driver->get(testing::kRegStatus), 0U);
  ASSERT_TRUE(transport->restore(state).ok());
  EXPECT_EQ(transport->save(), state);
  EXPECT_EQ(driver->get(testing::kRegStatus), 0x0fU);
  transport->resume();
  wait();
  EXPECT_EQ(status(), kBlkOk);
  EXPECT_TRUE(data_is(kData, 0, 512));
}

TEST_F(Block, RefusesDamagedState) {
  start();
  transport->pause();
  const std::vector<u8> state = transport->save();
  for (size_t length = 0; length < state.size(); ++length) {
    EXPECT_FALSE(transport->restore(std::span(state).first(length)).ok()) << length;
    EXPECT_EQ(driver->get(testing::kRegStatus), 0U);
  }
  std::vector<u8> damaged = state;
  damaged[4] = 0x07; // DRIVER_OK without FEATURES_OK
  EXPECT_FALSE(transport->restore(damaged).ok());
  transport->resume();
}

TEST_F(Block, ResetWhileRequestsWait) {
  for (int round = 0; round < 50; ++round) {
    start();
    put_header(kBlkIn, 0);
    for (u16 i = 0; i < 16; ++i) {
      ring->add(static_cast<u16>(3 * i),
                {{kHeader, 16}, {kData, 4096, true}, {kStatusByte, 1, true}});
    }
    driver->notify();
    driver->set(testing::kRegStatus, 0);
    EXPECT_FALSE(irq.high());
    const u16 done = ring->used_index();
    EXPECT_EQ(ring->used_index(), done) << "nothing goes on behind the driver's back";
  }
}

TEST_F(Block, EventIndexUnderLoad) {
  start(kCommon | kFeatureEventIndex | kBlkFlush);
  put_header(kBlkIn, 7);
  for (u32 i = 0; i < 2000; ++i) {
    ring->set_used_event(ring->next_used);
    ring->add(static_cast<u16>(3 * (i % 16)),
              {{kHeader, 16}, {kData, 512, true}, {kStatusByte, 1, true}});
    if (static_cast<u16>(ring->next_avail - ring->avail_event() - 1) < 1) {
      driver->notify();
    }
    const Used one = wait();
    ASSERT_EQ(one.head, 3 * (i % 16));
    ASSERT_EQ(one.written, 513U);
  }
}

TEST_F(Block, AtASynchronousPortARequestIsDoneWhenItsNotificationReturns) {
  port.all_at_once = true;
  start();
  put_header(kBlkIn, 1);
  ring->add(0, {{kHeader, 16}, {kData, 512, true}, {kStatusByte, 1, true}});
  driver->notify();
  EXPECT_TRUE(irq.high());
  EXPECT_EQ(status(), kBlkOk);
  EXPECT_TRUE(data_is(kData, 512, 512));
  wait();
  // not while the device is paused
  transport->pause();
  put_header(kBlkIn, 2);
  ring->add(0, {{kHeader, 16}, {kData, 512, true}, {kStatusByte, 1, true}});
  driver->notify();
  EXPECT_FALSE(irq.high());
  EXPECT_EQ(status(), 0xee);
  transport->resume();
  EXPECT_TRUE(irq.high());
  EXPECT_TRUE(data_is(kData, 1024, 512));
}

TEST_F(Block, DescribesItself) {
  arch::FdtBuilder fdt;
  fdt.begin_node("");
  transport->describe(fdt, {.base = 0x900'2000, .size = 0x1000, .intid = 34});
  fdt.end_node();
  const auto tree = fdt.finish();
  ASSERT_TRUE(tree.ok());
  const std::string text(tree->begin(), tree->end());
  EXPECT_NE(text.find("virtio_mmio@9002000"), std::string::npos);
  EXPECT_NE(text.find("virtio,mmio"), std::string::npos);
}

class Entropy : public ::testing::Test {
protected:
  void start() {
    ASSERT_TRUE(driver.negotiate(kCommon));
    driver.set_queue(0, 16, ring);
    driver.driver_ok();
  }

  IrqRecord irq;
  FakeEventPort port;
  std::vector<u8> ram = std::vector<u8>(0x10000);
  GuestMemory memory{kBase, ram};
  MmioTransport transport{line_to(irq), std::make_unique<Rng>(port), memory};
  testing::Driver driver{transport};
  DriverRing ring{memory, kBase, 16};
};

TEST_F(Entropy, FillsBuffers) {
  EXPECT_EQ(driver.get(testing::kRegDeviceId), 4U);
  start();
  ring.add(0, {{kBase + 0x2000, 3, true}, {kBase + 0x3000, 2, true}});
  driver.notify();
  EXPECT_TRUE(irq.high());
  const auto used = ring.take();
  ASSERT_TRUE(used.has_value());
  EXPECT_EQ(used->written, 5U);
  EXPECT_EQ(ram[0x2000], 1);
  EXPECT_EQ(ram[0x2002], 3);
  EXPECT_EQ(ram[0x2003], 0);
  EXPECT_EQ(ram[0x3001], 5);
}

TEST_F(Entropy, BoundsItsReads) {
  start();
  ring.add(0, {{kBase + 0x2000, 0xe000, true}});
  driver.notify();
  EXPECT_EQ(ring.take()->written, Rng::kMostBytes);
  ring.add(0, {{kBase + 0x2000, 16}});
  driver.notify();
  EXPECT_EQ(ring.take()->written, 0U) << "nothing to write to";
  port.no_random = true;
  ring.add(0, {{kBase + 0x2000, 16, true}});
  driver.notify();
  EXPECT_EQ(ring.take()->written, 0U);
}

TEST_F(Entropy, WaitsWhilePausedAndSurvivesBrokenRings) {
  start();
  transport.pause();
  ring.add(0, {{kBase + 0x2000, 4, true}});
  driver.notify();
  EXPECT_EQ(ring.used_index(), 0);
  transport.resume();
  EXPECT_EQ(ring.used_index(), 1);
  ring.offer(99);
  driver.notify();
  EXPECT_EQ(driver.get(testing::kRegStatus), 0x4fU);
  driver.notify(7);
}

} // namespace
} // namespace kindling::devices::virtio
