// SPDX-License-Identifier: Apache-2.0
#include "vmm/store/directory.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <system_error>

namespace kindling::vmm {

namespace {

namespace fs = std::filesystem;

Error failure(const std::string& what, const std::error_code& error) {
  return Error{fmt::format("{}: {}", what, error.message())};
}

std::error_code last_error() {
  return {errno, std::generic_category()};
}

// Null when another process has it.
File lock(const std::string& path) {
  File directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return directory.fd() >= 0 && ::flock(directory.fd(), LOCK_EX | LOCK_NB) == 0
             ? std::move(directory)
             : File();
}

// Whether it has not been removed since it was opened.
bool is_at(const File& directory, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(directory.fd(), &open) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

constexpr int kMostTries = 100;

} // namespace

Result<File> lock_directory(const std::string& path) {
  File directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.fd() < 0) {
    return failure("cannot open the directory " + path, last_error());
  }
  while (::flock(directory.fd(), LOCK_EX) != 0) {
    if (errno != EINTR) {
      return failure("cannot lock the directory " + path, last_error());
    }
  }
  return directory;
}

Result<OwnedDirectory> OwnedDirectory::create(const std::string& parent,
                                              const std::string& prefix) {
  if (Status s = make_directory(parent); !s) {
    return s.error();
  }
  // Another process may collect it before it is locked: the next one has another name.
  for (int tries = 0; tries < kMostTries; ++tries) {
    const std::string path = fmt::format("{}/{}{}", parent, prefix, random_id());
    if (::mkdir(path.c_str(), 0700) != 0) {
      return failure("cannot make the directory " + path, last_error());
    }
    File held = lock(path);
    if (held.fd() >= 0 && is_at(held, path)) {
      return OwnedDirectory(path, std::move(held));
    }
    (void)remove_directory(path);
  }
  return Error{fmt::format("cannot lock a directory in {}", parent)};
}

OwnedDirectory::OwnedDirectory(OwnedDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

OwnedDirectory::~OwnedDirectory() {
  if (!path_.empty()) {
    (void)remove_directory(path_);
  }
}

Status make_directory(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  return error ? Status(failure("cannot make the directory " + path, error)) : Status();
}

Result<std::vector<std::string>> list_directory(const std::string& path,
                                                const std::string& prefix) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(prefix)) {
      names.push_back(name);
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return failure("cannot read the directory " + path, error);
  }
  std::ranges::sort(names);
  return names;
}

Status remove_directory(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  return error ? Status(failure("cannot remove the directory " + path, error)) : Status();
}

bool is_owned(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) && lock(path).fd() < 0;
}

Result<std::vector<std::string>> remove_orphans(const std::string& parent,
                                                const std::string& prefix) {
  auto names = list_directory(parent, prefix);
  if (!names) {
    return names;
  }
  std::vector<std::string> removed;
  for (const std::string& name : *names) {
    const std::string path = parent + "/" + name;
    const File held = lock(path);
    if (held.fd() < 0) {
      continue;
    }
    if (Status s = remove_directory(path); !s) {
      return s.error();
    }
    removed.push_back(name);
  }
  return removed;
}

Result<std::vector<std::string>> remove_others(const std::string& parent,
                                               const std::set<std::string>& names) {
  auto removed = remove_orphans(parent, kTemporaryPrefix);
  const auto there = list_directory(parent);
  if (!removed || !there) {
    return removed ? there : removed;
  }
  for (const std::string& name : *there) {
    if (names.contains(name) || name.starts_with(kTemporaryPrefix)) {
      continue;
    }
    if (Status s = remove_directory(parent + "/" + name); !s) {
      return s.error();
    }
    removed->push_back(name);
  }
  return removed;
}

Status rename_to_new(const std::string& from, const std::string& to) {
#if defined(__APPLE__)
  const int result = ::renamex_np(from.c_str(), to.c_str(), RENAME_EXCL);
#else
  const int result = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
#endif
  if (result == 0) {
    return {};
  }
  return errno == EEXIST || errno == ENOTEMPTY
             ? Error{fmt::format("{} is there already; another name would do, or removing it", to)}
             : failure("cannot give " + to + " its name", last_error());
}

Status exchange_directories(const std::string& a, const std::string& b) {
#if defined(__APPLE__)
  const int result = ::renamex_np(a.c_str(), b.c_str(), RENAME_SWAP);
#else
  const int result = ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
#endif
  return result == 0 ? Status() : failure("cannot replace " + b, last_error());
}

std::string random_id() {
  std::random_device device;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    id += fmt::format("{:08x}", static_cast<u32>(device()));
  }
  return id;
}

} // namespace kindling::vmm
