// SPDX-License-Identifier: Apache-2.0
// softhv-difftest: every row of the instruction table that EL0 can run, under SoftHV
// and under qemu-aarch64, compared in all registers, flags, FPSR and memory.
// Exit status: 0 no difference and full coverage, 1 otherwise, 2 usage.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstring>
#include <fmt/core.h>

#include "softhv/core/engine.h"
#include "softhv/difftest/deviations.h"
#include "softhv/difftest/generator.h"
#include "softhv/difftest/outside_profile.h"
#include "softhv/difftest/qemu_side.h"
#include "softhv/difftest/softhv_side.h"

namespace softhv::difftest {
namespace {

struct Options {
  EngineOptions engine{.engine = default_engine()};
  std::string qemu = "qemu-aarch64";
  std::string runner = DIFFTEST_RUNNER;
  std::string row;
  unsigned cases = 64;
  u64 seed = 1;
  unsigned shown = 3;
  unsigned unallocated = 0;
};

struct RowResult {
  unsigned cases = 0;
  unsigned completed = 0; // ran to the BRK after the instruction
  unsigned different = 0;
};

void print_difference(const char* name, u64 before, u64 ours, u64 theirs) {
  if (ours != theirs)
    fmt::print("    {:<6} before {:016x}  softhv {:016x}  qemu {:016x}\n", name, before, ours,
               theirs);
}

void print_vector(unsigned i, const difftest_registers& before, const difftest_registers& ours,
                  const difftest_registers& theirs) {
  if (std::memcmp(ours.v[i], theirs.v[i], 16) == 0)
    return;
  const auto text = [i](const difftest_registers& r) {
    return fmt::format("{:016x}_{:016x}", r.v[i][1], r.v[i][0]);
  };
  fmt::print("    v{:<5} before {}  softhv {}  qemu {}\n", i, text(before), text(ours),
             text(theirs));
}

void print_report(const isa::Row& row, const difftest_case& c, const difftest_outcome& ours,
                  const difftest_outcome& theirs) {
  fmt::print("  {} ({}):", row.id, row.title);
  for (u32 i = 0; i < c.count; ++i)
    fmt::print(" {:08x}", c.words[i]);
  fmt::print("  signal softhv {} qemu {}\n", ours.signal, theirs.signal);
  const difftest_registers& b = c.registers;
  const difftest_registers& o = ours.registers;
  const difftest_registers& t = theirs.registers;
  for (unsigned i = 0; i < 31; ++i)
    print_difference(fmt::format("x{}", i).c_str(), b.x[i], o.x[i], t.x[i]);
  print_difference("sp", b.sp, o.sp, t.sp);
  print_difference("pc", DIFFTEST_SLOT, o.pc, t.pc);
  print_difference("nzcv", b.nzcv, o.nzcv, t.nzcv);
  print_difference("fpcr", b.fpcr, o.fpcr, t.fpcr);
  print_difference("fpsr", b.fpsr, o.fpsr, t.fpsr);
  for (unsigned i = 0; i < 32; ++i)
    print_vector(i, b, o, t);
  for (u32 i = 0; i < DIFFTEST_WINDOW; ++i)
    if (ours.window[i] != theirs.window[i])
      fmt::print("    [{:x}] softhv {:02x} qemu {:02x}\n", DIFFTEST_DATA_BASE + c.window + i,
                 ours.window[i], theirs.window[i]);
  fmt::print("    operands: fpcr {:08x} fpsr {:08x} nzcv {:08x}", b.fpcr, b.fpsr, b.nzcv);
  for (const unsigned lsb : {5U, 16U, 10U}) {
    const unsigned n = (c.words[c.count - 1] >> lsb) & 31;
    fmt::print("  x{} {:x} v{} {:016x}_{:016x}", n, n == 31 ? b.sp : b.x[n], n, b.v[n][1],
               b.v[n][0]);
  }
  fmt::print("\n");
}

bool equal(const difftest_outcome& a, const difftest_outcome& b) {
  return a.signal == b.signal && std::memcmp(&a.registers, &b.registers, sizeof a.registers) == 0 &&
         std::memcmp(a.window, b.window, sizeof a.window) == 0;
}

kindling::Result<RowResult> test_row(const isa::Row& row, const Options& options, SoftHvSide& ours,
                                     QemuSide& theirs) {
  // Seeded by the row's name, so that adding rows changes no other row's cases.
  Generator generator(options.seed ^ std::hash<std::string_view>{}(row.id));
  RowResult result;
  for (; result.cases < options.cases; ++result.cases) {
    difftest_case c = generator.make(row);
    const difftest_outcome mine = ours.run(c);
    kindling::Result<difftest_outcome> other = theirs.run(c);
    if (!other.ok())
      return other.error().with_context(row.id);
    correct_known_deviation(row, c, *other);
    result.completed += mine.signal == SIGTRAP ? 1 : 0;
    if (equal(mine, *other))
      continue;
    if (result.different++ < options.shown)
      print_report(row, c, mine, *other);
  }
  return result;
}

// Words that SoftHV takes for unallocated must be so for QEMU too, unless a feature outside the CPU
// profile has them.
int run_unallocated(const Options& options, QemuSide& qemu) {
  Generator generator(options.seed);
  unsigned checked = 0, wrong = 0, died = 0;
  while (checked < options.unallocated) {
    difftest_case c = generator.make_unallocated();
    if (outside_feature(c.words[0]) != nullptr)
      continue;
    ++checked;
    const kindling::Result<difftest_outcome> other = qemu.run(c);
    if (!other.ok()) {
      // Some unallocated encodings end QEMU 7.2 with an assertion of its own.
      ++died;
      kindling::Result<QemuSide> next = QemuSide::start(options.qemu, options.runner);
      if (!next.ok()) {
        fmt::print(stderr, "softhv-difftest: {}\n", next.error().message);
        return 1;
      }
      qemu = std::move(*next);
      continue;
    }
    if (other->signal != SIGILL) {
      ++wrong;
      fmt::print("  {:08x} is not in the table, but QEMU runs it (signal {})\n", c.words[0],
                 other->signal);
    }
  }
  fmt::print("{} words outside the table: {} allocated in QEMU, which died of {}\n", checked, wrong,
             died);
  return wrong == 0 && died < checked / 100 ? 0 : 1;
}

int run(const Options& options) {
  kindling::Result<QemuSide> qemu = QemuSide::start(options.qemu, options.runner);
  if (!qemu.ok()) {
    fmt::print(stderr, "softhv-difftest: {}\n", qemu.error().message);
    return 1;
  }
  if (options.unallocated > 0)
    return run_unallocated(options, *qemu);
  SoftHvSide ours(options.engine);
  unsigned eligible = 0, covered = 0, system = 0, different_rows = 0;
  u64 cases = 0;
  for (const isa::Row& row : isa::rows()) {
    if (!options.row.empty() && options.row != row.id)
      continue;
    if (!is_testable(row)) {
      ++system;
      continue;
    }
    ++eligible;
    const kindling::Result<RowResult> result = test_row(row, options, ours, *qemu);
    if (!result.ok()) {
      fmt::print(stderr, "softhv-difftest: {}\n", result.error().message);
      return 1;
    }
    cases += result->cases;
    covered += result->completed > 0 ? 1 : 0;
    different_rows += result->different > 0 ? 1 : 0;
    if (result->completed == 0)
      fmt::print("  {} ({}): no case ran to completion\n", row.id, row.title);
    if (result->different > 0)
      fmt::print("  {} ({}): {} of {} cases differ\n", row.id, row.title, result->different,
                 result->cases);
  }
  fmt::print("{} cases over {} of {} rows that EL0 can run ({} system rows have directed tests); "
             "{} rows differ\n",
             cases, covered, eligible, system, different_rows);
  return covered == eligible && different_rows == 0 && eligible > 0 ? 0 : 1;
}

} // namespace
} // namespace softhv::difftest

