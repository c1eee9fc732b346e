// SPDX-License-Identifier: Apache-2.0
// A file that a person named on the command line, open for reading. Errors name the file.
#pragma once

#include <span>
#include <string>

#include "arch/result.h"
#include "arch/types.h"
#include "vmm/file.h"

namespace kindling::vmm {

class InputFile {
public:
  // Opens a regular file that is not empty. `wanted` is what the file should be, for the error:
  // "an arm64 kernel Image".
  static Result<InputFile> open(const std::string& path, const std::string& wanted);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] u64 size() const { return size_; }

  // Fills `to` from `offset`, as far as the file goes; returns how many bytes that were.
  Result<u64> read(u64 offset, std::span<u8> to) const;

  // "path: what".
  [[nodiscard]] Error error(const std::string& what) const { return Error{path_ + ": " + what}; }

private:
  InputFile(std::string path, File file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  File file_;
  u64 size_ = 0;
};

} // namespace kindling::vmm
