// SPDX-License-Identifier: Apache-2.0
// The virtio block device (virtio 1.2 §5.2), with one queue served by a thread of its own or, at a
// synchronous port, by the vCPU thread that notifies.
//
// Disk contents reach the guest's memory at the event port only, so the thread reads the disk into
// a buffer of its own first. Without VIRTIO_BLK_F_FLUSH negotiated every write is flushed
// (§5.2.6.2).
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "devices/block_backend.h"
#include "devices/event_port.h"
#include "devices/virtio/device.h"

namespace kindling::devices::virtio {

// Feature bits (§5.2.3), status bytes and request types (§5.2.6).
inline constexpr u64 kBlkSegMax = 1ULL << 2;
inline constexpr u64 kBlkReadOnly = 1ULL << 5;
inline constexpr u64 kBlkBlockSize = 1ULL << 6;
inline constexpr u64 kBlkFlush = 1ULL << 9;
inline constexpr u64 kBlkDiscard = 1ULL << 13;
inline constexpr u64 kBlkWriteZeroes = 1ULL << 14;

enum BlkStatus : u8 { kBlkOk = 0, kBlkIoError = 1, kBlkUnsupported = 2 };
enum BlkType : u32 {
  kBlkIn = 0,
  kBlkOut = 1,
  kBlkTypeFlush = 4,
  kBlkGetId = 8,
  kBlkTypeDiscard = 11,
  kBlkTypeWriteZeroes = 13,
};

class Blk final : public VirtioDevice {
public:
  static constexpr u16 kQueueSize = 256;
  static constexpr u32 kMaxSegments = kQueueSize - 2; // a header and a status byte beside them
  static constexpr u32 kMaxZeroSectors = 1U << 21;    // 1 GiB a range
  static constexpr u32 kMaxZeroRanges = 16;
  static constexpr size_t kIdLength = 20;

  // `id` is what GET_ID tells, cut to kIdLength bytes. `port` outlives the device.
  Blk(std::unique_ptr<BlockBackend> disk, EventPort& port, const std::string& id);
  ~Blk() override;
  Blk(const Blk&) = delete;
  Blk& operator=(const Blk&) = delete;

  [[nodiscard]] u32 type() const override { return 2; }
  [[nodiscard]] u64 features() const override;
  [[nodiscard]] std::vector<u16> queue_sizes() const override { return {kQueueSize}; }
  void read_config(u64 offset, std::span<u8> to) const override;
  void activate(const Activation& activation) override;
  void notify(u32 queue) override;
  void deactivate() override;
  void pause() override;
  void resume() override;
  [[nodiscard]] std::vector<Metric> metrics() const override;

private:
  struct Request {
    u32 type = 0;
    u64 sector = 0;
    std::vector<Segment> out; // the device reads, behind the header
    std::vector<Segment> in;  // the device writes, before the status byte
    u64 out_bytes = 0;
    u64 in_bytes = 0;
  };
  struct Outcome {
    u8 status = kBlkOk;
    u64 written = 0; // bytes from the first of Request::in on
  };
  struct Range { // struct virtio_blk_discard_write_zeroes
    u64 sector;
    u32 sectors;
    u32 flags;
  };

  void kick();
  void work();
  void serve_queue();
  bool serve_available();
  void serve(const Chain& chain);
  void finish(const Chain& chain, Outcome outcome);
  [[nodiscard]] bool parse(const Chain& chain, Request& request) const;
  Outcome execute(const Request& request);
  Outcome read(const Request& request);
  Outcome write(const Request& request);
  Outcome flush();
  Outcome get_id(const Request& request);
  Outcome zero_ranges(const Request& request);
  [[nodiscard]] u8 check_range(u32 type, const Range& range) const;
  [[nodiscard]] bool within(u64 sector, u64 bytes) const;
  [[nodiscard]] bool interrupted();

  const std::unique_ptr<BlockBackend> disk_;
  EventPort& port_;
  std::array<u8, kIdLength> id_{};

  // The worker's own while it is busy.
  Activation active_;
  std::vector<u8> buffer_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool kicked_ = false;
  bool paused_ = false;
  bool live_ = false; // between activate() and deactivate()
  bool ending_ = false;
  bool busy_ = false;
  std::thread worker_;

  std::atomic<u64> reads_{0};
  std::atomic<u64> writes_{0};
  std::atomic<u64> failures_{0};
};

} // namespace kindling::devices::virtio
