// SPDX-License-Identifier: Apache-2.0
#include "devices/virtio/blk.h"

#include <algorithm>
#include <cstring>

#include "devices/virtio/segments.h"

namespace kindling::devices::virtio {
namespace {

constexpr u64 kHeaderSize = 16;
constexpr size_t kBufferSize = 256ULL * 1024; // of a read at a time
constexpr u32 kUnmap = 1;                     // flag of a WRITE_ZEROES range

// struct virtio_blk_config (§5.2.4).
struct Config {
  u64 capacity; // sectors
  u32 size_max;
  u32 seg_max;
  u8 geometry[4];
  u32 blk_size;
  u8 topology[8];
  u8 writeback;
  u8 unused0;
  u16 num_queues;
  u32 max_discard_sectors;
  u32 max_discard_seg;
  u32 discard_sector_alignment;
  u32 max_write_zeroes_sectors;
  u32 max_write_zeroes_seg;
  u8 write_zeroes_may_unmap;
  u8 unused1[3];
};
static_assert(sizeof(Config) == 64 && offsetof(Config, write_zeroes_may_unmap) == 56);
constexpr size_t kConfigSize = 60; // without the padding at the end

} // namespace

Blk::Blk(std::unique_ptr<BlockBackend> disk, EventPort& port, const std::string& id)
    : disk_(std::move(disk)), port_(port) {
  std::copy_n(id.begin(), std::min(id.size(), kIdLength), id_.begin());
}

Blk::~Blk() {
  deactivate();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) {
    worker_.join();
  }
}

u64 Blk::features() const {
  const u64 common = kBlkSegMax | kBlkBlockSize | kBlkFlush;
  return common | (disk_->read_only() ? kBlkReadOnly : kBlkDiscard | kBlkWriteZeroes);
}

void Blk::read_config(u64 offset, std::span<u8> to) const {
  Config config{};
  config.capacity = disk_->size() / kSectorSize;
  config.seg_max = kMaxSegments;
  config.blk_size = kSectorSize;
  if (!disk_->read_only()) {
    config.max_discard_sectors = config.max_write_zeroes_sectors = kMaxZeroSectors;
    config.max_discard_seg = config.max_write_zeroes_seg = kMaxZeroRanges;
    config.discard_sector_alignment = 1;
    config.write_zeroes_may_unmap = 1;
  }
  read_config_bytes({reinterpret_cast<const u8*>(&config), kConfigSize}, offset, to);
}

void Blk::activate(const Activation& activation) {
  {
    const std::lock_guard lock(mutex_);
    active_ = activation;
    live_ = true;
  }
  buffer_.resize(kBufferSize);
  if (!port_.synchronous() && !worker_.joinable()) {
    worker_ = std::thread([this] { work(); });
  }
  kick();
}

// The worker stays for the next activation: a guest that is taken back to an earlier state
// thousands of times a second would otherwise spend its time on threads.
void Blk::deactivate() {
  std::unique_lock lock(mutex_);
  live_ = false;
  changed_.wait(lock, [this] { return !busy_; });
  active_ = {};
  kicked_ = false;
}

void Blk::notify(u32 /*queue*/) {
  kick();
}

void Blk::kick() {
  if (port_.synchronous()) {
    if (active_.transport != nullptr && !interrupted()) {
      serve_queue();
    }
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    kicked_ = true;
  }
  changed_.notify_all();
}

void Blk::pause() {
  std::unique_lock lock(mutex_);
  paused_ = true;
  changed_.wait(lock, [this] { return !busy_; });
}

void Blk::resume() {
  {
    const std::lock_guard lock(mutex_);
    paused_ = false;
  }
  changed_.notify_all();
  if (port_.synchronous()) {
    kick();
  }
}

bool Blk::interrupted() {
  const std::lock_guard lock(mutex_);
  return paused_ || !live_;
}

