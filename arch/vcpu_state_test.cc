// SPDX-License-Identifier: Apache-2.0
#include "arch/vcpu_state.h"

#include <gtest/gtest.h>

#include "arch/sysreg.h"

namespace kindling::arch {
namespace {

TEST(VcpuStateTest, AShiftedCounterKeepsTheDistanceOfBothTimers) {
  constexpr u32 kCntpCtl = sysreg(3, 3, 14, 2, 1);
  constexpr u32 kCntpCval = sysreg(3, 3, 14, 2, 2);
  constexpr u32 kCntvCval = sysreg(3, 3, 14, 3, 2);
  VcpuState state;
  state.vtimer_offset = 100;
  state.system = {{kCntpCtl, 1}, {kCntpCval, 5000}, {kCntvCval, 7000}};
  shift_counter(state, 30);
  EXPECT_EQ(state.vtimer_offset, 130U);
  EXPECT_EQ(state.system,
            (std::vector<RegisterValue>{{kCntpCtl, 1}, {kCntpCval, 5030}, {kCntvCval, 7000}}));
  shift_counter(state, ~u64{0}); // a counter that is behind
  EXPECT_EQ(state.vtimer_offset, 129U);
}

} // namespace
} // namespace kindling::arch
