// SPDX-License-Identifier: Apache-2.0
#include "vmm/state/state_table.h"

#include <cstring>
#include <limits>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

constexpr u64 kMagic = 0x0045'5441'5453'4c4b; // "KLSTATE\0"
constexpr u32 kVersion = 1;
enum Type : u8 { kNumber = 1, kBytes = 2 };

class Writer {
public:
  template <typename T>
  void put(T value) {
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  void put_bytes(std::span<const u8> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::vector<u8> take() { return std::move(bytes_); }

private:
  std::vector<u8> bytes_;
};

class Reader {
public:
  explicit Reader(std::span<const u8> bytes) : left_(bytes) {}
  template <typename T>
  bool get(T& value) {
    if (left_.size() < sizeof value) {
      return false;
    }
    std::memcpy(&value, left_.data(), sizeof value);
    left_ = left_.subspan(sizeof value);
    return true;
  }
  bool get(size_t size, std::span<const u8>& bytes) {
    if (left_.size() < size) {
      return false;
    }
    bytes = left_.first(size);
    left_ = left_.subspan(size);
    return true;
  }
  [[nodiscard]] bool empty() const { return left_.empty(); }

private:
  std::span<const u8> left_;
};

Error missing(const std::string& name) {
  return Error{fmt::format("the saved state has no {}", name)};
}

bool read_value(Reader& reader, StateTable& table, const std::string& name) {
  u8 type = 0;
  if (!reader.get(type)) {
    return false;
  }
  if (type == kNumber) {
    u64 value = 0;
    if (!reader.get(value)) {
      return false;
    }
    table.put(name, value);
    return true;
  }
  u32 size = 0;
  std::span<const u8> bytes;
  if (type != kBytes || !reader.get(size) || !reader.get(size, bytes)) {
    return false;
  }
  table.put(name, std::vector<u8>(bytes.begin(), bytes.end()));
  return true;
}

} // namespace

Result<u64> StateTable::take_number(const std::string& name) {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    return missing(name);
  }
  const u64* number = std::get_if<u64>(&found->second);
  if (number == nullptr) {
    return Error{fmt::format("{} of the saved state is not a number", name)};
  }
  const u64 value = *number;
  values_.erase(found);
  return value;
}

Result<std::vector<u8>> StateTable::take_bytes(const std::string& name) {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    return missing(name);
  }
  auto* bytes = std::get_if<std::vector<u8>>(&found->second);
  if (bytes == nullptr) {
    return Error{fmt::format("{} of the saved state is a number", name)};
  }
  std::vector<u8> value = std::move(*bytes);
  values_.erase(found);
  return value;
}

std::vector<std::string> StateTable::names(const std::string& prefix) const {
  std::vector<std::string> names;
  for (auto at = values_.lower_bound(prefix); at != values_.end() && at->first.starts_with(prefix);
       ++at) {
    names.push_back(at->first);
  }
  return names;
}

std::vector<u8> StateTable::encode() const {
  Writer writer;
  writer.put(kMagic);
  writer.put(kVersion);
  writer.put(static_cast<u32>(values_.size()));
  for (const auto& [name, value] : values_) {
    writer.put(static_cast<u16>(name.size()));
    writer.put_bytes({reinterpret_cast<const u8*>(name.data()), name.size()});
    if (const u64* number = std::get_if<u64>(&value)) {
      writer.put(kNumber);
      writer.put(*number);
    } else {
      const auto& bytes = std::get<std::vector<u8>>(value);
      writer.put(kBytes);
      writer.put(static_cast<u32>(bytes.size()));
      writer.put_bytes(bytes);
    }
  }
  return writer.take();
}

Result<StateTable> StateTable::decode(std::span<const u8> bytes) {
  Reader reader(bytes);
  u64 magic = 0;
  u32 version = 0;
  u32 count = 0;
  if (!reader.get(magic) || !reader.get(version) || !reader.get(count) || magic != kMagic) {
    return Error{"it is not the saved state of a machine"};
  }
  if (version != kVersion) {
    return Error{
        fmt::format("the saved state has version {}: version {} would do", version, kVersion)};
  }
  StateTable table;
  for (u32 i = 0; i < count; ++i) {
    u16 length = 0;
    std::span<const u8> raw;
    if (!reader.get(length) || !reader.get(length, raw)) {
      return Error{"the saved state is cut short"};
    }
    const std::string name(raw.begin(), raw.end());
    if (table.has(name) || !read_value(reader, table, name)) {
      return Error{fmt::format("the saved state is damaged at its value number {}", i)};
    }
  }
  if (!reader.empty()) {
    return Error{"the saved state is longer than it says"};
  }
  return table;
}

} // namespace kindling::vmm
