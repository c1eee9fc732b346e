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
#include "hvf/write_watch.h"

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

TEST_F(HvfTest, StateGoesBackToWhatItWasWhenItWasSaved) {
  start({kHvc5, kHvc5});
  for (unsigned i = 0; i < 31; ++i) {
    ASSERT_TRUE(vcpu_->set(static_cast<hv_reg_t>(HV_REG_X0 + i), 1000 + i).ok());
  }
  ASSERT_TRUE(vcpu_->set_system(HV_SYS_REG_TPIDR_EL1, 77).ok());
  ASSERT_TRUE(vcpu_->set_system(HV_SYS_REG_SP_EL0, 0x8880).ok());
  ASSERT_TRUE(vcpu_->set_system(HV_SYS_REG_CNTV_CVAL_EL0, 12345).ok());
  ASSERT_TRUE(vcpu_->set_system(HV_SYS_REG_DBGBVR2_EL1, 0x4000).ok());
  hv_simd_fp_uchar16_t q = {1, 2, 3};
  ASSERT_EQ(hv_vcpu_set_simd_fp_reg(vcpu_->handle(), HV_SIMD_FP_REG_Q31, q), HV_SUCCESS);
  ASSERT_EQ(hv_gic_set_icc_reg(vcpu_->handle(), HV_GIC_ICC_REG_PMR_EL1, 0xf0), HV_SUCCESS);
  arch::VcpuState saved;
  ASSERT_TRUE(vcpu_->save(saved).ok());
  EXPECT_EQ(saved.x[30], 1030U);

  ASSERT_TRUE(vcpu_->reset(arch::primary_boot_state(kRam + 64, 5)).ok());
  arch::VcpuState other;
  ASSERT_TRUE(vcpu_->save(other).ok());
  EXPECT_NE(other, saved);
  EXPECT_EQ(other.pc, kRam + 64);

  ASSERT_TRUE(vcpu_->restore(saved).ok());
  ASSERT_TRUE(vcpu_->save(other).ok());
  EXPECT_EQ(other, saved);
}

TEST_F(HvfTest, StateCannotBeSavedWhileAnExitIsPending) {
  start({kHvc5});
  run<arch::Hvc>();
  arch::VcpuState state;
  const Status refused = vcpu_->save(state);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("instruction boundary"));
  ASSERT_TRUE(vcpu_->complete_call(0).ok());
  EXPECT_TRUE(vcpu_->save(state).ok());
}

TEST_F(HvfTest, ARegisterThatIsNotThereIsNamed) {
  arch::VcpuState state;
  ASSERT_TRUE(vcpu_->save(state).ok());
  state.system.push_back({HV_SYS_REG_TTBR0_EL2, 0});
  const Status refused = vcpu_->restore(state);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("S3_4_C2_C0_0"));
}

TEST_F(HvfTest, AShiftedCounterKeepsTheDistanceOfBothTimers) {
  arch::VcpuState before;
  ASSERT_TRUE(vcpu_->set_system(HV_SYS_REG_CNTP_CVAL_EL0, 5000).ok());
  ASSERT_TRUE(vcpu_->set_system(HV_SYS_REG_CNTV_CVAL_EL0, 7000).ok());
  ASSERT_TRUE(vcpu_->save(before).ok());
  ASSERT_TRUE(vcpu_->shift_counter(30).ok());
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_CNTP_CVAL_EL0), 5030U);
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_CNTV_CVAL_EL0), 7000U);
  arch::VcpuState after;
  ASSERT_TRUE(vcpu_->save(after).ok());
  EXPECT_EQ(after.vtimer_offset, before.vtimer_offset + 30);
  ASSERT_TRUE(vcpu_->shift_counter(~u64{0}).ok()); // one that is behind
  EXPECT_EQ(*vcpu_->get_system(HV_SYS_REG_CNTP_CVAL_EL0), 5029U);
}

TEST_F(HvfTest, TheGicGoesBackToo) {
  const auto get = [] {
    uint64_t value = 0;
    EXPECT_EQ(hv_gic_get_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, &value),
              HV_SUCCESS);
    return value;
  };
  ASSERT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, 5), HV_SUCCESS);
  const auto saved = vm_->save_gic();
  ASSERT_TRUE(saved.ok());
  ASSERT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ICENABLER1, ~0U), HV_SUCCESS);
  EXPECT_EQ(get(), 0U);
  ASSERT_TRUE(vm_->restore_gic(*saved).ok());
  EXPECT_EQ(get(), 5U);
}