void Blk::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || (live_ && kicked_ && !paused_); });
    if (ending_) {
      return;
    }
    kicked_ = false;
    busy_ = true;
    lock.unlock();
    serve_queue();
    lock.lock();
    busy_ = false;
    // Cut short, there may be more to do afterwards.
    kicked_ = kicked_ || paused_;
    changed_.notify_all();
  }
}

void Blk::serve_queue() {
  Virtqueue& queue = active_.queues[0];
  port_.deliver([&] { queue.suppress_notifications(); });
  bool more = true;
  while (more && serve_available()) {
    port_.deliver([&] {
      more = queue.want_notifications();
      if (queue.broken()) {
        active_.transport->request_reset();
      }
    });
  }
}

// Serves what is in the queue; false when it was interrupted or the queue is broken.
bool Blk::serve_available() {
  Virtqueue& queue = active_.queues[0];
  Chain chain;
  while (!interrupted()) {
    switch (queue.pop(chain)) {
    case Virtqueue::Pop::kChain: serve(chain); break;
    case Virtqueue::Pop::kEmpty: return true;
    case Virtqueue::Pop::kBroken:
      port_.deliver([&] { active_.transport->request_reset(); });
      return false;
    }
  }
  return false;
}

void Blk::serve(const Chain& chain) {
  Request request;
  if (chain.writable_bytes == 0) {
    // There is nowhere to put a status.
    failures_.fetch_add(1, std::memory_order_relaxed);
    port_.deliver([&] {
      active_.queues[0].push(chain.head, 0);
      if (active_.queues[0].needs_interrupt()) {
        active_.transport->notify_used();
      }
    });
    return;
  }
  finish(chain, parse(chain, request) ? execute(request) : Outcome{.status = kBlkIoError});
}

void Blk::finish(const Chain& chain, Outcome outcome) {
  if (outcome.status != kBlkOk) {
    failures_.fetch_add(1, std::memory_order_relaxed);
  }
  // The status byte is the last one. It counts as written if nothing before it was left out.
  const u64 status_at = chain.writable_bytes - 1;
  const u64 written = outcome.written == status_at ? chain.writable_bytes : outcome.written;
  const std::vector<Segment> status = slice(chain.writable, status_at, 1);
  port_.deliver([&] {
    Virtqueue& queue = active_.queues[0];
    // The chain's segments are in RAM, which does not shrink.
    static_cast<void>(scatter(*active_.memory, status, {&outcome.status, 1}));
    queue.push(chain.head, static_cast<u32>(std::min<u64>(written, ~0U)));
    if (queue.needs_interrupt()) {
      active_.transport->notify_used();
    }
  });
}

bool Blk::parse(const Chain& chain, Request& request) const {
  struct {
    u32 type;
    u32 reserved;
    u64 sector;
  } header{};
  static_assert(sizeof(header) == kHeaderSize);
  if (!gather(*active_.memory, chain.readable, {reinterpret_cast<u8*>(&header), sizeof(header)})) {
    return false;
  }
  request.type = header.type;
  request.sector = header.sector;
  request.out_bytes = chain.readable_bytes - kHeaderSize;
  request.in_bytes = chain.writable_bytes - 1;
  request.out = slice(chain.readable, kHeaderSize, request.out_bytes);
  request.in = slice(chain.writable, 0, request.in_bytes);
  return true;
}

Blk::Outcome Blk::execute(const Request& request) {
  switch (request.type) {
  case kBlkIn: return read(request);
  case kBlkOut: return write(request);
  case kBlkTypeFlush: return flush();
  case kBlkGetId: return get_id(request);
  case kBlkTypeDiscard:
  case kBlkTypeWriteZeroes: return zero_ranges(request);
  default: return {.status = kBlkUnsupported};
  }
}

// Whether [sector, + bytes) is whole sectors and on the disk.
bool Blk::within(u64 sector, u64 bytes) const {
  const u64 capacity = disk_->size() / kSectorSize;
  return bytes % kSectorSize == 0 && sector <= capacity && bytes / kSectorSize <= capacity - sector;
}

