// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vmm/control/testing/fake_target.h"

namespace kindling::vmm {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Protocol : public ::testing::Test {
protected:
  std::string answer(std::string_view request) { return answer_request(request, target_).line; }

  testing::FakeTarget target_;
};

TEST_F(Protocol, StatusTellsAllThereIsToKnow) {
  target_.now = {MachineStatus::State::kPaused,
                 4,
                 512ULL << 20,
                 vstate::Backend::kSoft,
                 arch::Engine::kJit,
                 2500ms,
                 1999ms + 999us,
                 480ms,
                 2};
  EXPECT_EQ(answer(R"({"command":"status"})"),
            R"({"ok":true,"state":"paused","vcpus":4,"memory_bytes":536870912,"backend":"soft",)"
            R"("engine":"jit","uptime_ms":2500,"guest_time_ms":1999,"boot_time_ms":480,)"
            R"("checkpoints":2})"
            "\n");
}

TEST_F(Protocol, StatusOfACpuInHardwareThatIsNotUpYet) {
  target_.now.backend = vstate::Backend::kHvf;
  EXPECT_THAT(answer(R"({"command":"status"})"),
              HasSubstr(R"("backend":"hvf","engine":null,"uptime_ms":0,"guest_time_ms":0,)"
                        R"("boot_time_ms":null)"));
  target_.now.engine = arch::Engine::kInterpreter;
  EXPECT_THAT(answer(R"({"command":"status"})"), HasSubstr(R"("engine":"interp")"));
}

TEST_F(Protocol, EveryStateHasItsName) {
  EXPECT_THAT(answer(R"({"command":"status"})"), HasSubstr(R"("state":"running")"));
  EXPECT_EQ(answer(R"({"command":"pause"})"), "{\"ok\":true}\n");
  EXPECT_THAT(answer(R"({"command":"status"})"), HasSubstr(R"("state":"paused")"));
  EXPECT_EQ(answer(R"({"command":"resume"})"), "{\"ok\":true}\n");
  EXPECT_THAT(answer(R"({"command":"status"})"), HasSubstr(R"("state":"running")"));
  EXPECT_EQ(answer(R"({"command":"quit"})"), "{\"ok\":true}\n");
  EXPECT_THAT(answer(R"({"command":"status"})"), HasSubstr(R"("state":"ended")"));
}

TEST_F(Protocol, WhatTheMachineRefusesIsTheReply) {
  EXPECT_EQ(answer(R"({"command":"resume"})"), "{\"ok\":false,\"error\":\"not paused\"}\n");
  EXPECT_EQ(answer(R"({"command":"reset"})"), "{\"ok\":false,\"error\":\"no checkpoint 0\"}\n");
  EXPECT_EQ(answer(R"({"command":"balloon","mib":64})"),
            "{\"ok\":false,\"error\":\"this machine has no balloon device\"}\n");
}

TEST_F(Protocol, CheckpointsAreMadeAndGoneBackTo) {
  EXPECT_EQ(answer(R"({"command":"checkpoint"})"), "{\"ok\":true,\"checkpoint\":1}\n");
  EXPECT_EQ(answer(R"({"command":"checkpoint"})"), "{\"ok\":true,\"checkpoint\":2}\n");
  EXPECT_THAT(answer(R"({"command":"reset"})"),
              StartsWith(R"({"ok":true,"checkpoint":2,"took_us":)"));
  EXPECT_THAT(answer(R"({"command":"reset","checkpoint":1})"),
              StartsWith(R"({"ok":true,"checkpoint":1,"took_us":)"));
  EXPECT_EQ(answer(R"({"command":"reset","checkpoint":2})"),
            "{\"ok\":false,\"error\":\"no checkpoint 2\"}\n");
}

TEST_F(Protocol, OnlyWholeNumbersAreCheckpoints) {
  answer(R"({"command":"checkpoint"})");
  for (const char* number : {"-1", "1.0", "\"1\"", "null", "true", "[1]", "{}", "4294967297"}) {
    EXPECT_EQ(answer(std::string(R"({"command":"reset","checkpoint":)") + number + "}"),
              "{\"ok\":false,\"error\":\"\\\"checkpoint\\\" is the number of a checkpoint, 1 and "
              "on\"}\n")
        << number;
  }
}

TEST_F(Protocol, ListDescribesEachCheckpoint) {
  EXPECT_EQ(answer(R"({"command":"list"})"), "{\"ok\":true,\"checkpoints\":[]}\n");
  target_.list = {{1, 2500ms, 8192, 512}, {2, 10ms, 4096, 0}};
  EXPECT_EQ(answer(R"({"command":"list"})"),
            R"({"ok":true,"checkpoints":[)"
            R"({"checkpoint":1,"age_ms":2500,"ram_bytes":8192,"disk_bytes":512},)"
            R"({"checkpoint":2,"age_ms":10,"ram_bytes":4096,"disk_bytes":0}]})"
            "\n");
}

TEST_F(Protocol, OnlyEventsSubscribes) {
  EXPECT_TRUE(answer_request(R"({"command":"events"})", target_).subscribes);
  EXPECT_FALSE(answer_request(R"({"command":"status"})", target_).subscribes);
  EXPECT_FALSE(answer_request(R"({"command":"events","x":1})", target_).subscribes);
}

TEST_F(Protocol, AnIdComesBack) {
  EXPECT_EQ(answer(R"({"command":"pause","id":7})"), "{\"id\":7,\"ok\":true}\n");
  EXPECT_EQ(answer(R"({"command":"resume","id":"a \"b\""})"),
            "{\"id\":\"a \\\"b\\\"\",\"ok\":true}\n");
  EXPECT_EQ(answer(R"({"command":"resume","id":-1})"),
            "{\"id\":-1,\"ok\":false,\"error\":\"not paused\"}\n");
  EXPECT_THAT(answer(R"({"id":1})"), StartsWith(R"({"id":1,"ok":false)"));
  for (const char* id : {"null", "1.5", "[1]", "{\"a\":1}"}) {
    EXPECT_EQ(answer(std::string(R"({"command":"pause","id":)") + id + "}"),
              "{\"ok\":false,\"error\":\"\\\"id\\\" is a string or a whole number\"}\n")
        << id;
  }
  EXPECT_EQ(target_.now.state, MachineStatus::State::kRunning);
}

