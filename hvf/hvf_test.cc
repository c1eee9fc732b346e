// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <initializer_list>
#include <sys/mman.h>
#include <thread>

#include "hvf/engine.h"
#include "hvf/error.h"
#include "hvf/vcpu.h"
#include "hvf/vm.h"

namespace kindling::hvf {
namespace {

using testing::HasSubstr;

constexpr u64 kRam = arch::kRamBase;
constexpr u64 kRamSize = 1 << 20;
constexpr u64 kVectors = kRam + 0x1000;
constexpr u64 kDevice = 0x0900'0000;

constexpr u32 kMovX1Device = 0xd2a12001; // movz x1, #0x900, lsl #16
constexpr u32 kLdrshX3 = 0x79800823;     // ldrsh x3, [x1, #4]
constexpr u32 kStrW2 = 0xb9000022;       // str w2, [x1]
constexpr u32 kLdpX4X5 = 0xa9401424;     // ldp x4, x5, [x1]
constexpr u32 kHvc0 = 0xd4000002;
constexpr u32 kHvc5 = 0xd40000a2;
constexpr u32 kSmc0 = 0xd4000003;
constexpr u32 kSelf = 0x14000000; // b .
constexpr u32 kBrX6 = 0xd61f00c0;

class HvfTest : public testing::Test {
protected:
  void SetUp() override {
    ram_ = static_cast<u8*>(
        ::mmap(nullptr, kRamSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(ram_, MAP_FAILED);
    auto vm = Vm::create(0);
    ASSERT_TRUE(vm.ok()) << vm.error().message;
    vm_ = std::move(*vm);
    ASSERT_TRUE(vm_->create_gic(1).ok());
    ASSERT_TRUE(vm_->map(ram_, kRam, kRamSize, {}).ok());
    auto vcpu = Vcpu::create(arch::mpidr_of(0));
    ASSERT_TRUE(vcpu.ok()) << vcpu.error().message;
    vcpu_ = std::move(*vcpu);
  }
  void TearDown() override {
    vcpu_.reset();
    vm_.reset();
    ::munmap(ram_, kRamSize);
  }
  void start(std::initializer_list<u32> code) {
    size_t at = 0;
    for (const u32 word : code) {
      std::memcpy(ram_ + at, &word, 4);
      at += 4;
    }
    ASSERT_TRUE(vcpu_->reset(arch::primary_boot_state(kRam, 0)).ok());
    ASSERT_TRUE(vcpu_->set_system(HV_SYS_REG_VBAR_EL1, kVectors).ok());
  }
  template <typename T>
  T run() {
    const auto exit = vcpu_->run();
    EXPECT_TRUE(exit.ok()) << exit.error().message;
    const T* value = exit.ok() ? std::get_if<T>(&*exit) : nullptr;
    EXPECT_NE(value, nullptr) << "another kind of exit";
    return value != nullptr ? *value : T{};
  }
  u64 x(unsigned index) { return *vcpu_->get(static_cast<hv_reg_t>(HV_REG_X0 + index)); }
  u64 pc() { return *vcpu_->get(HV_REG_PC); }

  u8* ram_ = nullptr;
  std::unique_ptr<Vm> vm_;
  std::unique_ptr<Vcpu> vcpu_;
};

TEST_F(HvfTest, MmioLoadIsCompletedWithSignExtension) {
  start({kMovX1Device, kLdrshX3, kHvc0});
  const auto read = run<arch::MmioRead>();
  EXPECT_EQ(read.address, kDevice + 4);
  EXPECT_EQ(read.size, 2);
  EXPECT_TRUE(vcpu_->pending());
  EXPECT_FALSE(vcpu_->run().ok()) << "the exit has to be completed first";
  ASSERT_TRUE(vcpu_->complete_read(0xabcd'8001).ok());
  EXPECT_FALSE(vcpu_->pending());
  EXPECT_EQ(x(3), 0xffff'ffff'ffff'8001ULL);
  EXPECT_EQ(pc(), kRam + 8);
  run<arch::Hvc>();
}

TEST_F(HvfTest, MmioStoreCarriesTheRegister) {
  start({kMovX1Device, kStrW2, kHvc0});
  ASSERT_TRUE(vcpu_->set(HV_REG_X2, 0x1234'5678'9abc'def0).ok());
  const auto write = run<arch::MmioWrite>();
  EXPECT_EQ(write.address, kDevice);
  EXPECT_EQ(write.size, 4);
  EXPECT_EQ(write.value, 0x9abc'def0U);
  EXPECT_FALSE(vcpu_->complete_read(0).ok()) << "it is no load";
  ASSERT_TRUE(vcpu_->complete_write().ok());
  run<arch::Hvc>();
}

TEST_F(HvfTest, ACompletedAccessCountsAsSingleStepped) {
  start({kMovX1Device, kStrW2, kHvc0});
  run<arch::MmioWrite>();
  ASSERT_TRUE(vcpu_->set(HV_REG_CPSR, *vcpu_->get(HV_REG_CPSR) | arch::kPstateSs).ok());
  ASSERT_TRUE(vcpu_->complete_write().ok());
  EXPECT_EQ(*vcpu_->get(HV_REG_CPSR) & arch::kPstateSs, 0U);
}

TEST_F(HvfTest, CallsReturnBehindThemselves) {
  start({kHvc5, kSmc0, kHvc0});
  EXPECT_EQ(run<arch::Hvc>().immediate, 5);
  ASSERT_TRUE(vcpu_->complete_call(0x111).ok());
  EXPECT_EQ(x(0), 0x111U);
  EXPECT_EQ(run<arch::Smc>().immediate, 0);
  ASSERT_TRUE(vcpu_->complete_call(0x222).ok());
  EXPECT_EQ(x(0), 0x222U);
  EXPECT_EQ(run<arch::Hvc>().immediate, 0);
}

TEST_F(HvfTest, AnAbortedAccessReachesTheGuestsVector) {
  start({kMovX1Device, kStrW2});
  std::memcpy(ram_ + 0x1200, &kHvc0, 4);
  run<arch::MmioWrite>();
  ASSERT_TRUE(vcpu_->abort_access().ok());
  EXPECT_EQ(pc(), kVectors + 0x200);
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_ESR_EL1),
            arch::make_esr(arch::ExceptionClass::kDataAbortSame, 1 << 6 | 0x10));
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_FAR_EL1), kDevice);
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_ELR_EL1), kRam + 4);
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_SPSR_EL1), 0x3c5U);
  run<arch::Hvc>();
}

TEST_F(HvfTest, AccessesThatNobodyCanServeAreReportedAsSuch) {
  start({kMovX1Device, kLdpX4X5});
  const auto access = run<arch::UnserviceableAccess>();
  EXPECT_EQ(access.physical_address, kDevice);
  ASSERT_TRUE(vcpu_->abort_access().ok());
  EXPECT_EQ(pc(), kVectors + 0x200);
}

TEST_F(HvfTest, AFetchFromNowhereIsReported) {
  start({kBrX6});
  ASSERT_TRUE(vcpu_->set(HV_REG_X6, 0x1000).ok());
  const auto access = run<arch::UnserviceableAccess>();
  EXPECT_EQ(access.virtual_address, 0x1000U);
  ASSERT_TRUE(vcpu_->abort_access().ok());
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_ELR_EL1), 0x1000U);
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_ESR_EL1),
            arch::make_esr(arch::ExceptionClass::kInstructionAbortSame, 0x10));
}

