// SPDX-License-Identifier: Apache-2.0
#include "vmm/control/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <sys/stat.h>

#include "arch/testing/temporary_directory.h"
#include "vmm/control/testing/connection.h"

namespace kindling::vmm {
namespace {

using testing::Connection;
using ::testing::HasSubstr;

// Answers "x" with "re: x"; "events" subscribes; "wait" is answered when release() is called.
class Server : public ::testing::Test {
protected:
  void SetUp() override { listen(); }

  void listen(bool open = true) {
    auto server = ControlServer::listen(
        path_, [this](std::string_view line) { return answer(std::string(line)); });
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    if (open) {
      server_->open();
    }
  }

  ControlReply answer(const std::string& line) {
    std::unique_lock lock(mutex_);
    ++asked_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return line != "wait" || released_; });
    return {"re: " + line + "\n", line == "events"};
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void wait_until_asked(int times) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return asked_ >= times; });
  }

  TemporaryDirectory dir_;
  const std::string path_ = dir_.path("socket");
  std::mutex mutex_;
  std::condition_variable changed_;
  int asked_ = 0;
  bool released_ = false;
  std::unique_ptr<ControlServer> server_;
};

TEST_F(Server, AnswersLineByLineInOrder) {
  Connection client(path_);
  EXPECT_EQ(client.ask("one"), "re: one");
  client.send("two\nthree\n\n \r\nfo");
  client.send("ur\n");
  EXPECT_EQ(client.line(), "re: two");
  EXPECT_EQ(client.line(), "re: three");
  EXPECT_EQ(client.line(), "re: four");
}

TEST_F(Server, ClientsDoNotWaitForEachOther) {
  Connection slow(path_);
  Connection other(path_);
  slow.send("wait\n");
  wait_until_asked(1);
  EXPECT_EQ(other.ask("a"), "re: a");
  EXPECT_EQ(Connection(path_).ask("b"), "re: b");
  release();
  EXPECT_EQ(slow.line(), "re: wait");
}

TEST_F(Server, LetsNobodyInBeforeItIsOpen) {
  server_.reset();
  listen(false);
  Connection early(path_);
  early.send("hello\n");
  EXPECT_EQ(asked_, 0);
  server_->open();
  EXPECT_EQ(early.line(), "re: hello");
}

TEST_F(Server, RepliesComeAfterTheEndOfTheInput) {
  Connection client(path_);
  client.send("a\nb\nhalf a line");
  client.end_input();
  EXPECT_EQ(client.line(), "re: a");
  EXPECT_EQ(client.line(), "re: b");
  EXPECT_EQ(client.line(), "(end)");
  EXPECT_EQ(asked_, 2);
}

TEST_F(Server, WhatOneClientDoesDisturbsNobody) {
  Connection good(path_);
  EXPECT_EQ(good.ask("a"), "re: a");
  {
    Connection half(path_);
    half.send("half a li");
  }
  {
    Connection busy(path_); // leaves while its request is executed
    busy.send("wait\n");
    wait_until_asked(2);
  }
  Connection long_winded(path_);
  long_winded.send(std::string(10 * kMaxRequest, 'x'));
  EXPECT_EQ(long_winded.line(), "{\"ok\":false,\"error\":\"a request has at most 16384 bytes\"}");
  long_winded.send("\nshort\n");
  EXPECT_EQ(long_winded.line(), "re: short");
  EXPECT_EQ(long_winded.ask(std::string(kMaxRequest, 'y')), "re: " + std::string(kMaxRequest, 'y'));
  release();
  EXPECT_EQ(good.ask("b"), "re: b");
}

