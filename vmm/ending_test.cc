// SPDX-License-Identifier: Apache-2.0
#include "vmm/ending.h"

#include <thread>

#include <gtest/gtest.h>

namespace kindling::vmm {
namespace {

TEST(EndingRequest, TheGravestWins) {
  EndingRequest request;
  request.ask(Ending::kReset);
  request.ask(Ending::kQuit);
  request.ask(Ending::kPowerOff);
  request.wait();
  EXPECT_EQ(request.take(), Ending::kQuit);
  EXPECT_EQ(request.take(), Ending::kQuit);
}

TEST(EndingRequest, TheFirstFailureIsTold) {
  EndingRequest request;
  request.ask(Ending::kFailure, Error{"first"});
  request.ask(Ending::kFailure, Error{"second"});
  EXPECT_EQ(request.take(), Ending::kFailure);
  EXPECT_EQ(request.failure().message, "first");
}

TEST(EndingRequest, AResetIsOverWhenItIsTaken) {
  EndingRequest request;
  request.ask(Ending::kReset);
  request.ask(Ending::kReset);
  EXPECT_EQ(request.take(), Ending::kReset);
  EXPECT_EQ(request.take(), Ending::kNone);
}

TEST(EndingRequest, WaitingEndsWhenAnotherThreadAsks) {
  EndingRequest request;
  std::jthread other([&] { request.ask(Ending::kPowerOff); });
  request.wait();
  EXPECT_EQ(request.take(), Ending::kPowerOff);
}

} // namespace
} // namespace kindling::vmm