TEST_F(HvfTest, AnUndefinedHvcPointsAtItself) {
  start({kHvc5});
  run<arch::Hvc>();
  ASSERT_TRUE(vcpu_->raise_undefined().ok());
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_ELR_EL1), kRam);
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_ESR_EL1), 0x0200'0000U);
}

TEST_F(HvfTest, AKickBeforeTheRunIsNotLost) {
  start({kSelf});
  std::thread([this] { vcpu_->kick(); }).join();
  run<arch::Canceled>();
}

TEST_F(HvfTest, AKickEndsASpinningGuest) {
  start({kSelf});
  std::thread kicker([this] { vcpu_->kick(); });
  run<arch::Canceled>();
  kicker.join();
  EXPECT_EQ(pc(), kRam);
}

TEST_F(HvfTest, ResetForgetsEverything) {
  start({kMovX1Device, kStrW2});
  run<arch::MmioWrite>();
  ASSERT_TRUE(vcpu_->set_system(HV_SYS_REG_TCR_EL1, 0x19).ok());
  ASSERT_TRUE(vcpu_->reset(arch::secondary_boot_state(kRam + 8, 77, 0)).ok());
  EXPECT_FALSE(vcpu_->pending());
  EXPECT_EQ(x(0), 77U);
  EXPECT_EQ(x(1), 0U);
  EXPECT_EQ(pc(), kRam + 8);
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_TCR_EL1), 0U);
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_MPIDR_EL1), arch::mpidr_of(0));
}

