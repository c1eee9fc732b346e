// SPDX-License-Identifier: Apache-2.0
// Hosts that refuse a store what it wants: it is told, the guest runs on, and nothing is left
// behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <optional>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spike/tests/snapshot_fixture.h"

namespace kindling::spike::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// From here on what this process mounts is its own and its children's. False: the host lets
// nobody do that.
bool have_own_mounts() {
  const uid_t user = ::geteuid();
  if (::unshare(CLONE_NEWNS | (user == 0 ? 0 : CLONE_NEWUSER)) != 0) {
    return false;
  }
  if (user != 0) {
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
  }
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// A file system over a directory, for as long as it lives.
class Mount {
public:
  Mount(const std::string& type, const std::string& from, std::string at, const std::string& data)
      : at_(std::move(at)) {
    fs::create_directories(at_);
    const unsigned long flags = type.empty() ? MS_BIND : 0;
    mounted_ = ::mount(from.c_str(), at_.c_str(), type.c_str(), flags, data.c_str()) == 0;
    EXPECT_TRUE(mounted_);
  }
  ~Mount() {
    if (mounted_) {
      ::umount2(at_.c_str(), MNT_DETACH);
    }
  }
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  void remount(unsigned long flags, const std::string& data) const {
    EXPECT_EQ(::mount(nullptr, at_.c_str(), nullptr, MS_REMOUNT | flags, data.c_str()), 0);
  }

private:
  std::string at_;
  bool mounted_ = false;
};

// Takes all the room that a file system has.
void fill(const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  const std::string zeros(4096, '\0');
  while (file.write(zeros.data(), 4096).flush()) {
  }
}

// Another user, for whom permissions mean something.
class AsNobody {
public:
  AsNobody() {
    if (::geteuid() == 0) {
      EXPECT_EQ(::seteuid(65534), 0);
    }
  }
  ~AsNobody() { EXPECT_EQ(::seteuid(::getuid()), 0); }
  AsNobody(const AsNobody&) = delete;
  AsNobody& operator=(const AsNobody&) = delete;
};

// What programs started from here take for $TMPDIR.
class TemporaryDirectoryIs {
public:
  explicit TemporaryDirectoryIs(const std::string& path) {
    if (const char* before = std::getenv("TMPDIR")) {
      before_ = before;
    }
    EXPECT_EQ(::setenv("TMPDIR", path.c_str(), 1), 0);
  }
  ~TemporaryDirectoryIs() {
    if (before_) {
      ::setenv("TMPDIR", before_->c_str(), 1);
    } else {
      ::unsetenv("TMPDIR");
    }
  }
  TemporaryDirectoryIs(const TemporaryDirectoryIs&) = delete;
  TemporaryDirectoryIs& operator=(const TemporaryDirectoryIs&) = delete;

private:
  std::optional<std::string> before_;
};

class StoreFailureTest : public SnapshotTest {
protected:
  static void refuse(BootProcess& boot, const std::string& name, const std::string& why) {
    type_name(boot, name);
    ASSERT_TRUE(boot.expect("no snapshot"));
    ASSERT_TRUE(boot.expect(why));
  }
  // That the guest still runs, and has counted this far.
  static void go_on(BootProcess& boot, u64 counted) {
    count(boot, 1);
    expect_count(boot, counted);
  }
  [[nodiscard]] std::vector<std::string> snapshots() const {
    return files_in(store() + "/snapshots");
  }
};

TEST_F(StoreFailureTest, AFullDiskIsToldAndTheNextSnapshotSucceedsWhenThereIsRoom) {
  if (!have_own_mounts()) {
    GTEST_SKIP() << "the host lets us mount nothing";
  }
  const Mount disk("tmpfs", "none", store(), "size=40k");
  BootProcess boot(with_store({"--track-dirty", guest("vm_count")}));
  ASSERT_TRUE(boot.expect("ready"));
  count(boot, 20); // a page each
  for (int i = 0; i < 3; ++i) {
    refuse(boot, "full", "No space left on device");
    EXPECT_THAT(snapshots(), IsEmpty());
  }
  go_on(boot, 21);
  disk.remount(0, "size=16m");
  snapshot(boot, "base");
  fill(store() + "/filler");
  go_on(boot, 22); // what the difference is to hold
  refuse(boot, "diff", "No space left on device");
  EXPECT_THAT(snapshots(), ElementsAre("base"));
  go_on(boot, 23);
  fs::remove(store() + "/filler");
  snapshot(boot, "diff");
  boot.send(kEnd);
  EXPECT_EQ(boot.wait(), 0);
  EXPECT_EQ(command({"verify", "diff"}).status, 0);
  fill(store() + "/filler");
  const Finished refused = run_boot(with_store({"--restore", "diff"}));
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.errors, HasSubstr("No space left on device"));
  EXPECT_THAT(instances(), IsEmpty());
  fs::remove(store() + "/filler");
  BootProcess clone(with_store({"--restore", "diff"}));
  expect_count(clone, 23);
}

TEST_F(StoreFailureTest, AReadOnlyStoreIsReadAndNothingElse) {
  make_base(1);
  if (!have_own_mounts()) {
    GTEST_SKIP() << "the host lets us mount nothing";
  }
  const Mount bound("", store(), store(), "");
  bound.remount(MS_BIND | MS_RDONLY, "");
  BootProcess boot(with_store({guest("vm_count")}));
  ASSERT_TRUE(boot.expect("ready"));
  refuse(boot, "other", "Read-only file system");
  go_on(boot, 1);
  EXPECT_THAT(command({"list"}).output, HasSubstr("base"));
  EXPECT_EQ(command({"verify", "base"}).status, 0);
  EXPECT_THAT(command({"rm", "base"}).errors, HasSubstr("Read-only file system"));
  EXPECT_THAT(snapshots(), ElementsAre("base"));
}

