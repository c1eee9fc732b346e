// SPDX-License-Identifier: Apache-2.0
// Takes a stream of bytes apart into lines of a bounded length.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace kindling::vmm {

class LineSplitter {
public:
  // A longer line is told of once, as soon as it is known to be one, and then passed over.
  struct Receiver {
    std::function<void(std::string_view)> line; // without its newline
    std::function<void()> too_long;
  };

  explicit LineSplitter(size_t max_line) : max_line_(max_line) {}

  // The bytes may end in the middle of a line: the next call goes on there.
  void feed(std::string_view bytes, const Receiver& receiver);

private:
  void add(std::string_view part, const Receiver& receiver);

  const size_t max_line_;
  std::string begun_; // a line without its end
  bool skipping_ = false;
};

} // namespace kindling::vmm
