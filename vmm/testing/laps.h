// SPDX-License-Identifier: Apache-2.0
// What work.S says of its laps.
#pragma once

#include <map>
#include <string>

namespace kindling::vmm::testing {

class Laps {
public:
  // Takes what was printed from the beginning of a line on; a line that is not whole counts for
  // nothing. False: a lap came to something else than another of the same number, or the guest
  // complains.
  bool check(const std::string& printed);

  // How many have been seen, those of one number once.
  [[nodiscard]] size_t count() const { return sums_.size(); }

private:
  std::map<std::string, std::string> sums_; // by number, as it is printed
};

} // namespace kindling::vmm::testing
