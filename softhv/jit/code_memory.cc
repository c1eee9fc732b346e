// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/code_memory.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace softhv::jit {
namespace {

kindling::Error failed(const char* what, size_t size) {
  return {"cannot " + std::string(what) + " " + std::to_string(size) +
          " bytes of code memory: " + std::strerror(errno)};
}

} // namespace

kindling::Result<std::unique_ptr<CodeMemory>> CodeMemory::create(size_t size) {
  const int fd = memfd_create("softhv-code", MFD_CLOEXEC);
  if (fd < 0)
    return failed("create", size);
  if (ftruncate(fd, static_cast<off_t>(size)) != 0) {
    const kindling::Error error = failed("reserve", size);
    close(fd);
    return error;
  }
  void* writable = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  void* executable = mmap(nullptr, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  const kindling::Error error = failed("map", size);
  close(fd);
  if (writable != MAP_FAILED && executable != MAP_FAILED)
    return std::unique_ptr<CodeMemory>(
        new CodeMemory(static_cast<u8*>(writable), static_cast<u8*>(executable), size));
  if (writable != MAP_FAILED)
    munmap(writable, size);
  if (executable != MAP_FAILED)
    munmap(executable, size);
  return error;
}

CodeMemory::~CodeMemory() {
  munmap(writable_, size_);
  munmap(executable_, size_);
}

void CodeMemory::populate(size_t end) {
  // Little at first, so that a guest starts at once, then more at a time: a quarter of what there
  // is.
  constexpr size_t kFirst = 64 << 10;
  constexpr size_t kMost = 512 << 10;
  if (end <= populated_)
    return;
  const size_t chunk = std::clamp(std::bit_floor(end / 4), kFirst, kMost);
  end = std::min((end + chunk - 1) & ~(chunk - 1), size_);
#if defined(MADV_POPULATE_WRITE)
  madvise(writable_ + populated_, end - populated_, MADV_POPULATE_WRITE);
  madvise(executable_ + populated_, end - populated_, MADV_POPULATE_READ);
#endif
  populated_ = end;
}

void CodeMemory::discard(size_t offset) {
  constexpr size_t kPage = 4096;
  const size_t first = (offset + kPage - 1) & ~(kPage - 1);
  populated_ = std::min(populated_, first);
  if (first < size_)
    madvise(writable_ + first, size_ - first, MADV_REMOVE);
}

} // namespace softhv::jit
