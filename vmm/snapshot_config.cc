// SPDX-License-Identifier: Apache-2.0
#include "vmm/snapshot_config.h"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace kindling::vmm {

namespace {

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

} // namespace

Manifest describe(const MachineConfig& config, vstate::Backend backend) {
  Manifest manifest;
  manifest.engine = vstate::backend_name(backend);
  manifest.vcpus = config.vcpus;
  if (config.icount) {
    manifest.icount_shift = config.icount->shift;
  }
  manifest.kernel = absolute_path(config.kernel);
  if (config.initramfs) {
    manifest.initramfs = absolute_path(*config.initramfs);
  }
  manifest.command_line = config.command_line;
  return manifest;
}

Status configure_from(MachineConfig& config, const Manifest& snapshot) {
  const bool counted = snapshot.icount_shift.has_value();
  if (counted != config.icount.has_value() ||
      (counted && *snapshot.icount_shift != config.icount->shift)) {
    return Error{counted
                     ? fmt::format("--restore {}: it was made with --icount={}, and goes on with "
                                   "that only",
                                   snapshot.name, *snapshot.icount_shift)
                     : fmt::format("--restore {}: it was made without --icount, and goes on "
                                   "without",
                                   snapshot.name)};
  }
  config.vcpus = snapshot.vcpus;
  config.ram_size = snapshot.ram.size;
  config.command_line = snapshot.command_line;
  config.disks.clear();
  if (config.kernel.empty()) {
    config.kernel = snapshot.kernel;
    config.initramfs = snapshot.initramfs;
  }
  return {};
}

} // namespace kindling::vmm
