// SPDX-License-Identifier: Apache-2.0
#include "spike/control.h"

#include "vmm/control/protocol.h"

namespace kindling::spike {

Result<std::unique_ptr<Control>> Control::create(const std::string& path, vmm::Machine& machine,
                                                 std::function<void()> quit) {
  std::unique_ptr<Control> control(new Control(machine, std::move(quit)));
  auto server = vmm::ControlServer::listen(path, [&target = *control](std::string_view line) {
    return vmm::answer_request(line, target);
  });
  if (!server) {
    return server.error().with_context("--control-sock " + path);
  }
  control->server_ = std::move(*server);
  return control;
}

Control::~Control() = default;

void Control::event(const vmm::MachineEvent& event) {
  if (std::holds_alternative<vmm::GuestBoots>(event)) {
    server_->open();
  }
  if (server_->has_subscribers()) {
    server_->publish(vmm::event_line(event));
  }
  if (std::holds_alternative<vmm::Ended>(event)) {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
}

void Control::quit() {
  quit_();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return ended_; });
}

} // namespace kindling::spike
