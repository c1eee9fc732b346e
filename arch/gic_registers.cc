// SPDX-License-Identifier: Apache-2.0
#include "arch/gic_registers.h"

#include <charconv>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "arch/memory_map.h"

namespace kindling::arch {

namespace {

// Registers <name><first> to <name><end - 1>, register n at base + n * stride.
struct Row {
  std::string_view name;
  u32 base;
  u32 stride;
  u32 first;
  u32 end;
  bool numbered = true;
};

constexpr u32 kWords = 32;          // of one bit for each INTID
constexpr u32 kPriorities = 255;    // of four INTIDs each
constexpr u32 kConfigurations = 64; // of sixteen
constexpr u32 kSgiBase = 0x1'0000;

constexpr Row kDistributor[] = {
    {"GICD_IGROUPR", 0x80, 4, 1, kWords},         {"GICD_IPRIORITYR", 0x400, 4, 8, kPriorities},
    {"GICD_ICFGR", 0xc00, 4, 2, kConfigurations}, {"GICD_IROUTER", 0x6000, 8, kFirstSpi, kEndSpi},
    {"GICD_ISENABLER", 0x100, 4, 1, kWords},      {"GICD_ISPENDR", 0x200, 4, 1, kWords},
    {"GICD_ISACTIVER", 0x300, 4, 1, kWords},      {"GICD_CTLR", 0, 4, 0, 1, false},
};

constexpr Row kRedistributor[] = {
    {"GICR_CTLR", 0, 4, 0, 1, false},
    {"GICR_WAKER", 0x14, 4, 0, 1, false},
    {"GICR_IGROUPR", kSgiBase + 0x80, 4, 0, 1},
    {"GICR_IPRIORITYR", kSgiBase + 0x400, 4, 0, 8},
    {"GICR_ICFGR", kSgiBase + 0xc00, 4, 1, 2},
    {"GICR_ISENABLER", kSgiBase + 0x100, 4, 0, 1},
    {"GICR_ISPENDR", kSgiBase + 0x200, 4, 0, 1},
    {"GICR_ISACTIVER", kSgiBase + 0x300, 4, 0, 1},
};

std::vector<u32> offsets(std::span<const Row> rows) {
  std::vector<u32> all;
  for (const Row& row : rows) {
    for (u32 n = row.first; n < row.end; ++n) {
      all.push_back(row.base + n * row.stride);
    }
  }
  return all;
}

std::string name(std::span<const Row> rows, u32 offset) {
  for (const Row& row : rows) {
    const u32 n = (offset - row.base) / row.stride;
    if (offset >= row.base + row.first * row.stride && n < row.end) {
      return row.numbered ? fmt::format("{}{}", row.name, n) : std::string(row.name);
    }
  }
  return fmt::format("{:#x}", offset);
}

std::optional<u32> find(std::span<const Row> rows, std::string_view wanted) {
  for (const Row& row : rows) {
    if (!wanted.starts_with(row.name)) {
      continue;
    }
    const std::string_view digits = wanted.substr(row.name.size());
    u32 n = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    const bool sound = row.numbered
                           ? error == std::errc() && end == digits.data() + digits.size() &&
                                 n >= row.first && n < row.end
                           : digits.empty();
    if (sound) {
      return row.base + n * row.stride;
    }
  }
  return std::nullopt;
}

} // namespace

std::optional<u32> gicd_register(std::string_view name) {
  return find(kDistributor, name);
}

std::optional<u32> gicr_register(std::string_view name) {
  return find(kRedistributor, name);
}

std::vector<u32> gicd_state_registers() {
  return offsets(kDistributor);
}

std::vector<u32> gicr_state_registers() {
  return offsets(kRedistributor);
}

std::string gicd_register_name(u32 offset) {
  return name(kDistributor, offset);
}

std::string gicr_register_name(u32 offset) {
  return name(kRedistributor, offset);
}

} // namespace kindling::arch
