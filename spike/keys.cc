// SPDX-License-Identifier: Apache-2.0
#include "spike/keys.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace kindling::spike {

void KeyFilter::feed(std::span<const u8> typed, std::vector<u8>& to_guest) {
  for (const u8 byte : typed) {
    if (wants_line_ != nullptr) {
      feed_line(byte);
      continue;
    }
    if (!escaped_) {
      if (byte == kEscapeKey) {
        escaped_ = true;
      } else {
        to_guest.push_back(byte);
      }
      continue;
    }
    escaped_ = false;
    if (byte == kEscapeKey) {
      to_guest.push_back(byte);
      continue;
    }
    const auto key =
        std::find_if(keys_.begin(), keys_.end(), [byte](const Key& k) { return k.code == byte; });
    if (key == keys_.end()) {
      continue;
    }
    if (key->line_action) {
      wants_line_ = &*key;
      line_.clear();
      echo(fmt::format("\r\n[kindling] {}: ", key->purpose));
    } else {
      key->action();
    }
  }
}

void KeyFilter::echo(std::string_view text) const {
  if (echo_) {
    echo_(text);
  }
}

void KeyFilter::feed_line(u8 byte) {
  constexpr u8 kCtrlC = 3;
  constexpr u8 kBackspace = 8;
  constexpr u8 kEscape = 27;
  constexpr u8 kDelete = 127;
  constexpr size_t kLongest = 200;
  switch (byte) {
  case kCtrlC:
  case kEscape:
    wants_line_ = nullptr;
    echo("\r\n");
    return;
  case '\r':
  case '\n': {
    const Key* key = std::exchange(wants_line_, nullptr);
    echo("\r\n");
    key->line_action(line_);
    return;
  }
  case kBackspace:
  case kDelete:
    if (!line_.empty()) {
      line_.pop_back();
      echo("\b \b");
    }
    return;
  default:
    if (byte >= ' ' && line_.size() < kLongest) {
      line_ += static_cast<char>(byte);
      echo(std::string_view(line_).substr(line_.size() - 1));
    }
  }
}

std::string KeyFilter::help() const {
  std::string text = "\r\n";
  for (const Key& key : keys_) {
    if (!key.name.empty()) {
      text += fmt::format("{:<14} {}\r\n", key.name, key.purpose);
    }
  }
  return text + "Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n";
}

} // namespace kindling::spike
