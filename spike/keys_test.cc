// SPDX-License-Identifier: Apache-2.0
#include "spike/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::spike {
namespace {

using testing::HasSubstr;

class KeysTest : public testing::Test {
protected:
  std::string feed(const std::string& typed) {
    std::vector<u8> to_guest;
    filter_.feed({reinterpret_cast<const u8*>(typed.data()), typed.size()}, to_guest);
    return {to_guest.begin(), to_guest.end()};
  }

  int quits_ = 0;
  KeyFilter filter_{{{'x', "Ctrl-A x", "quit", [this] { ++quits_; }}}};
};

TEST_F(KeysTest, OrdinaryBytesPass) {
  const std::string all("ab\0\x02\xff\x1b[A", 8);
  EXPECT_EQ(feed(all), all);
}

TEST_F(KeysTest, KeysActAndDoNotReachTheGuest) {
  EXPECT_EQ(feed("a\x01xb"), "ab");
  EXPECT_EQ(quits_, 1);
}

TEST_F(KeysTest, CtrlATwiceSendsIt) {
  EXPECT_EQ(feed("\x01\x01x"), "\x01x");
  EXPECT_EQ(quits_, 0);
}

TEST_F(KeysTest, TheSecondKeyMayComeLater) {
  EXPECT_EQ(feed("a\x01"), "a");
  EXPECT_EQ(feed("xb"), "b");
  EXPECT_EQ(quits_, 1);
}

TEST_F(KeysTest, UnknownKeysAreSwallowed) {
  EXPECT_EQ(feed("\x01q."), ".");
  EXPECT_EQ(quits_, 0);
}

TEST_F(KeysTest, HelpHasEveryRow) {
  EXPECT_THAT(filter_.help(), HasSubstr("Ctrl-A x       quit\r\n"));
  EXPECT_THAT(filter_.help(), HasSubstr("Ctrl-A Ctrl-A"));
}

} // namespace
} // namespace kindling::spike
