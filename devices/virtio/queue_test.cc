// SPDX-License-Identifier: Apache-2.0
#include "devices/virtio/queue.h"

#include <functional>

#include <gtest/gtest.h>

#include "devices/virtio/device.h"
#include "devices/virtio/testing/driver.h"

namespace kindling::devices::virtio {
namespace {

using testing::Buffer;
using Pop = Virtqueue::Pop;

constexpr u64 kBase = 0x4000'0000;
constexpr u64 kRings = kBase + 0x1000;
constexpr u64 kTable = kBase + 0x4000;
constexpr u64 kData = kBase + 0x8000;
constexpr u64 kEnd = kBase + 0x10000;

class Queue : public ::testing::Test {
protected:
  bool start(u64 features = 0, u16 size = 8) {
    queue.reset();
    queue.setup = {size, true, ring.descriptors, ring.driver, ring.device};
    return queue.start(memory, features);
  }
  Pop pop() { return queue.pop(chain); }

  std::vector<u8> ram = std::vector<u8>(kEnd - kBase);
  GuestMemory memory{kBase, ram};
  testing::DriverRing ring{memory, kRings, 8};
  Virtqueue queue{16};
  Chain chain;
};

TEST_F(Queue, ChecksItsSetup) {
  EXPECT_TRUE(start());
  for (const u16 size : {0, 3, 32}) {
    EXPECT_FALSE(start(0, size)) << size;
    EXPECT_EQ(pop(), Pop::kBroken);
  }
  auto refused = [&](u64 QueueSetup::*field, u64 value) {
    start();
    QueueSetup setup = queue.setup;
    setup.*field = value;
    queue.reset();
    queue.setup = setup;
    return !queue.start(memory, 0);
  };
  EXPECT_TRUE(refused(&QueueSetup::descriptors, kRings + 8));
  EXPECT_TRUE(refused(&QueueSetup::driver_ring, kRings + 1));
  EXPECT_TRUE(refused(&QueueSetup::device_ring, kRings + 2));
  EXPECT_TRUE(refused(&QueueSetup::descriptors, kEnd - 112));
  EXPECT_TRUE(refused(&QueueSetup::driver_ring, kEnd - 20));
  EXPECT_FALSE(refused(&QueueSetup::driver_ring, kEnd - 22));
  EXPECT_TRUE(refused(&QueueSetup::device_ring, kEnd - 68));
  EXPECT_TRUE(refused(&QueueSetup::device_ring, ~3ULL));
}

TEST_F(Queue, GivesChainsInOrder) {
  ASSERT_TRUE(start());
  EXPECT_EQ(pop(), Pop::kEmpty);
  ring.add(3, {{kData, 16}, {kData + 64, 0}, {kData + 100, 5, true}});
  ring.add(0, {{kData + 200, 1, true}});
  ASSERT_EQ(pop(), Pop::kChain);
  EXPECT_EQ(chain.head, 3);
  ASSERT_EQ(chain.readable.size(), 1U) << "an empty one is left out";
  EXPECT_EQ(chain.readable[0].address, kData);
  EXPECT_EQ(chain.readable_bytes, 16U);
  ASSERT_EQ(chain.writable.size(), 1U);
  EXPECT_EQ(chain.writable_bytes, 5U);
  ASSERT_EQ(pop(), Pop::kChain);
  EXPECT_EQ(chain.head, 0);
  EXPECT_TRUE(chain.readable.empty());
  EXPECT_EQ(pop(), Pop::kEmpty);
  queue.push(0, 1);
  queue.push(3, 5);
  EXPECT_EQ(ring.take()->head, 0U);
  const auto used = ring.take();
  EXPECT_EQ(used->head, 3U);
  EXPECT_EQ(used->written, 5U);
  EXPECT_FALSE(ring.take().has_value());
}

TEST_F(Queue, IndicesWrap) {
  ASSERT_TRUE(start(kFeatureEventIndex));
  for (u32 i = 0; i < 70'000; ++i) {
    ring.add(static_cast<u16>(i % 8), {{kData, 4, true}});
    ring.set_used_event(static_cast<u16>(i));
    ASSERT_EQ(pop(), Pop::kChain);
    queue.push(chain.head, i);
    ASSERT_TRUE(queue.needs_interrupt());
    ASSERT_FALSE(queue.want_notifications());
    const auto used = ring.take();
    ASSERT_TRUE(used.has_value());
    ASSERT_EQ(used->written, i);
  }
}

TEST_F(Queue, BrokenRings) {
  const std::vector<std::pair<const char*, std::function<void()>>> cases = {
      {"loop",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kData, 1}, testing::kFlagNext, 1);
         ring.put_descriptor(ring.descriptors, 1, {kData, 1}, testing::kFlagNext, 0);
       }},
      {"next outside of the table",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kData, 1}, testing::kFlagNext, 8);
       }},
      {"buffer outside of RAM",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kEnd - 1, 2}, 0, 0);
       }},
      {"buffer that wraps around",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {~0ULL, 2}, 0, 0);
       }},
      {"readable behind writable",
       [&] {
         const Buffer buffers[] = {{kData, 1, true}, {kData, 1}};
         ring.put_chain(ring.descriptors, 0, buffers);
       }},
      {"indirect, not negotiated",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kTable, 16}, testing::kFlagIndirect, 0);
       }},
  };
  for (const auto& [name, build] : cases) {
    ring.next_avail = 0;
    ASSERT_TRUE(start());
    build();
    ring.offer(0);
    EXPECT_EQ(pop(), Pop::kBroken) << name;
    EXPECT_TRUE(queue.broken()) << name;
    EXPECT_EQ(pop(), Pop::kBroken) << name;
  }
  ring.next_avail = 0;
  ASSERT_TRUE(start());
  ring.offer(8);
  EXPECT_EQ(pop(), Pop::kBroken) << "head outside of the table";
  ring.next_avail = 8;
  ASSERT_TRUE(start());
  ring.offer(0);
  EXPECT_EQ(pop(), Pop::kBroken) << "more available than the ring holds";
}