TEST_F(HvfTest, TheGicGoesBackByRegistersToo) {
  ASSERT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_ISENABLER1, 5), HV_SUCCESS);
  ASSERT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_IPRIORITYR9, 0xa0), HV_SUCCESS);
  ASSERT_EQ(hv_gic_set_distributor_reg(HV_GIC_DISTRIBUTOR_REG_GICD_CTLR, 2), HV_SUCCESS);
  ASSERT_EQ(hv_gic_set_redistributor_reg(vcpu_->handle(), HV_GIC_REDISTRIBUTOR_REG_GICR_ISENABLER0,
                                         1U << 27),
            HV_SUCCESS);
  const auto gicd = vm_->read_distributor();
  const auto gicr = vcpu_->read_redistributor();
  ASSERT_TRUE(gicd.ok());
  ASSERT_TRUE(gicr.ok());
  ASSERT_EQ(hv_gic_reset(), HV_SUCCESS);
  EXPECT_NE(*vm_->read_distributor(), *gicd);
  EXPECT_NE(*vcpu_->read_redistributor(), *gicr);
  ASSERT_TRUE(vm_->write_distributor(*gicd).ok());
  ASSERT_TRUE(vcpu_->write_redistributor(*gicr).ok());
  EXPECT_EQ(*vm_->read_distributor(), *gicd);
  EXPECT_EQ(*vcpu_->read_redistributor(), *gicr);
}

class WriteWatchTest : public HvfTest, public testing::WithParamInterface<WriteWatch::Method> {};

INSTANTIATE_TEST_SUITE_P(Methods, WriteWatchTest,
                         testing::Values(WriteWatch::Method::kWithoutFaults,
                                         WriteWatch::Method::kProtect));

TEST_P(WriteWatchTest, TellsOfEveryPageBeforeItIsWrittenTo) {
  constexpr u32 kStrX2 = 0xf9000022;  // str x2, [x1]
  constexpr u32 kAddX1 = 0x91402021;  // add x1, x1, #8, lsl #12
  constexpr u32 kStlrX2 = 0xc89ffc22; // stlr x2, [x1]
  constexpr u32 kSwpX2 = 0xf8228023;  // swp x2, x3, [x1]
  WriteWatch watch(*vm_, {kRam, kRamSize}, GetParam());
  std::vector<u64> pages;
  const auto run_once = [&](u64 value) {
    start({kStrX2, kStlrX2, kAddX1, kSwpX2, kStrX2, kHvc0});
    ASSERT_TRUE(vcpu_->set(HV_REG_X1, kRam + 0x10000).ok());
    ASSERT_TRUE(vcpu_->set(HV_REG_X2, value).ok());
    for (;;) {
      const auto exit = vcpu_->run();
      ASSERT_TRUE(exit.ok());
      const auto* refused = std::get_if<arch::WriteRefused>(&*exit);
      if (refused == nullptr) {
        ASSERT_TRUE(std::holds_alternative<arch::Hvc>(*exit));
        return;
      }
      ASSERT_TRUE(watch.open_page(refused->address).ok());
    }
  };
  const auto first_write = [&](u64 address, u64 size) {
    EXPECT_EQ(size, 4096U);
    pages.push_back(address);
    u64 value = 0;
    std::memcpy(&value, ram_ + (address - kRam), sizeof value);
    pages.push_back(value);
  };
  run_once(1);
  ASSERT_TRUE(watch.start(first_write).ok());
  run_once(2);
  run_once(3);
  EXPECT_EQ(pages, (std::vector<u64>{kRam + 0x10000, 1, kRam + 0x18000, 1}));
  pages.clear();
  ASSERT_TRUE(watch.start(first_write).ok());
  run_once(4);
  EXPECT_EQ(pages, (std::vector<u64>{kRam + 0x10000, 3, kRam + 0x18000, 3}));
  pages.clear();
  watch.stop();
  run_once(5);
  EXPECT_TRUE(pages.empty());
}

} // namespace
} // namespace kindling::hvf
