// SPDX-License-Identifier: Apache-2.0
// A snapshot's manifest of any contents. What is read can be written and read again, and of one
// that was written no change goes unnoticed.
//
// Input: one byte whose bit 0 tells that the rest is a manifest. Else the rest are the fields of
// one, and a place in its JSON with the bytes that are put there.
#include <algorithm>
#include <cstdlib>
#include <string>

#include "fuzz/input.h"
#include "vmm/store/manifest.h"

namespace kindling::fuzz {
namespace {

using namespace vmm;

Result<Manifest> parse(const std::string& json) {
  return parse_manifest({reinterpret_cast<const u8*>(json.data()), json.size()});
}

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::string text(Input& input) {
  const auto bytes = input.bytes(input.take<u8>() % 80);
  return {bytes.begin(), bytes.end()};
}

// What is ours to choose is ASCII.
std::string word(Input& input) {
  std::string word = text(input);
  std::ranges::transform(word, word.begin(), [](char c) { return static_cast<char>(c & 0x7f); });
  return word;
}

ManifestImage image(Input& input) {
  ManifestImage image;
  image.size = input.take<u64>();
  image.blocks = input.take<u32>();
  image.checksum = word(input);
  image.map_checksum = word(input);
  return image;
}

Manifest manifest(Input& input) {
  const u8 parts = input.take<u8>();
  Manifest manifest;
  manifest.name = word(input);
  manifest.vcpus = input.take<u8>();
  manifest.wall_clock_ns = input.take<u64>();
  manifest.kernel = text(input);
  manifest.command_line = text(input);
  manifest.ram = image(input);
  if ((parts & 1) != 0) {
    manifest.parent = {word(input), word(input)};
  }
  if ((parts & 2) != 0) {
    manifest.icount_shift = input.take<u8>();
  }
  if ((parts & 4) != 0) {
    manifest.initramfs = text(input);
  }
  for (unsigned disks = parts >> 3 & 3; disks > 0; --disks) {
    const bool read_only = (input.take<u8>() & 1) != 0;
    manifest.disks.push_back({text(input), read_only, image(input)});
  }
  for (unsigned registers = parts >> 5; registers > 0; --registers) {
    manifest.cpu["R" + std::to_string(registers)] = input.take<u64>();
  }
  return manifest;
}

void check_read(const Manifest& read) {
  check(check_snapshot_name(read.name).ok());
  const auto again = parse(to_json(read));
  check(again.ok() && *again == read);
}

void check_written(Input& input) {
  const Manifest written = manifest(input);
  std::string json = to_json(written);
  const auto read = parse(json);
  if (read) {
    check_read(*read);
  }
  const size_t at = input.take<u16>() % json.size();
  const auto other = input.bytes(std::min<size_t>(input.take<u8>() % 16, json.size() - at));
  std::ranges::copy(other, json.begin() + static_cast<long>(at));
  if (const auto changed = parse(json); changed) {
    check(read.ok() && *changed == *read); // white space, or the same bytes
  }
}

} // namespace
} // namespace kindling::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kindling::fuzz;
  Input input(data, size);
  if ((input.take<uint8_t>() & 1) == 0) {
    check_written(input);
  } else if (const auto read = kindling::vmm::parse_manifest(input.bytes(size)); read) {
    check_read(*read);
  }
  return 0;
}