TEST_F(Queue, IndirectDescriptors) {
  ASSERT_TRUE(start(kFeatureIndirect));
  const Buffer inner[] = {{kData, 16}, {kData + 16, 32, true}, {kData + 64, 1, true}};
  ring.put_chain(kTable, 0, inner);
  // One direct descriptor, then the table; its WRITE flag means nothing.
  ring.put_descriptor(ring.descriptors, 0, {kData + 128, 8}, testing::kFlagNext, 1);
  ring.put_descriptor(ring.descriptors, 1, {kTable, 48, true}, testing::kFlagIndirect, 0);
  ring.offer(0);
  ASSERT_EQ(pop(), Pop::kChain);
  EXPECT_EQ(chain.readable_bytes, 24U);
  EXPECT_EQ(chain.writable_bytes, 33U);

  const std::vector<std::pair<const char*, std::function<void()>>> broken = {
      {"length not whole descriptors",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kTable, 47}, testing::kFlagIndirect, 0);
       }},
      {"empty table",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kTable, 0}, testing::kFlagIndirect, 0);
       }},
      {"table outside of RAM",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kEnd, 16}, testing::kFlagIndirect, 0);
       }},
      {"table that wraps around",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {~15ULL, 32}, testing::kFlagIndirect, 0);
       }},
      {"indirect and next",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kTable, 48},
                             testing::kFlagIndirect | testing::kFlagNext, 1);
       }},
      {"a table in a table",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kTable, 16}, testing::kFlagIndirect, 0);
         ring.put_descriptor(kTable, 0, {kTable, 16}, testing::kFlagIndirect, 0);
       }},
      {"a loop in the table",
       [&] {
         ring.put_descriptor(ring.descriptors, 0, {kTable, 16}, testing::kFlagIndirect, 0);
         ring.put_descriptor(kTable, 0, {kData, 1}, testing::kFlagNext, 0);
       }},
  };
  for (const auto& [name, build] : broken) {
    ring.next_avail = 0;
    ASSERT_TRUE(start(kFeatureIndirect));
    build();
    ring.offer(0);
    EXPECT_EQ(pop(), Pop::kBroken) << name;
  }
}