TEST_F(Protocol, WhatIsNoObjectIsRefused) {
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  for (const std::string& line :
       {std::string("hello"), std::string("[]"), std::string("1"), std::string("{"),
        std::string(R"({"command":"quit"} x)"), std::string("{\"command\":\"qu\xff\"}"),
        std::string(3, '\0'), deep, "{\"command\":" + deep.substr(0, 7000)}) {
    EXPECT_EQ(answer(line),
              "{\"ok\":false,\"error\":\"a request is one JSON object on one line\"}\n")
        << line;
  }
  EXPECT_EQ(target_.now.state, MachineStatus::State::kRunning);
}

TEST_F(Protocol, ASnapshotIsMadeAsItIsAskedFor) {
  EXPECT_EQ(answer(R"({"command":"snapshot","name":"a"})"),
            "{\"ok\":true,\"name\":\"a\",\"base\":null,\"ram_bytes\":4096,\"disk_bytes\":0,"
            "\"stopped_us\":2000}\n");
  EXPECT_EQ(answer(R"({"command":"snapshot","name":"b","type":"diff","base":"a"})"),
            "{\"ok\":true,\"name\":\"b\",\"base\":\"a\",\"ram_bytes\":4096,\"disk_bytes\":0,"
            "\"stopped_us\":2000}\n");
  ASSERT_EQ(target_.snapshots.size(), 2U);
  EXPECT_EQ(target_.snapshots[0].kind, SnapshotKind::kAuto);
  EXPECT_EQ(target_.snapshots[1].kind, SnapshotKind::kDiff);
  for (const char* refused : {R"({"command":"snapshot"})", R"({"command":"snapshot","name":1})",
                              R"({"command":"snapshot","name":"c","type":"half"})",
                              R"({"command":"snapshot","name":"taken"})"}) {
    EXPECT_EQ(answer(refused).find("{\"ok\":false"), 0U) << refused;
  }
  EXPECT_EQ(target_.snapshots.size(), 2U);
}

TEST_F(Protocol, UnknownCommandsAndFieldsAreNamed) {
  EXPECT_EQ(answer("{}"), "{\"ok\":false,\"error\":\"a request has the field \\\"command\\\", a "
                          "string\"}\n");
  EXPECT_EQ(answer(R"({"command":1})"), answer("{}"));
  EXPECT_EQ(answer(R"({"command":"stop"})"),
            "{\"ok\":false,\"error\":\"there is no command \\\"stop\\\"; the commands are status, "
            "pause, resume, checkpoint, reset, list, snapshot, balloon, events, quit\"}\n");
  EXPECT_EQ(answer(R"({"command":"reset","chekpoint":1})"),
            "{\"ok\":false,\"error\":\"reset has no field \\\"chekpoint\\\"; it takes "
            "\\\"checkpoint\\\"\"}\n");
  EXPECT_EQ(answer(R"({"command":"quit","now":true})"),
            "{\"ok\":false,\"error\":\"quit has no field \\\"now\\\"; it takes none\"}\n");
  EXPECT_EQ(target_.now.state, MachineStatus::State::kRunning);
}

TEST(ProtocolLines, EveryEventHasItsLine) {
  EXPECT_EQ(event_line(GuestBoots{true}), "{\"event\":\"guest_reset\"}\n");
  EXPECT_EQ(event_line(GuestIsUp{480ms}), "{\"event\":\"guest_boot_time\",\"boot_time_ms\":480}\n");
  EXPECT_EQ(event_line(Paused{}), "{\"event\":\"paused\"}\n");
  EXPECT_EQ(event_line(Resumed{}), "{\"event\":\"resumed\"}\n");
  EXPECT_EQ(event_line(CheckpointMade{3}), "{\"event\":\"checkpoint\",\"checkpoint\":3}\n");
  EXPECT_EQ(event_line(RolledBack{1}), "{\"event\":\"reset\",\"checkpoint\":1}\n");
  EXPECT_EQ(event_line(SnapshotMade{"a"}), "{\"event\":\"snapshot\",\"name\":\"a\"}\n");
  EXPECT_EQ(event_line(GuestAdjusted{}), "{\"event\":\"guest_adjusted\"}\n");
  EXPECT_EQ(event_line(GuestAdjusted{"x"}), "{\"event\":\"guest_adjusted\",\"error\":\"x\"}\n");
  EXPECT_EQ(event_line(Ended{EndReason::kPowerOff, ""}),
            "{\"event\":\"ended\",\"reason\":\"power_off\"}\n");
  EXPECT_EQ(event_line(Ended{EndReason::kQuit, ""}), "{\"event\":\"ended\",\"reason\":\"quit\"}\n");
  EXPECT_EQ(event_line(Ended{EndReason::kFailure, "no room"}),
            "{\"event\":\"ended\",\"reason\":\"failure\",\"error\":\"no room\"}\n");
}

TEST(ProtocolLines, TextThatIsNotUtf8IsMadeSo) {
  EXPECT_EQ(error_line(Error{"disk\xff\nx"}),
            "{\"ok\":false,\"error\":\"disk\xef\xbf\xbd\\nx\"}\n");
}

} // namespace
} // namespace kindling::vmm
