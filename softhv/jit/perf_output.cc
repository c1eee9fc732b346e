// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/perf_output.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace softhv::jit {
namespace {

using kindling::Error;

// The jitdump format: everything in the host's byte order.
constexpr u32 kMagic = 0x4a69'5444;
constexpr u32 kVersion = 1;
constexpr u32 kCodeLoad = 0;
constexpr u32 kCodeClose = 3;

struct FileHeader {
  u32 magic = kMagic;
  u32 version = kVersion;
  u32 total_size = 40;
  u32 elf_machine = EM_X86_64;
  u32 padding = 0;
  u32 pid = 0;
  u64 timestamp = 0;
  u64 flags = 0;
};
static_assert(sizeof(FileHeader) == 40);

struct RecordHeader {
  u32 id = 0;
  u32 total_size = 0;
  u64 timestamp = 0;
};
static_assert(sizeof(RecordHeader) == 16);

// Followed by the name, with its NUL, and the code.
struct CodeLoad {
  u32 pid = 0;
  u32 tid = 0;
  u64 virtual_address = 0;
  u64 code_address = 0;
  u64 code_size = 0;
  u64 code_index = 0;
};
static_assert(sizeof(CodeLoad) == 40);

// Of the clock that `perf record -k mono` stamps samples with.
u64 timestamp() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<u64>(now.tv_sec) * 1'000'000'000 + static_cast<u64>(now.tv_nsec);
}

template <typename T>
void append(std::string& to, const T& value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string map_line(u64 address, size_t size, std::string_view name) {
  char start[64];
  std::snprintf(start, sizeof start, "%" PRIx64 " %zx ", address, size);
  return start + std::string(name) + "\n";
}

std::string code_load(const void* code, size_t size, std::string_view name, u64 index) {
  const auto address = reinterpret_cast<u64>(code);
  const size_t total = sizeof(RecordHeader) + sizeof(CodeLoad) + name.size() + 1 + size;
  std::string record;
  record.reserve(total);
  append(record, RecordHeader{kCodeLoad, static_cast<u32>(total), timestamp()});
  append(record, CodeLoad{.pid = static_cast<u32>(::getpid()),
                          .tid = static_cast<u32>(::syscall(SYS_gettid)),
                          .virtual_address = address,
                          .code_address = address,
                          .code_size = size,
                          .code_index = index});
  record.append(name);
  record.push_back('\0');
  record.append(static_cast<const char*>(code), size);
  return record;
}

std::string directory_of_process(PerfFormat format) {
  if (format == PerfFormat::kMap)
    return "/tmp";
  const char* directory = std::getenv("JITDUMPDIR");
  return directory != nullptr && *directory != '\0' ? directory : ".";
}

PerfOutput* create_for_process(PerfFormat format) {
  auto output = PerfOutput::create(format, directory_of_process(format));
  return output ? output->release() : nullptr;
}

} // namespace

kindling::Result<std::unique_ptr<PerfOutput>> PerfOutput::create(PerfFormat format,
                                                                 const std::string& directory) {
  const std::string pid = std::to_string(::getpid());
  const std::string path =
      directory + (format == PerfFormat::kMap ? "/perf-" + pid + ".map" : "/jit-" + pid + ".dump");
  // Of an earlier process with this number; and nobody else's file or link is written to.
  ::unlink(path.c_str());
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0)
    return Error{path + " cannot be written: " + std::strerror(errno)};
  std::unique_ptr<PerfOutput> output(new PerfOutput(format, path, fd));
  if (format == PerfFormat::kJitdump && !output->start_jitdump())
    return Error{path + " cannot be mapped for perf to find: " + std::strerror(errno)};
  return output;
}

PerfOutput* PerfOutput::of_process(PerfFormat format) {
  if (format == PerfFormat::kMap) {
    static PerfOutput* const map = create_for_process(PerfFormat::kMap);
    return map;
  }
  static PerfOutput* const jitdump = create_for_process(PerfFormat::kJitdump);
  return jitdump;
}

PerfOutput::~PerfOutput() {
  if (marker_ != nullptr) {
    std::string record;
    append(record, RecordHeader{kCodeClose, sizeof(RecordHeader), timestamp()});
    write(record);
    ::munmap(marker_, static_cast<size_t>(::sysconf(_SC_PAGESIZE)));
  }
  ::close(fd_);
}

bool PerfOutput::start_jitdump() {
  FileHeader header;
  header.pid = static_cast<u32>(::getpid());
  header.timestamp = timestamp();
  std::string record;
  append(record, header);
  write(record);
  // perf learns of the file from the event that an executable mapping makes.
  void* marker = ::mmap(nullptr, static_cast<size_t>(::sysconf(_SC_PAGESIZE)),
                        PROT_READ | PROT_EXEC, MAP_PRIVATE, fd_, 0);
  if (marker == MAP_FAILED)
    return false;
  marker_ = marker;
  return true;
}

void PerfOutput::add(const void* code, size_t size, std::string_view name) {
  const std::lock_guard lock(mutex_);
  write(format_ == PerfFormat::kMap ? map_line(reinterpret_cast<u64>(code), size, name)
                                    : code_load(code, size, name, next_index_++));
}

void PerfOutput::write(const std::string& record) {
  for (size_t done = 0; done < record.size() && !broken_;) {
    const ssize_t n = ::write(fd_, record.data() + done, record.size() - done);
    if (n >= 0)
      done += static_cast<size_t>(n);
    else if (errno != EINTR)
      broken_ = true; // half a record may be there: more would not be understood
  }
}

std::string perf_name(u64 guest_pc, unsigned el) {
  char name[64];
  std::snprintf(name, sizeof name, "guest 0x%" PRIx64 " el%u", guest_pc, el);
  return name;
}

void tell_perf(const EngineOptions& options, const void* code, size_t size, u64 guest_pc,
               unsigned el) {
  const auto tell = [&](bool wanted, PerfFormat format) {
    if (!wanted)
      return;
    if (PerfOutput* output = PerfOutput::of_process(format); output != nullptr)
      output->add(code, size, perf_name(guest_pc, el));
  };
  tell(options.perf_map, PerfFormat::kMap);
  tell(options.jitdump, PerfFormat::kJitdump);
}

} // namespace softhv::jit
