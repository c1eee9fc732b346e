// SPDX-License-Identifier: Apache-2.0
// A thread that uses another thread's vCPU.
#include <barrier>
#include <thread>

#include <Hypervisor/hv_softhv.h>

#include "softhv/api/test_vm.h"

namespace softhv::api {
namespace {

// A vCPU of another thread, which does what it is told to, step by step.
class BorrowTest : public ::testing::Test {
protected:
  // Runs `own` on the vCPU's thread.
  template <typename Step>
  void on_own_thread(Step own) {
    step_ = own;
    turn_.arrive_and_wait();
    turn_.arrive_and_wait();
  }

  void SetUp() override {
    vm_.put_code({0x91000400, 0xd4000002}); // add x0, x0, #1; hvc #0
    on_own_thread([this] { vcpu_.emplace(); });
    id = vcpu_->id;
  }
  void TearDown() override {
    on_own_thread([this] { vcpu_.reset(); });
    over_ = true;
    turn_.arrive_and_wait();
    thread_.join();
  }

  TestVm vm_{TestVm::Interrupts::kNone};
  std::optional<TestVcpu> vcpu_;
  hv_vcpu_t id = 0;

private:
  std::function<void()> step_;
  bool over_ = false;
  std::barrier<> turn_{2};
  std::thread thread_{[this] {
    for (turn_.arrive_and_wait(); !over_; turn_.arrive_and_wait()) {
      step_();
      turn_.arrive_and_wait();
    }
  }};
};

TEST_F(BorrowTest, RegistersAreReadAndWrittenByAnotherThread) {
  EXPECT_EQ(hv_vcpu_set_reg(id, HV_REG_X0, 5), HV_BAD_ARGUMENT); // not its own
  ASSERT_EQ(hv_softhv_vcpu_borrow(id), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_set_reg(id, HV_REG_X0, 5), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_set_reg(id, HV_REG_PC, TestVm::kRamBase), HV_SUCCESS);
  EXPECT_EQ(hv_softhv_vcpu_give_back(id), HV_SUCCESS);
  on_own_thread([this] { EXPECT_EQ(vcpu_->run(), 0x16); });
  ASSERT_EQ(hv_softhv_vcpu_borrow(id), HV_SUCCESS);
  uint64_t value = 0;
  EXPECT_EQ(hv_vcpu_get_reg(id, HV_REG_X0, &value), HV_SUCCESS);
  EXPECT_EQ(value, 6U);
  EXPECT_EQ(hv_softhv_vcpu_give_back(id), HV_SUCCESS);
}

TEST_F(BorrowTest, ABorrowedVcpuIsNotItsOwnThreads) {
  ASSERT_EQ(hv_softhv_vcpu_borrow(id), HV_SUCCESS);
  on_own_thread([this] {
    uint64_t value = 0;
    EXPECT_EQ(hv_vcpu_get_reg(id, HV_REG_X0, &value), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_run(id), HV_BAD_ARGUMENT);
    EXPECT_EQ(hv_vcpu_destroy(id), HV_BAD_ARGUMENT);
  });
  EXPECT_EQ(hv_softhv_vcpu_give_back(id), HV_SUCCESS);
}

TEST_F(BorrowTest, ABorrowedVcpuCanBeNeitherRunNorDestroyed) {
  ASSERT_EQ(hv_softhv_vcpu_borrow(id), HV_SUCCESS);
  EXPECT_EQ(hv_vcpu_run(id), HV_BUSY);
  EXPECT_EQ(hv_vcpu_destroy(id), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vcpu_borrow(id), HV_BUSY);
  std::thread([this] { EXPECT_EQ(hv_softhv_vcpu_borrow(id), HV_BUSY); }).join();
  EXPECT_EQ(hv_softhv_vcpu_give_back(id + 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vcpu_give_back(id), HV_SUCCESS);
  EXPECT_EQ(hv_softhv_vcpu_give_back(id), HV_BAD_ARGUMENT);
}

TEST_F(BorrowTest, WhatThereIsNotCannotBeBorrowed) {
  EXPECT_EQ(hv_softhv_vcpu_borrow(id + 1), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vcpu_borrow(id | 0xff), HV_BAD_ARGUMENT);
  EXPECT_EQ(hv_softhv_vcpu_borrow(id | 77 << 8), HV_BAD_ARGUMENT);
  on_own_thread([this] { EXPECT_EQ(hv_softhv_vcpu_borrow(id), HV_BUSY); });
}

} // namespace
} // namespace softhv::api
