// SPDX-License-Identifier: Apache-2.0
#include "spike/keys.h"

#include <algorithm>

#include <fmt/format.h>

namespace kindling::spike {

void KeyFilter::feed(std::span<const u8> typed, std::vector<u8>& to_guest) {
  for (const u8 byte : typed) {
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
    if (key != keys_.end()) {
      key->action();
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
