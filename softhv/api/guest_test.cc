// SPDX-License-Identifier: Apache-2.0
// Guest programs (guest/*.S) that use interrupts, timers, WFI and WFE, run through the public API.
#include <atomic>
#include <ctime>

#include "softhv/api/test_vm.h"

namespace softhv::api {
namespace {

// Runs `body(number)` on `count` threads at once.
template <typename Body>
void on_threads(u32 count, Body body) {
  std::vector<std::thread> threads;
  for (u32 i = 0; i < count; ++i)
    threads.emplace_back([=] { body(i); });
  for (std::thread& thread : threads)
    thread.join();
}

TEST(GuestTest, SgisBetweenTwoVcpusLoseNoWakeup) {
  TestVm vm(TestVm::Interrupts::kGic, "sgi_ping_pong");
  std::atomic<u32> ready{0};
  on_threads(2, [&](u32 number) {
    const TestVcpu vcpu(number);
    for (++ready; ready != 2;) // both have an affinity before either sends
      std::this_thread::yield();
    EXPECT_TRUE(vcpu.run_to_end());
    EXPECT_EQ(vcpu.get(HV_REG_X0), 1000U);
    for (++ready; ready != 4;)
      std::this_thread::yield();
  });
}

TEST(GuestTest, TimersWakeWfiAndAreNeverEarly) {
  TestVm vm(TestVm::Interrupts::kGic, "timers");
  const TestVcpu vcpu;
  EXPECT_TRUE(vcpu.run_to_end());
  EXPECT_EQ(vcpu.get(HV_REG_X0), 20U);
  EXPECT_EQ(vcpu.get(HV_REG_X1), 20U);
}

TEST(GuestTest, ARunningVcpuNoticesItsTimer) {
  TestVm vm(TestVm::Interrupts::kGic, "busy_timer");
  const TestVcpu vcpu;
  EXPECT_TRUE(vcpu.run_to_end());
  EXPECT_EQ(vcpu.get(HV_REG_X22), 0U);
}

TEST(GuestTest, PrioritiesNestInBothEoiModes) {
  TestVm vm(TestVm::Interrupts::kGic, "priorities");
  const TestVcpu vcpu;
  ASSERT_TRUE(vcpu.run_to_end());
  // 2 and 3 have equal priority: whichever comes first, the other waits for its end. SGI 3 was sent
  // first, and was taken before the guest sent SGI 2.
  const std::vector<u64> expected = {1, 0xc0, 3, 0x80, 0x103, 2, 0x80, 0x102, 0x101, 0xff};
  for (u32 pass = 0; pass < 2; ++pass)
    for (u32 i = 0; i < expected.size(); ++i)
      EXPECT_EQ(vm.slot(0, 10 * pass + i), expected[i]) << "pass " << pass << ", entry " << i;
}

TEST(GuestTest, LevelAndEdgeSpisComeExactlyOnce) {
  TestVm vm(TestVm::Interrupts::kGic, "spi");
  const TestVcpu vcpu;
  EXPECT_TRUE(vcpu.run_to_end([](u32 number) {
    switch (number) {
    case 1: EXPECT_EQ(hv_gic_set_spi(40, true), HV_SUCCESS); break;
    case 2:
      EXPECT_EQ(hv_gic_set_spi(41, true), HV_SUCCESS);
      EXPECT_EQ(hv_gic_set_spi(41, false), HV_SUCCESS);
      break;
    case 3: EXPECT_EQ(hv_gic_set_spi(40, false), HV_SUCCESS); break;
    default: ADD_FAILURE() << "unexpected interrupt";
    }
  }));
  EXPECT_EQ(vcpu.get(HV_REG_X0), 50U);
  EXPECT_EQ(vcpu.get(HV_REG_X1), 50U);
}

TEST(GuestTest, SpisFromAnotherThreadWakeWfi) {
  TestVm vm(TestVm::Interrupts::kGic, "spi");
  std::atomic<u32> request{0}; // 40 or 41, as the guest asks
  std::thread device([&] {
    for (u32 served = 0; served < 100; ++served) {
      u32 intid;
      while ((intid = request.exchange(0)) == 0)
        std::this_thread::yield();
      EXPECT_EQ(hv_gic_set_spi(intid, true), HV_SUCCESS);
      if (intid == 41) {
        EXPECT_EQ(hv_gic_set_spi(intid, false), HV_SUCCESS);
      }
    }
  });
  {
    const TestVcpu vcpu;
    EXPECT_TRUE(vcpu.run_to_end([&](u32 number) {
      if (number == 3) {
        EXPECT_EQ(hv_gic_set_spi(40, false), HV_SUCCESS);
      } else {
        request = 39 + number;
      }
    }));
    EXPECT_EQ(vcpu.get(HV_REG_X0), 50U);
    EXPECT_EQ(vcpu.get(HV_REG_X1), 50U);
  }
  device.join();
}

TEST(GuestTest, EventsWakeWfe) {
  TestVm vm(TestVm::Interrupts::kGic, "events");
  std::atomic<u32> done{0};
  on_threads(2, [&](u32 number) {
    const TestVcpu vcpu(number);
    EXPECT_TRUE(vcpu.run_to_end());
    EXPECT_EQ(vcpu.get(HV_REG_X0), 500U);
    for (++done; done != 2;)
      std::this_thread::yield();
  });
}

TEST(GuestTest, WithoutGicWfiExitsAndHostLinesInterrupt) {
  TestVm vm(TestVm::Interrupts::kNone, "no_gic");
  const TestVcpu vcpu;
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(vcpu.run(), 0x01);
    EXPECT_EQ(vcpu.exit->exception.syndrome & 1, 0U); // WFI, not WFE
    EXPECT_EQ(vcpu.exit->exception.syndrome >> 20 & 0x1f, 0x1eU);
    vcpu.set(HV_REG_PC, vcpu.get(HV_REG_PC) + 4);
    const auto type = round == 0 ? HV_INTERRUPT_TYPE_IRQ : HV_INTERRUPT_TYPE_FIQ;
    bool pending = false;
    if (round < 2) {
      ASSERT_EQ(hv_vcpu_set_pending_interrupt(vcpu.id, type, true), HV_SUCCESS);
      ASSERT_EQ(hv_vcpu_get_pending_interrupt(vcpu.id, type, &pending), HV_SUCCESS);
      EXPECT_TRUE(pending);
      ASSERT_EQ(vcpu.run(), 0x16);
      EXPECT_EQ(vcpu.exit->exception.syndrome & 0xffff, 1U);
      EXPECT_EQ(vcpu.get(HV_REG_X0), round == 0 ? 1U : 2U);
      ASSERT_EQ(hv_vcpu_get_pending_interrupt(vcpu.id, type, &pending), HV_SUCCESS);
      EXPECT_FALSE(pending); // dropped by the exit
    }
    ASSERT_EQ(vcpu.run(), 0x16);
    EXPECT_EQ(vcpu.exit->exception.syndrome & 0xffff, 0U);
  }
}

TEST(GuestTest, WithoutGicTheVirtualTimerExits) {
  TestVm vm(TestVm::Interrupts::kNone);
  vm.put_code({0x14000000}); // b .
  const TestVcpu vcpu;
  EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, HV_SYS_REG_CNTV_CVAL_EL0, 0), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_set_sys_reg(vcpu.id, HV_SYS_REG_CNTV_CTL_EL0, 1), HV_SUCCESS);
  ASSERT_EQ(vcpu.run(), -1);
  EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_VTIMER_ACTIVATED);
  bool masked = false;
  EXPECT_EQ(hv_vcpu_get_vtimer_mask(vcpu.id, &masked), HV_SUCCESS);
  EXPECT_TRUE(masked);
  // Masked it stays silent until hv_vcpus_exit; unmasked it exits again.
  hv_vcpu_t id = vcpu.id;
  EXPECT_EQ(hv_vcpus_exit(&id, 1), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_run(vcpu.id), HV_SUCCESS);
  EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_CANCELED);
  EXPECT_EQ(hv_vcpu_set_vtimer_mask(vcpu.id, false), HV_SUCCESS);
  ASSERT_EQ(vcpu.run(), -1);
  EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_VTIMER_ACTIVATED);
}

