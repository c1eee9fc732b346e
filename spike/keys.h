// SPDX-License-Identifier: Apache-2.0
// The keys that the console keeps for itself: Ctrl-A and one more. Everything else goes to the
// guest. One table has them all; a feature that wants a key adds a row.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arch/types.h"

namespace kindling::spike {

inline constexpr u8 kEscapeKey = 0x01; // Ctrl-A

struct Key {
  u8 code = 0;         // of the second key
  std::string name;    // as the list shows it: "Ctrl-A x"; empty: another row speaks for it
  std::string purpose; // "quit"
  std::function<void()> action;
  // Instead of `action`: takes the line that is typed next. Ctrl-C, or Escape, types none.
  std::function<void(const std::string&)> line_action = nullptr;
};

// Takes what is typed apart. Not thread-safe.
class KeyFilter {
public:
  // `echo` shows what is typed of a line that a key wants.
  explicit KeyFilter(std::vector<Key> keys, std::function<void(std::string_view)> echo = {})
      : keys_(std::move(keys)), echo_(std::move(echo)) {}

  // Runs the actions of keys in `typed`, in their place, and appends to `to_guest` what is the
  // guest's. Ctrl-A may be the last byte of one call and its second key the first of the next.
  void feed(std::span<const u8> typed, std::vector<u8>& to_guest);

  // The keys and what they are for, in lines that end as a terminal wants it.
  [[nodiscard]] std::string help() const;

private:
  void feed_line(u8 byte);
  void echo(std::string_view text) const;

  std::vector<Key> keys_;
  std::function<void(std::string_view)> echo_;
  bool escaped_ = false;
  const Key* wants_line_ = nullptr;
  std::string line_;
};

} // namespace kindling::spike