Blk::Outcome Blk::read(const Request& request) {
  if (!within(request.sector, request.in_bytes)) {
    return {.status = kBlkIoError};
  }
  reads_.fetch_add(1, std::memory_order_relaxed);
  Outcome outcome;
  while (outcome.written < request.in_bytes) {
    const u64 part = std::min<u64>(buffer_.size(), request.in_bytes - outcome.written);
    const std::span<u8> bytes{buffer_.data(), part};
    if (!disk_->read(request.sector * kSectorSize + outcome.written, bytes)) {
      outcome.status = kBlkIoError;
      break;
    }
    const std::vector<Segment> to = slice(request.in, outcome.written, part);
    port_.deliver([&] { static_cast<void>(scatter(*active_.memory, to, bytes)); });
    outcome.written += part;
  }
  return outcome;
}

Blk::Outcome Blk::write(const Request& request) {
  if (disk_->read_only() || !within(request.sector, request.out_bytes)) {
    return {.status = kBlkIoError};
  }
  writes_.fetch_add(1, std::memory_order_relaxed);
  std::vector<iovec> from;
  for (const Segment& segment : request.out) {
    const u8* bytes = active_.memory->readable(segment.address, segment.length);
    if (bytes == nullptr) {
      return {.status = kBlkIoError};
    }
    from.push_back({const_cast<u8*>(bytes), segment.length});
  }
  if (!disk_->write(request.sector * kSectorSize, from)) {
    return {.status = kBlkIoError};
  }
  return (active_.features & kBlkFlush) != 0 ? Outcome{} : flush();
}

Blk::Outcome Blk::flush() {
  // What is read-only has nothing to flush.
  return {.status = static_cast<u8>(disk_->read_only() || disk_->flush() ? kBlkOk : kBlkIoError)};
}

Blk::Outcome Blk::get_id(const Request& request) {
  if (request.in_bytes < kIdLength) {
    return {.status = kBlkIoError};
  }
  port_.deliver([&] { static_cast<void>(scatter(*active_.memory, request.in, id_)); });
  return {.written = kIdLength};
}

u8 Blk::check_range(u32 type, const Range& range) const {
  const u32 known = type == kBlkTypeWriteZeroes ? kUnmap : 0;
  if ((range.flags & ~known) != 0) {
    return kBlkUnsupported; // §5.2.6.2
  }
  const bool fits =
      range.sectors <= kMaxZeroSectors && within(range.sector, u64{range.sectors} * kSectorSize);
  return fits ? kBlkOk : kBlkIoError;
}

// DISCARD and WRITE_ZEROES. Every range is checked before the first is touched.
Blk::Outcome Blk::zero_ranges(const Request& request) {
  const u64 feature = request.type == kBlkTypeDiscard ? kBlkDiscard : kBlkWriteZeroes;
  if ((active_.features & feature) == 0) {
    return {.status = kBlkUnsupported};
  }
  const u64 count = request.out_bytes / sizeof(Range);
  if (request.out_bytes % sizeof(Range) != 0 || count == 0 || count > kMaxZeroRanges) {
    return {.status = kBlkIoError};
  }
  std::vector<Range> ranges(count);
  if (!gather(*active_.memory, request.out,
              {reinterpret_cast<u8*>(ranges.data()), request.out_bytes})) {
    return {.status = kBlkIoError};
  }
  for (const Range& range : ranges) {
    if (const u8 status = check_range(request.type, range); status != kBlkOk) {
      return {.status = status};
    }
  }
  for (const Range& range : ranges) {
    const u64 offset = range.sector * kSectorSize;
    const u64 length = u64{range.sectors} * kSectorSize;
    const bool done = request.type == kBlkTypeDiscard
                          ? disk_->discard(offset, length)
                          : disk_->write_zeroes(offset, length, (range.flags & kUnmap) != 0);
    if (!done) {
      return {.status = kBlkIoError};
    }
  }
  return (active_.features & kBlkFlush) != 0 ? Outcome{} : flush();
}

std::vector<Metric> Blk::metrics() const {
  return {{"reads", reads_}, {"writes", writes_}, {"failures", failures_}};
}

} // namespace kindling::devices::virtio