int main(int argc, char** argv) { // NOLINT(bugprone-exception-escape): ends with a message
  using softhv::difftest::Options;
  Options options;
  CLI::App app{"Compares SoftHV with qemu-aarch64, instruction by instruction."};
  app.add_option("--engine", options.engine.engine, "The engine to compare: jit or interp")
      ->transform(CLI::CheckedTransformer(std::map<std::string, softhv::Engine>{
          {"jit", softhv::Engine::kJit}, {"interp", softhv::Engine::kInterpreter}}));
  app.add_flag("--lockstep", options.engine.lockstep, "Compare the JIT with the interpreter too");
  app.add_option("--host-features", options.engine.host_level,
                 "What the JIT uses of the host: baseline, avx or all")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, softhv::HostLevel>{{"baseline", softhv::HostLevel::kBaseline},
                                                   {"avx", softhv::HostLevel::kAvx},
                                                   {"all", softhv::HostLevel::kAll}}));
  app.add_option("--row", options.row, "Only the row with this id");
  app.add_option("--cases", options.cases, "Cases for each row")->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of the generator")->capture_default_str();
  app.add_option("--show", options.shown, "Differences to print for each row")
      ->capture_default_str();
  app.add_option("--unallocated", options.unallocated,
                 "Instead, check that many words outside the table to be unallocated in QEMU too");
  app.add_option("--qemu", options.qemu, "The user-mode QEMU to compare with")
      ->capture_default_str();
  app.add_option("--runner", options.runner, "The arm64 runner program");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  return softhv::difftest::run(options);
}