TEST_F(StoreFailureTest, AReadOnlyStoreIsClonedFromAndLeftAsItIs) {
  const std::string disk = directory_.file("disk", std::string(8192, 'd'));
  make_base(3, {"--disk", disk});
  if (!have_own_mounts()) {
    GTEST_SKIP() << "the host lets us mount nothing";
  }
  const Mount bound("", store(), store(), "");
  bound.remount(MS_BIND | MS_RDONLY, "");
  const std::string elsewhere = directory_.path() + "/elsewhere";
  fs::create_directory(elsewhere);
  fs::create_directory(elsewhere + "/kindling-clone-of-a-dead-process");
  const TemporaryDirectoryIs temporary(elsewhere);
  {
    BootProcess clone(with_store({"--restore", "base"}));
    expect_count(clone, 3);
    go_on(clone, 4);
    const auto private_files = files_in(elsewhere);
    ASSERT_EQ(private_files.size(), 1U);
    EXPECT_THAT(private_files[0], Not(HasSubstr("dead")));
    refuse(clone, "other", "Read-only file system");
    go_on(clone, 5);
    clone.send(kEnd);
    EXPECT_EQ(clone.wait(), 0);
  }
  EXPECT_THAT(files_in(elsewhere), IsEmpty());
  EXPECT_THAT(snapshots(), ElementsAre("base"));
  EXPECT_THAT(instances(), IsEmpty());
}

TEST_F(StoreFailureTest, AFileCutShortUnderACloneIsTold) {
  make_base(1);
  BootProcess clone(with_store({"--restore", "base"}));
  expect_count(clone, 1);
  clone.send("\x01p"); // or it might be gone before it is typed to
  ASSERT_TRUE(clone.expect("paused"));
  ASSERT_EQ(::truncate((store() + "/snapshots/base/ram.img").c_str(), 0), 0);
  clone.send("\x01p+");
  EXPECT_EQ(clone.wait(), 1);
  EXPECT_THAT(clone.errors(), HasSubstr("cannot be read any more"));
}

TEST_F(StoreFailureTest, AStoreOfSomebodyElseIsNeitherReadNorWritten) {
  make_base(1);
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod((store() + "/snapshots").c_str(), 0500), 0);
  {
    const AsNobody nobody;
    if (::faccessat(AT_FDCWD, KINDLING_BOOT, X_OK, AT_EACCESS) != 0 ||
        ::faccessat(AT_FDCWD, guest("vm_count").c_str(), R_OK, AT_EACCESS) != 0) {
      GTEST_SKIP() << "what is to be run is not for everybody";
    }
    BootProcess boot(with_store({guest("vm_count")}));
    ASSERT_TRUE(boot.expect("ready"));
    refuse(boot, "other", "Permission denied");
    go_on(boot, 1);
    if (::getuid() == 0) { // otherwise it is ours to read
      const Finished clone = run_boot(with_store({"--restore", "base"}));
      EXPECT_EQ(clone.status, 1);
      EXPECT_THAT(clone.errors, HasSubstr("Permission denied"));
    }
    const Finished removal = command({"rm", "base"});
    EXPECT_EQ(removal.status, 1);
    EXPECT_THAT(removal.errors, HasSubstr("Permission denied"));
  }
  EXPECT_THAT(snapshots(), ElementsAre("base"));
  ASSERT_EQ(::chmod((store() + "/snapshots").c_str(), 0700), 0);
  EXPECT_EQ(command({"verify", "base"}).status, 0);
}

TEST_F(StoreFailureTest, AFileInPlaceOfTheStoreIsTold) {
  [[maybe_unused]] const std::string file = directory_.file("store", "");
  BootProcess boot(with_store({guest("vm_count")}));
  ASSERT_TRUE(boot.expect("ready"));
  refuse(boot, "one", "Not a directory");
  go_on(boot, 1);
}

TEST_F(StoreFailureTest, AFileThatMayNotBeSoLongIsToldAndEndsNothing) {
  BootProcess boot(with_store({guest("vm_count")}));
  ASSERT_TRUE(boot.expect("ready"));
  const rlimit small = {4096, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(boot.pid(), RLIMIT_FSIZE, &small, nullptr), 0);
  refuse(boot, "long", "File too large");
  EXPECT_THAT(snapshots(), IsEmpty());
  const rlimit any = {RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(boot.pid(), RLIMIT_FSIZE, &any, nullptr), 0);
  go_on(boot, 1);
  snapshot(boot, "long");
}

TEST_F(StoreFailureTest, OfTwoMachinesOneGetsAName) {
  BootProcess a(with_store({guest("vm_count")}));
  BootProcess b(with_store({guest("vm_count")}));
  ASSERT_TRUE(a.expect("ready"));
  ASSERT_TRUE(b.expect("ready"));
  count(b, 1);
  type_name(a, "same");
  type_name(b, "same");
  // The question's line ends before the answer begins.
  ASSERT_TRUE(a.expect("same\r\n"));
  ASSERT_TRUE(b.expect("same\r\n"));
  ASSERT_TRUE(a.expect("snapshot"));
  ASSERT_TRUE(b.expect("snapshot"));
  go_on(a, 1);
  go_on(b, 2);
  const auto made = [](const BootProcess& boot) {
    return boot.output().find("] snapshot same") != std::string::npos;
  };
  EXPECT_NE(made(a), made(b));
  EXPECT_THAT(snapshots(), ElementsAre("same"));
  EXPECT_EQ(command({"verify", "same"}).status, 0);
  BootProcess clone(with_store({"--restore", "same"}));
  expect_count(clone, made(a) ? 0 : 1);
}

} // namespace
} // namespace kindling::spike::testing
