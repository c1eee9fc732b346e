// SPDX-License-Identifier: Apache-2.0
// Builds a flattened device tree (Devicetree Specification 0.4, chapter 5) through libfdt.
//
// Nodes are written depth first: begin_node, properties, child nodes, end_node. The first error
// sticks, later calls do nothing, and finish() reports it; so a device can describe itself without
// checking each call. Not thread-safe.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::arch {

class FdtBuilder {
public:
  // The largest tree that it builds, in bytes.
  static constexpr size_t kMaxSize = size_t{2} << 20;

  FdtBuilder();

  // A range of RAM that the guest must leave alone (the memory reservation block). Before the root.
  void reserve(u64 address, u64 size);

  // The root node's name is "".
  void begin_node(std::string_view name);
  // "name@1f000": a node named after the address of its registers.
  void begin_node(std::string_view name, u64 unit_address);
  void end_node();

  // Property values, in the big-endian form of the specification (2.2.4).
  void property_empty(std::string_view name);
  void property_u32(std::string_view name, u32 value);
  void property_u64(std::string_view name, u64 value);
  void property_cells(std::string_view name, std::span<const u32> cells);
  void property_cells(std::string_view name, std::initializer_list<u32> cells);
  // Each value takes two cells: `reg` and `ranges` under #address-cells = #size-cells = 2.
  void property_pairs(std::string_view name, std::initializer_list<u64> values);
  void property_string(std::string_view name, std::string_view value);
  void property_strings(std::string_view name, std::initializer_list<std::string_view> values);
  void property_bytes(std::string_view name, std::span<const u8> value);

  // A number for a node's `phandle` that no other node of this tree has.
  u32 new_phandle();
  // The current node's `phandle` property.
  void property_phandle(u32 phandle) { property_u32("phandle", phandle); }

  // Records an error of the caller's own: finish() reports the first one.
  void fail(std::string message);
  [[nodiscard]] bool failed() const { return error_.has_value(); }

  // The finished tree, exactly as long as it needs to be. The builder is then used up. Errors: any
  // that stuck; nodes left open; no root.
  Result<std::vector<u8>> finish();

private:
  enum class Phase { kReservations, kStructure, kFinished };

  template <typename Operation>
  void apply(std::string_view what, Operation operation);
  void enter_structure();
  void put(std::string_view name, std::span<const u8> value);

  std::vector<u8> buffer_;
  std::vector<std::string> open_;
  std::optional<Error> error_;
  Phase phase_ = Phase::kReservations;
  bool root_closed_ = false;
  u32 last_phandle_ = 0;
};

} // namespace kindling::arch