TEST_F(Server, RequestsAreExecutedThoughTheirClientHasGone) {
  {
    Connection client(path_);
    client.send("wait\n");
    wait_until_asked(1);
    client.send("more than is read at once: " + std::string(10'000, 'x') + "\n");
    client.send("bye\n");
  }
  release();
  wait_until_asked(3);
}

TEST_F(Server, EventsGoToThoseWhoAsked) {
  Connection subscriber(path_);
  Connection other(path_);
  EXPECT_EQ(other.ask("a"), "re: a");
  EXPECT_FALSE(server_->has_subscribers());
  server_->publish("nobody hears this\n");
  EXPECT_EQ(subscriber.ask("events"), "re: events");
  // The reply is sent once the client is subscribed.
  EXPECT_TRUE(server_->has_subscribers());
  server_->publish("first\n");
  server_->publish("second\n");
  EXPECT_EQ(subscriber.line(), "first");
  EXPECT_EQ(subscriber.line(), "second");
  EXPECT_EQ(subscriber.ask("b"), "re: b");
  EXPECT_EQ(other.ask("c"), "re: c");
}

TEST_F(Server, EventsGoOnAfterTheEndOfTheInput) {
  Connection subscriber(path_);
  subscriber.send("events\n");
  subscriber.end_input();
  EXPECT_EQ(subscriber.line(), "re: events");
  server_->publish("one\n");
  EXPECT_EQ(subscriber.line(), "one");
}

TEST_F(Server, EventsComeWhileARequestIsExecuted) {
  Connection subscriber(path_);
  EXPECT_EQ(subscriber.ask("events"), "re: events");
  subscriber.send("wait\n");
  wait_until_asked(2);
  server_->publish("meanwhile\n");
  release();
  EXPECT_EQ(subscriber.line(), "meanwhile");
  EXPECT_EQ(subscriber.line(), "re: wait");
}

TEST_F(Server, ASubscriberThatDoesNotReadIsDroppedAndHoldsNobodyUp) {
  Connection slow(path_);
  Connection quick(path_);
  ASSERT_EQ(slow.ask("events"), "re: events");
  ASSERT_EQ(quick.ask("events"), "re: events");
  constexpr int kEvents = 20'000;
  const std::string padding(100, '.');
  for (int i = 0; i < kEvents; ++i) {
    const std::string event = std::to_string(i) + padding;
    server_->publish(event + "\n");
    ASSERT_EQ(quick.line(), event);
  }
  int expected = 0;
  std::string line = slow.line();
  for (; line == std::to_string(expected) + padding; ++expected) {
    line = slow.line();
  }
  EXPECT_THAT(expected, ::testing::AllOf(::testing::Gt(1000), ::testing::Lt(kEvents)));
  EXPECT_EQ(line, "{\"event\":\"lost\",\"error\":\"events came faster than they were read; connect "
                  "again\"}");
  EXPECT_EQ(slow.line(), "(end)");
}

TEST_F(Server, AClientThatReadsNoRepliesIsNotReadFrom) {
  Connection client(path_);
  const std::string request = std::string(1000, 'r') + "\n";
  size_t sent = 0;
  constexpr size_t kFarTooMuch = 64ULL << 20;
  // A pause of the server's ends this early, which does no harm.
  for (pollfd ready = {client.fd(), POLLOUT, 0};
       sent < kFarTooMuch && ::poll(&ready, 1, 1000) == 1;) {
    const ssize_t n = ::send(client.fd(), request.data() + sent % request.size(),
                             request.size() - sent % request.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0) {
      break;
    }
    sent += static_cast<size_t>(n);
  }
  EXPECT_LT(sent, kFarTooMuch);
  client.end_input();
  size_t replies = 0;
  while (client.line() != "(end)") {
    ++replies;
  }
  EXPECT_EQ(replies, sent / request.size());
}

TEST_F(Server, OnlySoManyClientsAreLetIn) {
  std::vector<std::unique_ptr<Connection>> clients;
  for (size_t i = 0; i < kMaxControlClients; ++i) {
    clients.push_back(std::make_unique<Connection>(path_));
    ASSERT_EQ(clients.back()->ask("a"), "re: a");
  }
  Connection refused(path_);
  EXPECT_EQ(refused.line(), "{\"ok\":false,\"error\":\"32 clients are connected already\"}");
  EXPECT_EQ(refused.line(), "(end)");
  clients.pop_back();
  // The server learns of that in its own time.
  std::string reply;
  do {
    reply = Connection(path_).ask_if_let_in("b");
  } while (reply.find("already") != std::string::npos);
  EXPECT_EQ(reply, "re: b");
}

TEST_F(Server, ClosingRemovesTheSocketAndSendsWhatThereIs) {
  Connection client(path_);
  Connection busy(path_);
  EXPECT_EQ(client.ask("events"), "re: events");
  busy.send("wait\n");
  wait_until_asked(2);
  server_->publish("last words\n");
  auto closed = std::async(std::launch::async, [this] { server_->close(); });
  EXPECT_EQ(client.line(), "last words");
  EXPECT_EQ(client.line(), "(end)"); // though another client's request is under way
  release();
  EXPECT_EQ(busy.line(), "re: wait");
  EXPECT_EQ(busy.line(), "(end)");
  closed.get();
  struct stat info = {};
  EXPECT_NE(::lstat(path_.c_str(), &info), 0);
}

TEST_F(Server, ClosingDoesNotWaitLongForAClientThatDoesNotRead) {
  Connection client(path_);
  ASSERT_EQ(client.ask("events"), "re: events");
  const std::string event(1000, 'e');
  for (int i = 0; i < 1000; ++i) {
    server_->publish(event + "\n");
  }
  server_->close();
  EXPECT_EQ(client.line(), event);
}

TEST_F(Server, NobodyIsAnsweredAfterClosing) {
  server_.reset();
  listen(false);
  Connection client(path_);
  client.send("a\n");
  server_->close();
  EXPECT_EQ(client.line(), "(end)");
  EXPECT_EQ(asked_, 0);
}

} // namespace
} // namespace kindling::vmm
