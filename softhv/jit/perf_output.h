// SPDX-License-Identifier: Apache-2.0
// Tells Linux's perf what the host code of a JIT is, so that profiles show guest addresses.
//
// A map (kernel: tools/perf/Documentation/jit-interface.txt) names code by its host address, which
// serves `perf report` and `perf top` as long as no address is used twice. A jitdump file
// (jitdump-specification.txt) keeps the code itself with the time it was made: for
// `perf record -k mono`, then `perf inject --jit`, then `perf report` or `perf annotate`.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "arch/result.h"
#include "arch/types.h"
#include "softhv/core/engine_options.h"

namespace softhv::jit {

enum class PerfFormat : u8 { kMap, kJitdump };

class PerfOutput {
public:
  // Makes the file that perf looks for, perf-PID.map or jit-PID.dump, in `directory`, in place of
  // one that is there.
  static kindling::Result<std::unique_ptr<PerfOutput>> create(PerfFormat format,
                                                              const std::string& directory);
  // The one of this process, which all its VMs share: in /tmp for a map, where JITDUMPDIR says or
  // else in the current directory for a jitdump. Made by the first call and never closed. nullptr:
  // it cannot be written.
  static PerfOutput* of_process(PerfFormat format);

  ~PerfOutput();
  PerfOutput(const PerfOutput&) = delete;
  PerfOutput& operator=(const PerfOutput&) = delete;

  // Names `size` bytes of finished code at the address from which they run. Any thread. What cannot
  // be written is lost without notice.
  void add(const void* code, size_t size, std::string_view name);

  [[nodiscard]] const std::string& path() const { return path_; }

private:
  PerfOutput(PerfFormat format, std::string path, int fd)
      : format_(format), path_(std::move(path)), fd_(fd) {}
  bool start_jitdump();
  void write(const std::string& record);

  const PerfFormat format_;
  const std::string path_;
  const int fd_;
  void* marker_ = nullptr; // a mapping of a jitdump file, which perf records
  std::mutex mutex_;       // of what follows, and of the order of records
  u64 next_index_ = 0;
  bool broken_ = false;
};

// What a block of guest code is called: "guest 0xffff800080010000 el1".
std::string perf_name(u64 guest_pc, unsigned el);

// Names finished code of a block to the files of this process that `options` ask for, if any. Any
// thread.
void tell_perf(const EngineOptions& options, const void* code, size_t size, u64 guest_pc,
               unsigned el);

} // namespace softhv::jit