TEST_F(Queue, RefusesChainsOfMoreThan4GiB) {
  // Many descriptors over the same memory: a driver may not, and a length must not overflow.
  std::vector<u8> large(64 << 20);
  const GuestMemory big(kBase, large);
  testing::DriverRing big_ring(big, kBase, 128);
  Virtqueue long_queue(128);
  for (const u16 count : {64, 65}) {
    long_queue.reset();
    long_queue.setup = {128, true, big_ring.descriptors, big_ring.driver, big_ring.device};
    ASSERT_TRUE(long_queue.start(big, 0));
    big_ring.next_avail = 0;
    big_ring.add(0, std::vector<Buffer>(count, Buffer{kBase, 64 << 20, true}));
    EXPECT_EQ(long_queue.pop(chain), count == 64 ? Pop::kChain : Pop::kBroken);
  }
}

TEST_F(Queue, InterruptFlag) {
  ASSERT_TRUE(start());
  EXPECT_FALSE(queue.needs_interrupt()) << "nothing was used";
  queue.push(0, 0);
  EXPECT_TRUE(queue.needs_interrupt());
  EXPECT_FALSE(queue.needs_interrupt()) << "nothing new";
  ring.set_interrupts(false);
  queue.push(0, 0);
  EXPECT_FALSE(queue.needs_interrupt());
}

TEST_F(Queue, InterruptEvent) {
  ASSERT_TRUE(start(kFeatureEventIndex));
  ring.set_interrupts(false); // means nothing now
  ring.set_used_event(2);
  queue.push(0, 0);
  EXPECT_FALSE(queue.needs_interrupt());
  queue.push(0, 0);
  EXPECT_FALSE(queue.needs_interrupt());
  queue.push(0, 0);
  EXPECT_TRUE(queue.needs_interrupt()) << "the third is the one";
  queue.push(0, 0);
  EXPECT_FALSE(queue.needs_interrupt());
  ring.set_used_event(5);
  for (int i = 0; i < 4; ++i) {
    queue.push(0, 0);
  }
  EXPECT_TRUE(queue.needs_interrupt()) << "the event lies among several";
}

TEST_F(Queue, Notifications) {
  ASSERT_TRUE(start());
  queue.suppress_notifications();
  EXPECT_EQ(ring.used_flags(), 1);
  EXPECT_FALSE(queue.want_notifications());
  EXPECT_EQ(ring.used_flags(), 0);
  ring.add(0, {{kData, 1}});
  EXPECT_TRUE(queue.want_notifications()) << "it came before we asked";

  ring.next_avail = 0;
  ASSERT_TRUE(start(kFeatureEventIndex));
  ring.add(0, {{kData, 1}});
  ASSERT_EQ(pop(), Pop::kChain);
  queue.suppress_notifications();
  EXPECT_EQ(ring.used_flags(), 0);
  EXPECT_FALSE(queue.want_notifications());
  EXPECT_EQ(ring.avail_event(), 1);
}

TEST_F(Queue, SaveAndRestore) {
  ASSERT_TRUE(start());
  ring.add(0, {{kData, 1}});
  ring.add(1, {{kData, 2}});
  ASSERT_EQ(pop(), Pop::kChain);
  queue.push(0, 7);
  StateWriter writer(1);
  queue.save(writer);
  const std::vector<u8> state = writer.take();

  Virtqueue copy(16);
  StateReader reader(state, 1);
  ASSERT_TRUE(copy.restore(reader));
  ASSERT_TRUE(reader.finish("queue").ok());
  ASSERT_TRUE(copy.start(memory, 0));
  ASSERT_EQ(copy.pop(chain), Pop::kChain);
  EXPECT_EQ(chain.head, 1);
  EXPECT_TRUE(copy.needs_interrupt()) << "the first was not signalled yet";
  copy.push(1, 8);
  EXPECT_EQ(ring.used_index(), 2);

  Virtqueue smaller(4);
  StateReader again(state, 1);
  EXPECT_FALSE(smaller.restore(again)) << "a larger queue than the device has";
}

} // namespace
} // namespace kindling::devices::virtio
