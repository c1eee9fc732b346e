// SPDX-License-Identifier: Apache-2.0
// What translating costs: the guest's own code, block by block in the order of its addresses, each
// lifted, improved and emitted as when it is first run.
#include <benchmark/benchmark.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "arch/types.h"
#include "softhv/jit/code_memory.h"
#include "softhv/jit/emitter.h"
#include "softhv/jit/lift.h"
#include "softhv/jit/passes.h"
#include "softhv/jit/thunks.h"
#include "softhv/mmu/tlb.h"

namespace kindling::bench {
namespace {

using namespace softhv; // NOLINT(google-build-using-namespace)

constexpr size_t kCodeBytes = 16 << 20;
constexpr size_t kConstantBytes = 64 << 10;
constexpr size_t kRoomForBlock = 128 << 10;

// Where there is code in a file.
struct Source {
  const char* file;
  size_t begin;
  size_t size;
};

std::vector<u8> read_pages(const Source& source) {
  std::ifstream file(source.file, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(source.begin));
  std::vector<u8> bytes(source.size);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()) & kTlbPageMask);
  return bytes;
}

class NoBlocks final : public jit::BlockFinder {
public:
  u32 find(u32) const override { return 0; }
  const void* const* entries() const override { return nullptr; }
};

// Translates every block of the page, and returns how many instructions that were.
template <typename Translate>
u64 for_each_block(const u8* page, Translate translate) {
  u64 instructions = 0;
  for (u32 offset = 0; offset < kTlbPageSize;) {
    u32 word;
    std::memcpy(&word, page + offset, sizeof word);
    if (word >> 16 == 0) { // UDF, which stands between functions
      offset += 4;
      continue;
    }
    const u32 length = translate(page, offset);
    instructions += length;
    offset += 4 * length;
  }
  return instructions;
}

void report(benchmark::State& state, u64 instructions) {
  state.counters["time/instruction"] = benchmark::Counter(
      static_cast<double>(instructions), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void translate(benchmark::State& state, const Source& source) {
  const std::vector<u8> pages = read_pages(source);
  auto memory = jit::CodeMemory::create(kCodeBytes);
  if (pages.empty() || !memory) {
    state.SkipWithError(pages.empty() ? "there is no such file" : memory.error().message.c_str());
    return;
  }
  jit::Assembler as((*memory)->writable(), kCodeBytes, kConstantBytes, jit::HostFeatures::detect());
  const jit::Thunks thunks = jit::emit_thunks(as, {});
  const u32 start = as.position();
  jit::Emitter emitter(as, thunks, {});
  jit::ir::Block block;
  const NoBlocks blocks;
  const jit::Mode mode{.el = 1};
  u64 instructions = 0;
  u64 bytes = 0;
  for (auto _ : state) {
    for (size_t at = 0; at < pages.size(); at += kTlbPageSize)
      instructions += for_each_block(&pages[at], [&](const u8* page, u32 offset) {
        if (kCodeBytes - as.position() < kRoomForBlock || as.constants_full())
          as.restart(start);
        const u32 before = as.position();
        jit::lift_block(block, page, offset, mode);
        jit::share_looks(block);
        jit::open_windows(block);
        jit::mark_flags(block);
        emitter.emit(block, mode, blocks);
        bytes += as.position() - before;
        return static_cast<u32>(block.words.size());
      });
  }
  report(state, instructions);
  state.counters["bytes/instruction"] =
      static_cast<double>(bytes) / static_cast<double>(instructions);
}

void lift(benchmark::State& state, const Source& source) {
  const std::vector<u8> pages = read_pages(source);
  if (pages.empty()) {
    state.SkipWithError("there is no such file");
    return;
  }
  jit::ir::Block block;
  u64 instructions = 0;
  for (auto _ : state)
    for (size_t at = 0; at < pages.size(); at += kTlbPageSize)
      instructions += for_each_block(&pages[at], [&](const u8* page, u32 offset) {
        jit::lift_block(block, page, offset, {.el = 1});
        jit::share_looks(block);
        jit::open_windows(block);
        jit::mark_flags(block);
        return static_cast<u32>(block.words.size());
      });
  report(state, instructions);
}

constexpr Source kKernel{KINDLING_BUILD "/guest/Image", 1 << 20, 2 << 20};
constexpr Source kProgram{KINDLING_BUILD "/bench/bench_cpu.arm64", 64 << 10, 256 << 10};
BENCHMARK_CAPTURE(translate, kernel, kKernel)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(translate, program, kProgram)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(lift, kernel, kKernel)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace kindling::bench
