// SPDX-License-Identifier: Apache-2.0
// Directories that belong to a process: they are locked for as long as it uses them, so that others
// can tell what a dead one has left behind.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "arch/result.h"
#include "vmm/file.h"

namespace kindling::vmm {

// Of directories that are in the making.
inline constexpr const char* kTemporaryPrefix = ".tmp-";

class OwnedDirectory {
public:
  // A new directory `parent`/`prefix`<random>, locked.
  static Result<OwnedDirectory> create(const std::string& parent, const std::string& prefix);
  ~OwnedDirectory(); // removes it, unless release() was called
  OwnedDirectory(OwnedDirectory&& other) noexcept;
  OwnedDirectory& operator=(OwnedDirectory&&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

  // It stays, and is locked no more.
  void release() { path_.clear(); }

private:
  OwnedDirectory(std::string path, File lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  File lock_;
};

// Makes a directory and those above it, if they are not there.
Status make_directory(const std::string& path);
// The names in it that begin with `prefix`, sorted; none if it is not there.
Result<std::vector<std::string>> list_directory(const std::string& path,
                                                const std::string& prefix = "");
// With all that is in it.
Status remove_directory(const std::string& path);
// Waits until nobody else has it locked, and has it locked while the result lives.
Result<File> lock_directory(const std::string& path);
// Whether some process has it locked.
bool is_owned(const std::string& path);
// Removes directories of that prefix that no process owns; returns their names.
Result<std::vector<std::string>> remove_orphans(const std::string& parent,
                                                const std::string& prefix);

// Removes what has another name than these, but not what a process owns; returns what it was.
Result<std::vector<std::string>> remove_others(const std::string& parent,
                                               const std::set<std::string>& names);

// Gives a directory its name. Errors: there is something of that name.
Status rename_to_new(const std::string& from, const std::string& to);
// Two directories, at one moment.
Status exchange_directories(const std::string& a, const std::string& b);

// 32 random hexadecimal digits.
std::string random_id();

} // namespace kindling::vmm
