// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/line_splitter.h"

namespace kindling::vmm {

void LineSplitter::feed(std::string_view bytes, const Receiver& receiver) {
  for (;;) {
    const size_t end = bytes.find('\n');
    add(bytes.substr(0, end), receiver);
    if (end == std::string_view::npos) {
      return;
    }
    if (!skipping_) {
      receiver.line(begun_);
    }
    begun_.clear();
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::add(std::string_view part, const Receiver& receiver) {
  if (skipping_) {
    return;
  }
  if (part.size() > max_line_ - begun_.size()) {
    skipping_ = true;
    receiver.too_long();
    return;
  }
  begun_ += part;
}

} // namespace kindling::vmm
