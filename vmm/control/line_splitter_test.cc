// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/line_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kindling::vmm {
namespace {

using ::testing::ElementsAre;

class LineSplitterTest : public ::testing::Test {
protected:
  void feed(std::string_view bytes) {
    splitter_.feed(bytes, {[this](std::string_view line) { lines_.emplace_back(line); },
                           [this] { lines_.emplace_back("(too long)"); }});
  }

  LineSplitter splitter_{5};
  std::vector<std::string> lines_;
};

TEST_F(LineSplitterTest, LinesMayComeInAnyPieces) {
  feed("one\ntwo\nth");
  EXPECT_THAT(lines_, ElementsAre("one", "two"));
  feed("");
  feed("r");
  feed("ee\n\nx\n");
  EXPECT_THAT(lines_, ElementsAre("one", "two", "three", "", "x"));
}

TEST_F(LineSplitterTest, ALongLineIsPassedOverWhole) {
  feed("12345\n123456\nab\n");
  EXPECT_THAT(lines_, ElementsAre("12345", "(too long)", "ab"));
}

TEST_F(LineSplitterTest, ALongLineIsToldOfBeforeItsEnd) {
  feed("123");
  feed("456");
  EXPECT_THAT(lines_, ElementsAre("(too long)"));
  feed("789");
  feed("0\nok\n");
  EXPECT_THAT(lines_, ElementsAre("(too long)", "ok"));
}

TEST_F(LineSplitterTest, AnyByteButANewlineIsOfTheLine) {
  feed(std::string("\0\r\xff\n", 4));
  EXPECT_THAT(lines_, ElementsAre(std::string("\0\r\xff", 3)));
}

} // namespace
} // namespace kindling::vmm
