// SPDX-License-Identifier: Apache-2.0
#include "arch/fdt.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <libfdt.h>

namespace kindling::arch {
namespace {

constexpr size_t kFirstSize = 16ULL * 1024;

void append_cell(std::vector<u8>& to, u32 cell) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    to.push_back(static_cast<u8>(cell >> shift));
  }
}

bool is_name(std::string_view name) {
  // Devicetree Specification 2.2.1, 2.2.4.1: the characters of node and property names.
  return name.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                ",._+-?#@") == std::string_view::npos;
}

} // namespace

FdtBuilder::FdtBuilder() : buffer_(kFirstSize) {
  apply("an empty tree",
        [&] { return fdt_create(buffer_.data(), static_cast<int>(buffer_.size())); });
}

// Runs a libfdt operation, with more room as long as it lacks room.
template <typename Operation>
void FdtBuilder::apply(std::string_view what, Operation operation) {
  if (failed()) {
    return;
  }
  int status = operation();
  while (status == -FDT_ERR_NOSPACE && buffer_.size() < kMaxSize) {
    std::vector<u8> larger(std::min(kMaxSize, buffer_.size() * 2));
    status = fdt_resize(buffer_.data(), larger.data(), static_cast<int>(larger.size()));
    if (status != 0) {
      break;
    }
    buffer_ = std::move(larger);
    status = operation();
  }
  if (status == -FDT_ERR_NOSPACE) {
    fail(fmt::format("the device tree outgrew {} bytes at {}: fewer devices would do", kMaxSize,
                     what));
  } else if (status != 0) {
    fail(fmt::format("the device tree could not take {}: {}", what, fdt_strerror(status)));
  }
}

void FdtBuilder::fail(std::string message) {
  if (!failed()) {
    error_ = Error{std::move(message)};
  }
}

void FdtBuilder::reserve(u64 address, u64 size) {
  if (phase_ != Phase::kReservations) {
    fail("a device tree's reserved ranges must come before its root node");
    return;
  }
  apply("a reserved range",
        [&] { return fdt_add_reservemap_entry(buffer_.data(), address, size); });
}

void FdtBuilder::enter_structure() {
  if (phase_ == Phase::kReservations) {
    phase_ = Phase::kStructure;
    apply("its reserved ranges", [&] { return fdt_finish_reservemap(buffer_.data()); });
  }
}

void FdtBuilder::begin_node(std::string_view name) {
  const bool root = open_.empty();
  if (phase_ == Phase::kFinished || (root && root_closed_) || root != name.empty() ||
      !is_name(name)) {
    fail(fmt::format("a device tree node cannot be called \"{}\" here: one root with an empty name "
                     "and children with names of letters, digits and ,._+-?#@ would do",
                     name));
    return;
  }
  enter_structure();
  const std::string text(name);
  apply(text, [&] { return fdt_begin_node(buffer_.data(), text.c_str()); });
  open_.push_back(text);
}

void FdtBuilder::begin_node(std::string_view name, u64 unit_address) {
  begin_node(fmt::format("{}@{:x}", name, unit_address));
}

void FdtBuilder::end_node() {
  if (open_.empty()) {
    fail("a device tree node was closed that is not open");
    return;
  }
  apply(open_.back(), [&] { return fdt_end_node(buffer_.data()); });
  open_.pop_back();
  root_closed_ = open_.empty();
}

void FdtBuilder::put(std::string_view name, std::span<const u8> value) {
  if (open_.empty() || name.empty() || !is_name(name)) {
    fail(fmt::format("the device tree property \"{}\" needs an open node and a name of letters, "
                     "digits and ,._+-?#@",
                     name));
    return;
  }
  if (value.size() > kMaxSize) {
    fail(fmt::format("the device tree property \"{}\" has {} bytes: at most {} would do", name,
                     value.size(), kMaxSize));
    return;
  }
  const std::string text(name);
  apply(text, [&] {
    return fdt_property(buffer_.data(), text.c_str(), value.data(), static_cast<int>(value.size()));
  });
}

void FdtBuilder::property_empty(std::string_view name) {
  put(name, {});
}

void FdtBuilder::property_u32(std::string_view name, u32 value) {
  property_cells(name, {value});
}

void FdtBuilder::property_u64(std::string_view name, u64 value) {
  property_pairs(name, {value});
}

void FdtBuilder::property_cells(std::string_view name, std::span<const u32> cells) {
  std::vector<u8> bytes;
  for (const u32 cell : cells) {
    append_cell(bytes, cell);
  }
  put(name, bytes);
}

void FdtBuilder::property_cells(std::string_view name, std::initializer_list<u32> cells) {
  property_cells(name, std::span<const u32>(cells.begin(), cells.size()));
}

void FdtBuilder::property_pairs(std::string_view name, std::initializer_list<u64> values) {
  std::vector<u8> bytes;
  for (const u64 value : values) {
    append_cell(bytes, static_cast<u32>(value >> 32));
    append_cell(bytes, static_cast<u32>(value));
  }
  put(name, bytes);
}

void FdtBuilder::property_string(std::string_view name, std::string_view value) {
  property_strings(name, {value});
}

void FdtBuilder::property_strings(std::string_view name,
                                  std::initializer_list<std::string_view> values) {
  std::vector<u8> bytes;
  for (const std::string_view value : values) {
    if (value.find('\0') != std::string_view::npos) {
      fail(fmt::format("the device tree property \"{}\" has a string with a NUL in it", name));
      return;
    }
    bytes.insert(bytes.end(), value.begin(), value.end());
    bytes.push_back(0);
  }
  put(name, bytes);
}

void FdtBuilder::property_bytes(std::string_view name, std::span<const u8> value) {
  put(name, value);
}

u32 FdtBuilder::new_phandle() {
  return ++last_phandle_;
}

Result<std::vector<u8>> FdtBuilder::finish() {
  if (phase_ == Phase::kFinished) {
    fail("the device tree was finished before");
  } else if (!open_.empty()) {
    fail(fmt::format("the device tree node \"{}\" was left open", open_.back()));
  } else if (!root_closed_) {
    fail("the device tree has no root node");
  }
  apply("its end", [&] { return fdt_finish(buffer_.data()); });
  phase_ = Phase::kFinished;
  if (failed()) {
    return *error_;
  }
  buffer_.resize(fdt_totalsize(buffer_.data()));
  return std::move(buffer_);
}

} // namespace kindling::arch
