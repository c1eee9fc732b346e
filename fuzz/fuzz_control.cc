// SPDX-License-Identifier: Apache-2.0
// Whatever a client of the control socket sends: each line is answered with one line of JSON, which
// says how it went.
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "vmm/control/line_splitter.h"
#include "vmm/control/protocol.h"
#include "vmm/control/testing/fake_target.h"

namespace {

using namespace kindling::vmm;

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void check_line(const std::string& line) {
  check(line.find('\n') == line.size() - 1);
  const auto reply = nlohmann::json::parse(line, nullptr, false);
  check(reply.is_object() && reply.contains("ok"));
  check(reply["ok"].is_boolean() && reply["ok"] == !reply.contains("error"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  testing::FakeTarget target;
  LineSplitter splitter(1 + data[0]);
  const LineSplitter::Receiver receiver{[&](std::string_view line) {
                                          check(line.size() <= 1U + data[0]);
                                          check_line(answer_request(line, target).line);
                                        },
                                        [&] { check_line(error_line({"too long"})); }};
  // In two pieces: where they meet makes no difference.
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  splitter.feed(bytes.substr(0, bytes.size() / 2), receiver);
  splitter.feed(bytes.substr(bytes.size() / 2), receiver);
  return 0;
}