TEST_F(HvfTest, ErrorsNameTheCallAndTheCode) {
  const Status mapped = vm_->map(ram_, kRam, kRamSize, {});
  ASSERT_FALSE(mapped.ok());
  EXPECT_THAT(mapped.error().message, HasSubstr("hv_vm_map of 0x100000 bytes at 0x40000000"));
  EXPECT_THAT(mapped.error().message, HasSubstr("HV_"));
  EXPECT_FALSE(Vm::create(0).ok()) << "a process has one VM";
}

TEST(HvfError, KnownCodesHaveNames) {
  EXPECT_TRUE(check(HV_SUCCESS, "hv_vm_create").ok());
  EXPECT_THAT(check(HV_BUSY, "hv_vm_create").error().message,
              HasSubstr("hv_vm_create failed with HV_BUSY (0xfae94002)"));
}

TEST_F(HvfTest, AnEngineIsChosenBeforeTheFirstVcpu) {
  EXPECT_TRUE(query_engine().software);
  const Status late = set_engine({.engine = arch::Engine::kInterpreter});
  ASSERT_FALSE(late.ok());
  EXPECT_THAT(late.error().message, HasSubstr("HV_BUSY"));
  vcpu_.reset();
  EXPECT_TRUE(set_engine({.engine = arch::Engine::kInterpreter}).ok());
  EXPECT_EQ(set_engine({.engine = arch::Engine::kJit}).ok(), query_engine().jit);
  EXPECT_TRUE(set_engine({}).ok());
}

TEST_F(HvfTest, StatisticsCountExits) {
  start({kHvc0, kHvc5});
  run<arch::Hvc>();
  ASSERT_TRUE(vcpu_->complete_call(0).ok());
  run<arch::Hvc>();
  const auto statistics = read_statistics();
  ASSERT_TRUE(statistics.ok()) << statistics.error().message;
  u64 calls = 0;
  for (const arch::Statistic& one : *statistics) {
    calls += one.name == "exits_hvc" ? one.value : 0;
  }
  EXPECT_EQ(calls, 2U);
}

#if __has_include(<Hypervisor/hv_softhv.h>)
TEST(HvfInstructionTime, CountsInstructionsAndCallsEventsAtTheirTime) {
  auto vm = Vm::create(0);
  ASSERT_TRUE(vm.ok()) << vm.error().message;
  u64 event_at = 0;
  ASSERT_TRUE((*vm)->count_instructions(3, false, [&] { event_at = (*vm)->time_ns(); }).ok());
  ASSERT_TRUE((*vm)->create_gic(1).ok());
  auto* ram = static_cast<u8*>(
      ::mmap(nullptr, kRamSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(ram, MAP_FAILED);
  ASSERT_TRUE((*vm)->map(ram, kRam, kRamSize, {}).ok());
  const u32 code[] = {kMovX1Device, kMovX1Device, kMovX1Device, kHvc0};
  std::memcpy(ram, code, sizeof(code));
  (*vm)->set_event_time(16);
  {
    auto vcpu = Vcpu::create(arch::mpidr_of(0));
    ASSERT_TRUE(vcpu.ok()) << vcpu.error().message;
    Vcpu::expect((*vcpu)->handle());
    ASSERT_TRUE((*vcpu)->reset(arch::primary_boot_state(kRam, 0)).ok());
    const auto exit = (*vcpu)->run();
    ASSERT_TRUE(exit.ok()) << exit.error().message;
    EXPECT_TRUE(std::holds_alternative<arch::Hvc>(*exit));
    (*vcpu)->rest();
  }
  EXPECT_EQ((*vm)->instructions(), 4U);
  EXPECT_EQ((*vm)->time_ns(), 32U);
  EXPECT_EQ(event_at, 16U);
  (*vm).reset();
  ::munmap(ram, kRamSize);
}
#endif

} // namespace
} // namespace kindling::hvf
