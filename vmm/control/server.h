// SPDX-License-Identifier: Apache-2.0
// Serves the clients of a control socket. Clients do not hold each other up.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "arch/result.h"
#include "vmm/control/client.h"
#include "vmm/control/socket_file.h"
#include "vmm/wake_pipe.h"

namespace kindling::vmm {

inline constexpr size_t kMaxControlClients = 32;

class ControlServer {
public:
  // Listens at `path`: clients may connect, and wait until open(). `answer` is called by several
  // threads at once.
  static Result<std::unique_ptr<ControlServer>> listen(const std::string& path,
                                                       ControlClient::Answer answer);
  ~ControlServer(); // closes
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Lets clients in. Any thread.
  void open();

  // Sends a line to all clients that have asked for events. Any thread; waits for no client.
  void publish(const std::string& line);
  // Whether there are any, so that the line need not be made.
  [[nodiscard]] bool has_subscribers() const;

  // Removes the socket, waits for requests that are under way, and gives clients a moment to read
  // what there is for them.
  void close();

private:
  ControlServer(std::unique_ptr<SocketFile> socket, ControlClient::Answer answer,
                std::unique_ptr<WakePipe> wake);
  void main();
  bool accept_one();
  void add(int fd);

  std::unique_ptr<SocketFile> socket_;
  const ControlClient::Answer answer_;
  const std::unique_ptr<WakePipe> wake_;
  std::atomic<bool> open_{false};
  std::atomic<bool> closing_{false};
  mutable std::mutex mutex_; // of clients_
  std::vector<std::unique_ptr<ControlClient>> clients_;
  std::thread thread_;
};

} // namespace kindling::vmm
