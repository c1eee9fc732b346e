// SPDX-License-Identifier: Apache-2.0
// Named values, and the file that a snapshot keeps them in. The format is described in
// docs/internals/snapshot-format.md.
#pragma once

#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "arch/result.h"
#include "arch/types.h"

namespace kindling::vmm {

class StateTable {
public:
  using Value = std::variant<u64, std::vector<u8>>;

  void put(const std::string& name, u64 value) { values_[name] = value; }
  void put(const std::string& name, std::vector<u8> value) { values_[name] = std::move(value); }

  [[nodiscard]] bool has(const std::string& name) const { return values_.contains(name); }

  // The value of that name, which is then taken out. Errors: there is none, or of another type.
  Result<u64> take_number(const std::string& name);
  Result<std::vector<u8>> take_bytes(const std::string& name);

  // Names that have not been taken and begin so.
  [[nodiscard]] std::vector<std::string> names(const std::string& prefix = "") const;

  [[nodiscard]] std::vector<u8> encode() const;
  // Errors: not what encode() makes; another version.
  static Result<StateTable> decode(std::span<const u8> bytes);

  bool operator==(const StateTable&) const = default;

private:
  std::map<std::string, Value> values_;
};

} // namespace kindling::vmm
