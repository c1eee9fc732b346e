// SPDX-License-Identifier: Apache-2.0
#include "vmm/snapshot.h"

#include <algorithm>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "vmm/state/machine_state.h"

namespace kindling::vmm {

namespace {

// The blocks of `map` that are not all zeros.
Status write_ram(std::span<const u8> ram, const RangeMap& map, bool skip_zeros, ImageWriter& to) {
  constexpr u64 kMostAtOnce = 1024; // blocks
  for (const BlockRange& range : map.ranges()) {
    for (u64 block = range.first; block < range.end();) {
      if (skip_zeros && is_zero(ram.subspan(block * kStoreBlock, kStoreBlock))) {
        ++block;
        continue;
      }
      u64 end = block + 1;
      const u64 most = std::min(range.end(), block + kMostAtOnce);
      while (end < most && !(skip_zeros && is_zero(ram.subspan(end * kStoreBlock, kStoreBlock)))) {
        ++end;
      }
      if (Status s = to.add(block, ram.subspan(block * kStoreBlock, (end - block) * kStoreBlock));
          !s) {
        return s;
      }
      block = end;
    }
  }
  return {};
}

} // namespace

Snapshots::Snapshots(std::string store, const SnapshotParts& parts, bool track_changes)
    : store_(std::move(store)), parts_(parts), track_changes_(track_changes),
      ram_changes_(parts.ram.bytes().size() / kStoreBlock) {}

void Snapshots::before_write(u64 address, u64 size) {
  const u64 first = (address - arch::kRamBase) / kStoreBlock;
  const u64 last = (address + size - 1 - arch::kRamBase) / kStoreBlock;
  ram_changes_.note(first, last - first + 1);
}

Status Snapshots::mark(const std::string& name, const std::string& id) {
  if (!track_changes_) {
    return {};
  }
  // Pages that were written to before are to be told of again.
  if (Status s = parts_.writes.begin_anew(); !s) {
    return s;
  }
  ram_changes_.mark(id);
  for (MachineDisk& disk : parts_.disks) {
    disk.changes->mark(id);
  }
  known_.push_back({name, id});
  return {};
}

Status Snapshots::came_from(const Manifest& snapshot) {
  return mark(snapshot.name, snapshot.id);
}

void Snapshots::forget() {
  known_.clear();
  ram_changes_.clear();
  for (MachineDisk& disk : parts_.disks) {
    disk.changes->clear();
  }
}

Result<const Snapshots::Known*> Snapshots::base_for(const SnapshotRequest& request) const {
  const Known* none = nullptr;
  if (request.kind == SnapshotKind::kFull) {
    return none;
  }
  const bool wanted = request.kind == SnapshotKind::kDiff;
  if (!track_changes_) {
    return wanted ? Result<const Known*>(Error{"a diff snapshot needs --track-dirty"}) : none;
  }
  for (auto known = known_.rbegin(); known != known_.rend(); ++known) {
    if (request.base && *request.base != known->name) {
      continue;
    }
    const auto there = store_.read_manifest(known->name);
    if (there && there->id == known->id && ram_changes_.since(known->id)) {
      return &*known;
    }
  }
  if (!wanted) {
    return none;
  }
  return Error{request.base ? fmt::format("a difference to {} cannot be told: this machine neither "
                                          "made it nor came from it, or it is not there any more",
                                          *request.base)
                            : "there is no snapshot yet that a difference could be told to; a full "
                              "one would do"};
}

Result<ImageWriter> Snapshots::capture_ram(const SnapshotWriter& writer,
                                           const RangeMap* only) const {
  const std::span<u8> ram = parts_.ram.bytes();
  auto image = writer.create_image("ram", ram.size());
  if (!image) {
    return image;
  }
  if (only != nullptr) {
    Status s = write_ram(ram, *only, false, *image);
    return s ? std::move(image) : Result<ImageWriter>(s.error());
  }
  const auto used = parts_.ram.used_blocks();
  if (!used) {
    return used.error();
  }
  Status s = write_ram(ram, *used, true, *image);
  return s ? std::move(image) : Result<ImageWriter>(s.error());
}

Result<Snapshots::Captured> Snapshots::capture(Session& session, const SnapshotRequest& request,
                                               Manifest manifest) {
  const auto base = base_for(request);
  if (!base) {
    return base.error();
  }
  auto writer = store_.begin(request.name);
  if (!writer) {
    return writer.error();
  }
  StateTable table;
  if (Status s = save_machine(session, parts_.devices, table); !s) {
    return s.error();
  }
  Captured captured{std::move(*writer), std::move(manifest), table.encode(), {}};
  captured.manifest.id = random_id();
  captured.manifest.cpu = session.features();
  if (*base != nullptr) {
    captured.manifest.parent = {(*base)->name, (*base)->id};
  }
  const auto since = [&](const ChangeLog& log) {
    return *base == nullptr ? std::nullopt : log.since((*base)->id);
  };
  const auto ram = since(ram_changes_);
  auto image = capture_ram(captured.writer, ram ? &*ram : nullptr);
  if (!image) {
    return image.error();
  }
  captured.images.push_back(std::move(*image));
  for (size_t i = 0; i < parts_.disks.size(); ++i) {
    const MachineDisk& disk = parts_.disks[i];
    captured.manifest.disks.push_back({disk.id, disk.disk->read_only(), {}});
    auto file = captured.writer.create_image(fmt::format("disk{}", i), disk.disk->size());
    if (!file) {
      return file.error();
    }
    const auto changes = since(*disk.changes);
    if (Status s = write_disk_image(disk, changes ? &*changes : nullptr, *file); !s) {
      return s.error().with_context(fmt::format("disk {}", i));
    }
    captured.images.push_back(std::move(*file));
  }
  if (Status s = mark(request.name, captured.manifest.id); !s) {
    return s.error();
  }
  return captured;
}

Result<SnapshotInfo> Snapshots::commit(Captured captured) {
  SnapshotInfo info;
  for (size_t i = 0; i < captured.images.size(); ++i) {
    const auto image = captured.images[i].finish();
    if (!image) {
      return image.error();
    }
    (i == 0 ? captured.manifest.ram : captured.manifest.disks[i - 1].image) = *image;
    (i == 0 ? info.ram_bytes : info.disk_bytes) += image->blocks * kStoreBlock;
  }
  const auto now = std::chrono::system_clock::now();
  captured.manifest.created =
      fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  captured.manifest.wall_clock_ns = static_cast<u64>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count());
  if (captured.manifest.parent) {
    info.base = captured.manifest.parent->name;
  }
  Status s = std::move(captured.writer).commit(captured.manifest, captured.state);
  return s ? Result<SnapshotInfo>(std::move(info)) : s.error();
}

} // namespace kindling::vmm
