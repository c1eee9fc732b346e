// SPDX-License-Identifier: Apache-2.0
// Memory for translated code, mapped twice: once to write, once to execute. No address is ever
// both writable and executable.
#pragma once

#include <cstddef>
#include <memory>

#include "arch/result.h"
#include "arch/types.h"

namespace softhv::jit {

class CodeMemory {
public:
  // `size` bytes, a multiple of the host's page size; committed as they are written.
  static kindling::Result<std::unique_ptr<CodeMemory>> create(size_t size);
  ~CodeMemory();
  CodeMemory(const CodeMemory&) = delete;
  CodeMemory& operator=(const CodeMemory&) = delete;

  [[nodiscard]] u8* writable() const { return writable_; }
  [[nodiscard]] const u8* executable() const { return executable_; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool contains(const void* code) const {
    return code >= executable_ && code < executable_ + size_;
  }
  // Commits what is before `end`, and some more, if it is not: page by page as it is written costs
  // more.
  void populate(size_t end);
  // Gives everything from `offset` on back to the host.
  void discard(size_t offset);

private:
  CodeMemory(u8* writable, u8* executable, size_t size)
      : writable_(writable), executable_(executable), size_(size) {}

  u8* writable_;
  u8* executable_;
  size_t size_;
  size_t populated_ = 0;
};

} // namespace softhv::jit
