// SPDX-License-Identifier: Apache-2.0
// A store for the tests of one snapshot or several, and the guest that they are of.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "arch/types.h"
#include "spike/tests/boot_process.h"

namespace kindling::spike::testing {

// Ends the guest vm_count.
inline constexpr char kEnd[] = "\x04";

// By append(): gcc 12 sees overlaps in operator+ that are not there.
inline std::string numbered(const char* name, int number) {
  return std::string(name).append(std::to_string(number));
}

inline void type_name(BootProcess& boot, const std::string& name) {
  boot.send(std::string("\x01S").append(name).append("\n"));
}

// Drives the guest vm_count, and has a store for its snapshots.
class SnapshotTest : public ::testing::Test {
protected:
  std::vector<std::string> with_store(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--store", store()});
    return arguments;
  }
  [[nodiscard]] std::string store() const { return directory_.path() + "/store"; }
  Finished command(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "snapshot");
    arguments.insert(arguments.end(), {"--store", store()});
    return run_boot(arguments);
  }

  static void count(BootProcess& boot, int times) {
    for (int i = 0; i < times; ++i) {
      boot.send("+");
      ASSERT_TRUE(boot.expect("counted"));
    }
  }
  // Milliseconds of the guest's time since it told the last time.
  static u64 expect_count(BootProcess& boot, u64 wanted) {
    boot.send("?");
    char text[40];
    std::snprintf(text, sizeof text, "count %016llx ms ", static_cast<unsigned long long>(wanted));
    EXPECT_TRUE(boot.expect(text));
    const size_t at = boot.output().rfind(text) + std::string(text).size();
    EXPECT_TRUE(boot.expect("."));
    return std::stoull(boot.output().substr(at, 16), nullptr, 16);
  }
  static void snapshot(BootProcess& boot, const std::string& name) {
    type_name(boot, name);
    ASSERT_TRUE(boot.expect(std::string("snapshot ").append(name)));
    ASSERT_TRUE(boot.expect("stopped for"));
  }
  // The snapshot "base", of a guest that has counted that far and has ended.
  void make_base(int counted, std::vector<std::string> options = {}) {
    options.push_back(guest("vm_count"));
    BootProcess boot(with_store(std::move(options)));
    ASSERT_TRUE(boot.expect("ready"));
    count(boot, counted);
    snapshot(boot, "base");
    boot.send(kEnd);
    EXPECT_EQ(boot.wait(), 0);
  }
  [[nodiscard]] std::vector<std::string> instances() const {
    return files_in(store() + "/instances");
  }
  static std::vector<std::string> files_in(const std::string& directory) {
    std::vector<std::string> names;
    if (std::filesystem::exists(directory)) {
      for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        names.push_back(entry.path().filename());
      }
    }
    return names;
  }

  TemporaryDirectory directory_;
};

} // namespace kindling::spike::testing
