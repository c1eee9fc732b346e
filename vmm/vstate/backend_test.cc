// SPDX-License-Identifier: Apache-2.0
#include "vmm/vstate/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kindling::vmm::vstate {
namespace {

using arch::Engine;
using arch::PerfFormat;
using testing::AllOf;
using testing::HasSubstr;

constexpr Capabilities kHardware{.backend = Backend::kHvf};
constexpr Capabilities kInterpreter{.software = true};
constexpr Capabilities kWithJit{.software = true, .jit = true};

std::string refusal(const Capabilities& capabilities, const arch::EngineOptions& options,
                    bool statistics = false) {
  const Status status = check_engine(capabilities, options, statistics);
  return status ? "" : status.error().message;
}

TEST(CheckEngine, DefaultsSuitEveryBackend) {
  for (const Capabilities& capabilities : {kHardware, kInterpreter, kWithJit}) {
    EXPECT_EQ(refusal(capabilities, {}), "");
  }
}

TEST(CheckEngine, HardwareHasNoEngineToChoose) {
  const auto wants_soft = AllOf(HasSubstr("hvf"), HasSubstr("--backend soft"));
  EXPECT_THAT(refusal(kHardware, {Engine::kJit}), AllOf(HasSubstr("--engine jit"), wants_soft));
  EXPECT_THAT(refusal(kHardware, {Engine::kInterpreter}),
              AllOf(HasSubstr("--engine interp"), wants_soft));
  EXPECT_THAT(refusal(kHardware, {Engine::kAuto, PerfFormat::kMap}),
              AllOf(HasSubstr("--perf map"), wants_soft));
  EXPECT_THAT(refusal(kHardware, {}, true), AllOf(HasSubstr("--stats"), wants_soft));
}

TEST(CheckEngine, AJitIsRefusedWhereThereIsNone) {
  EXPECT_THAT(refusal(kInterpreter, {Engine::kJit}), HasSubstr("--engine interp"));
  EXPECT_EQ(refusal(kInterpreter, {Engine::kInterpreter}, true), "");
  EXPECT_EQ(refusal(kWithJit, {Engine::kJit}, true), "");
}

TEST(CheckEngine, PerfNeedsTheJit) {
  for (const PerfFormat format : {PerfFormat::kMap, PerfFormat::kJitdump}) {
    EXPECT_THAT(refusal(kInterpreter, {Engine::kAuto, format}), HasSubstr("--engine jit"));
    EXPECT_THAT(refusal(kWithJit, {Engine::kInterpreter, format}), HasSubstr("--engine jit"));
    EXPECT_EQ(refusal(kWithJit, {Engine::kAuto, format}), "");
  }
}

TEST(CheckEngine, LockstepNeedsTheJit) {
  const arch::EngineOptions lockstep{.lockstep = true};
  EXPECT_THAT(refusal(kInterpreter, lockstep), HasSubstr("--engine jit"));
  EXPECT_THAT(refusal(kWithJit, {.engine = Engine::kInterpreter, .lockstep = true}),
              HasSubstr("--lockstep"));
  EXPECT_EQ(refusal(kWithJit, lockstep), "");
}

} // namespace
} // namespace kindling::vmm::vstate
