// SPDX-License-Identifier: Apache-2.0
// Time by instructions: the same guest does the same, whatever the host does meanwhile and
// whichever engine runs it.
#include <atomic>
#include <future>
#include <latch>

#include <Hypervisor/hv_softhv.h>

#include "softhv/api/test_vm.h"
#include "softhv/timer/clock.h"

namespace softhv::api {
namespace {

using namespace std::chrono_literals;

// Of the current VM.
void set_instruction_time(u64 engine, const hv_softhv_instruction_time_t& config) {
  EXPECT_EQ(hv_softhv_vm_set_option(HV_SOFTHV_OPTION_ENGINE, engine), HV_SUCCESS);
  EXPECT_EQ(hv_softhv_vm_set_instruction_time(&config), HV_SUCCESS);
}

class InstructionTimeTest : public ::testing::TestWithParam<u64> {
protected:
  static void set_instruction_time(const hv_softhv_instruction_time_t& config) {
    api::set_instruction_time(GetParam(), config);
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, InstructionTimeTest,
                         ::testing::Range<u64>(HV_SOFTHV_ENGINE_INTERPRETER,
                                               has_jit() ? HV_SOFTHV_ENGINE_JIT + 1
                                                         : HV_SOFTHV_ENGINE_JIT),
                         [](const auto& param) {
                           return param.param == HV_SOFTHV_ENGINE_JIT ? "Jit" : "Interpreter";
                         });

// The n-th instruction is 1024 ns long, so that the counter tells every one.
constexpr hv_softhv_instruction_time_t kSlow = {
    .shift = 10, .quantum = 0, .live = false, .event = nullptr, .context = nullptr};

TEST(InstructionTime, IsSetBeforeTheFirstVcpu) {
  const auto config = kSlow;
  EXPECT_EQ(hv_softhv_vm_set_instruction_time(&config), HV_NO_DEVICE);
  const TestVm vm(TestVm::Interrupts::kNone);
  uint64_t n = 0;
  EXPECT_EQ(hv_softhv_vm_get_instruction_time(&n, nullptr), HV_UNSUPPORTED);
  EXPECT_EQ(hv_softhv_vm_set_instruction_time(nullptr), HV_BAD_ARGUMENT);
  auto wrong = config;
  wrong.shift = 11;
  EXPECT_EQ(hv_softhv_vm_set_instruction_time(&wrong), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vm_set_instruction_time(&config), HV_SUCCESS);
  const TestVcpu vcpu;
  EXPECT_EQ(hv_softhv_vm_set_instruction_time(&config), HV_BUSY);
  EXPECT_EQ(hv_softhv_vcpu_expect(12345), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vcpu_rest(12345), HV_BAD_ARGUMENT);
}

TEST_P(InstructionTimeTest, CountsAndStandsStillOutsideTheGuest) {
  TestVm vm(TestVm::Interrupts::kNone);
  vm.put_code({0xd503201f, 0xd503201f, 0xd4000002, 0xd503201f, 0xd4000002}); // nop nop hvc nop hvc
  set_instruction_time(kSlow);
  const TestVcpu vcpu;
  EXPECT_EQ(vcpu.run(), 0x16);
  uint64_t instructions = 0;
  uint64_t ns = 0;
  EXPECT_EQ(hv_softhv_vm_get_instruction_time(&instructions, &ns), HV_SUCCESS);
  EXPECT_EQ(instructions, 3U);
  EXPECT_EQ(ns, 3U << 10);
  EXPECT_EQ(hv_softhv_absolute_time(), timer::ticks_of(3072ns));
  EXPECT_EQ(vcpu.run(), 0x16);
  EXPECT_EQ(hv_softhv_vcpu_get_instructions(vcpu.id, &instructions), HV_SUCCESS);
  EXPECT_EQ(instructions, 5U);
}

TEST_P(InstructionTimeTest, InterruptsAndTheCounterAreExactToTheInstruction) {
  for (const uint32_t quantum : {0U, 1U, 2U, 3U, 7U, 100U}) {
    TestVm vm(TestVm::Interrupts::kGic, "exact");
    auto config = kSlow;
    config.quantum = quantum;
    set_instruction_time(config);
    const TestVcpu vcpu;
    EXPECT_TRUE(vcpu.run_to_end());
    // 5 instructions of 24.576 ticks
    EXPECT_NEAR(static_cast<double>(vm.slot(0, 1) - vm.slot(0, 0)), 122.88, 1.0) << quantum;
    EXPECT_EQ(vm.slot(0, 2), 0U) << quantum;
    // the rest of the tick in which an instruction ended, and the branch in the vector
    EXPECT_EQ(vm.slot(0, 3), 32U) << quantum;
  }
}

TEST_P(InstructionTimeTest, WaitsTakeNoTimeOfTheHost) {
  TestVm vm(TestVm::Interrupts::kGic, "timers");
  set_instruction_time({});
  const TestVcpu vcpu;
  EXPECT_TRUE(vcpu.run_to_end());
  EXPECT_EQ(vcpu.get(HV_REG_X0), 20U);
  uint64_t instructions = 0;
  uint64_t ns = 0;
  EXPECT_EQ(hv_softhv_vm_get_instruction_time(&instructions, &ns), HV_SUCCESS);
  EXPECT_LT(instructions, 10'000U);
  EXPECT_GE(ns, 40U * 100'000);
}

// What two vCPUs did in a run of their guest.
struct Course {
  std::array<u64, 2> hash{};
  std::array<u64, 2> executed{};
  u64 instructions = 0;
  u64 ns = 0;
  bool operator==(const Course&) const = default;
};

// How to run it.
struct Runner {
  u64 engine = HV_SOFTHV_ENGINE_INTERPRETER;
  u32 quantum = 1000;
};

// Runs `program` on two vCPUs while `meanwhile(vcpus)` disturbs it from the host. An instruction
// takes 8 ns: a few thousand fit between two interrupts of a timer, and some turns.
Course run_two(
    const std::string& program, const Runner& runner,
    const std::function<void(std::array<hv_vcpu_t, 2>, const std::atomic<bool>& done)>& meanwhile) {
  TestVm vm(TestVm::Interrupts::kGic, program);
  set_instruction_time(
      runner.engine,
      {.shift = 3, .quantum = runner.quantum, .live = false, .event = nullptr, .context = nullptr});
  Course course;
  std::array<hv_vcpu_t, 2> ids{};
  std::promise<void> start;
  const std::shared_future<void> started(start.get_future());
  std::latch ended(2);
  std::vector<std::thread> threads;
  for (u32 n = 0; n < 2; ++n) {
    std::promise<void> created;
    threads.emplace_back([&, n] {
      const TestVcpu vcpu(n);
      ids[n] = vcpu.id;
      created.set_value();
      started.wait();
      EXPECT_TRUE(vcpu.run_to_end());
      course.hash[n] = vcpu.get(HV_REG_X0);
      EXPECT_EQ(hv_softhv_vcpu_get_instructions(vcpu.id, &course.executed[n]), HV_SUCCESS);
      EXPECT_EQ(hv_softhv_vcpu_rest(vcpu.id), HV_SUCCESS);
      ended.arrive_and_wait();
    });
    created.get_future().wait();
    EXPECT_EQ(hv_softhv_vcpu_expect(ids[n]), HV_SUCCESS);
  }
  std::atomic<bool> done{false};
  std::thread host([&] { meanwhile(ids, done); });
  start.set_value();
  ended.wait();
  done = true;
  host.join();
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(hv_softhv_vm_get_instruction_time(&course.instructions, &course.ns), HV_SUCCESS);
  return course;
}

void nothing(std::array<hv_vcpu_t, 2> /*vcpus*/, const std::atomic<bool>& /*done*/) {}

TEST_P(InstructionTimeTest, TwoVcpusDoTheSameEveryTime) {
  for (const char* program : {"turns", "sgi_ping_pong", "events"}) {
    const Course first = run_two(program, {GetParam()}, nothing);
    EXPECT_GT(first.instructions, 1000U);
    EXPECT_EQ(first.executed[0] + first.executed[1], first.instructions);
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(run_two(program, {GetParam()}, nothing), first) << program;
  }
}

TEST(InstructionTime, EnginesDoTheSame) {
  if (!has_jit())
    GTEST_SKIP() << "there is one engine";
  for (const char* program : {"turns", "sgi_ping_pong", "events"})
    for (const u32 quantum : {200U, 1000U, 100'000U})
      EXPECT_EQ(run_two(program, {HV_SOFTHV_ENGINE_JIT, quantum}, nothing),
                run_two(program, {HV_SOFTHV_ENGINE_INTERPRETER, quantum}, nothing))
          << program << ", turns of " << quantum;
}

// A vCPU that is asked to leave, whoever's turn it is, goes on as if it had not been.
TEST_P(InstructionTimeTest, KicksChangeNothing) {
  const Course undisturbed = run_two("turns", {GetParam()}, nothing);
  const Course kicked = run_two(
      "turns", {GetParam()}, [](std::array<hv_vcpu_t, 2> vcpus, const std::atomic<bool>& done) {
        for (u32 i = 0; !done; ++i) {
          hv_vcpus_exit(&vcpus[i % 2], 1);
          std::this_thread::sleep_for(std::chrono::microseconds(i * 7919 % 50));
        }
      });
  EXPECT_EQ(kicked, undisturbed);
}

struct Events {
  std::vector<u64> at;
};

TEST_P(InstructionTimeTest, EventsComeAtTheirTime) {
  TestVm vm(TestVm::Interrupts::kGic, "timers"); // instructions, and waits of 100 us
  Events events;
  auto config = kSlow;
  config.context = &events;
  config.event = [](void* context) {
    u64 ns = 0;
    EXPECT_EQ(hv_softhv_vm_get_instruction_time(nullptr, &ns), HV_SUCCESS);
    auto& seen = *static_cast<Events*>(context);
    seen.at.push_back(ns);
    EXPECT_EQ(hv_softhv_vm_set_event_time(ns + 77'777), HV_SUCCESS);
  };
  set_instruction_time(config);
  EXPECT_EQ(hv_softhv_vm_set_event_time(5000), HV_SUCCESS);
  const TestVcpu vcpu;
  EXPECT_TRUE(vcpu.run_to_end());
  ASSERT_GT(events.at.size(), 20U);
  EXPECT_EQ(events.at[0], 5120U); // the end of the fifth instruction
  for (size_t i = 1; i < events.at.size(); ++i) {
    EXPECT_GE(events.at[i], events.at[i - 1] + 77'777);
    EXPECT_LT(events.at[i], events.at[i - 1] + 77'777 + 1024);
  }
}

// Waits, with nothing else to come, for what the host does.
TEST_P(InstructionTimeTest, AnInterruptFromTheHostEndsAWait) {
  TestVm vm(TestVm::Interrupts::kGic, "spi");
  set_instruction_time({});
  std::atomic<u32> request{0};
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
  }
  device.join();
}

TEST_P(InstructionTimeTest, AWaitOfALiveVmTakesItsTime) {
  TestVm vm(TestVm::Interrupts::kGic, "timers");
  set_instruction_time(
      {.shift = 0, .quantum = 0, .live = true, .event = nullptr, .context = nullptr});
  const auto start = std::chrono::steady_clock::now();
  const TestVcpu vcpu;
  EXPECT_TRUE(vcpu.run_to_end());
  EXPECT_GE(std::chrono::steady_clock::now() - start, 40 * 100us - 40 * 10us);
}

} // namespace
} // namespace softhv::api