// A vCPU asleep in WFI uses no host CPU, and hv_vcpus_exit gets it out.
TEST(GuestTest, SleepingGuestUsesNoCpuAndCanBeCanceled) {
  TestVm vm;
  vm.put_code({0xd503207f, 0x17ffffff}); // wfi; b .-4
  std::atomic<hv_vcpu_t> id{~0ULL};
  std::atomic<u64> cpu_ns{~0ULL};
  std::thread thread([&] {
    const TestVcpu vcpu;
    id = vcpu.id;
    EXPECT_EQ(hv_vcpu_run(vcpu.id), HV_SUCCESS);
    EXPECT_EQ(vcpu.exit->reason, HV_EXIT_REASON_CANCELED);
    timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    cpu_ns = static_cast<u64>(used.tv_sec) * 1'000'000'000 + static_cast<u64>(used.tv_nsec);
    u64 executed = 0;
    EXPECT_EQ(hv_vcpu_get_exec_time(vcpu.id, &executed), HV_SUCCESS);
    EXPECT_LT(executed, 24'000'000U / 20); // the sleep is no execution
  });
  while (id == ~0ULL)
    std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(300)); // what is measured, not an order
  hv_vcpu_t target = id;
  EXPECT_EQ(hv_vcpus_exit(&target, 1), HV_SUCCESS);
  thread.join();
  EXPECT_LT(cpu_ns, 50'000'000U);
}

// Everything at once, for the thread sanitizer: SGIs between vCPUs, SPIs and cancellations from
// another thread, and register reads.
TEST(GuestTest, StressFromManyThreads) {
  TestVm vm(TestVm::Interrupts::kGic, "sgi_ping_pong");
  std::array<std::atomic<hv_vcpu_t>, 2> ids{};
  std::atomic<u32> ready{0};
  std::atomic<u32> done{0};
  std::thread host([&] {
    while (ready < 2)
      std::this_thread::yield();
    for (u32 i = 0; done < 2; ++i) {
      hv_vcpu_t targets[] = {ids[0], ids[1]};
      EXPECT_EQ(hv_vcpus_exit(targets, 2), HV_SUCCESS);
      EXPECT_EQ(hv_gic_set_spi(64 + i % 32, i % 2 == 0), HV_SUCCESS);
      u64 value;
      EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISPENDR2, &value),
                HV_SUCCESS);
      EXPECT_EQ(hv_vm_protect(TestVm::kRamBase + 0x20000, 0x4000,
                              i % 2 == 0 ? HV_MEMORY_READ : HV_MEMORY_READ | HV_MEMORY_WRITE),
                HV_SUCCESS);
      std::this_thread::yield();
    }
    done = 3;
  });
  on_threads(2, [&](u32 number) {
    const TestVcpu vcpu(number);
    ids[number] = vcpu.id;
    for (++ready; ready < 2;)
      std::this_thread::yield();
    EXPECT_TRUE(vcpu.run_to_end());
    EXPECT_EQ(vcpu.get(HV_REG_X0), 1000U);
    for (++done; done < 3;)
      std::this_thread::yield();
  });
  host.join();
}

} // namespace
} // namespace softhv::api
