// SPDX-License-Identifier: Apache-2.0
// What a snapshot is: the manifest.json of its directory (docs/internals/snapshot-format.md).
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::vmm {

// 1 to 64 letters, digits, '.', '_' and '-', the first one none of the last three: nothing that
// leads out of the store.
Status check_snapshot_name(const std::string& name);

// RAM or a disk: <file>.img has the blocks that <file>.map names.
struct ManifestImage {
  u64 size = 0;             // bytes, of the whole
  u64 blocks = 0;           // in the file
  std::string checksum;     // of those blocks
  std::string map_checksum; // of <file>.map

  bool operator==(const ManifestImage&) const = default;
};

struct ManifestDisk {
  std::string id; // what the guest reads as its serial number
  bool read_only = false;
  ManifestImage image; // disk<n>

  bool operator==(const ManifestDisk&) const = default;
};

struct ParentReference {
  std::string name;
  std::string id;

  bool operator==(const ParentReference&) const = default;
};

struct Manifest {
  static constexpr u32 kFormat = 1;

  std::string name;
  std::string id; // random, of the contents: another snapshot of the same name has another
  std::optional<ParentReference> parent; // what the images lie over
  std::string created;                   // "2026-11-29T03:04:05Z"
  u64 wall_clock_ns = 0;                 // since 1970
  std::string engine;                    // what has executed it: "soft jit"

  u32 vcpus = 0;
  std::optional<u32> icount_shift; // of a run that can be repeated
  std::string kernel;              // paths, for a guest that reboots
  std::optional<std::string> initramfs;
  std::string command_line;
  std::map<std::string, u64> cpu; // feature ID registers by name

  std::string state_checksum; // of state.bin
  ManifestImage ram;
  std::vector<ManifestDisk> disks;

  bool operator==(const Manifest&) const = default;
};

// Bytes; more make no sense.
inline constexpr u64 kMaxManifest = 1ULL << 20;

std::string to_json(const Manifest& manifest);
// Errors: no JSON, another format, fields that are missing or make no sense, or not the bytes that
// to_json() gave.
Result<Manifest> parse_manifest(std::span<const u8> json);

} // namespace kindling::vmm
