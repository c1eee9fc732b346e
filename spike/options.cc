// SPDX-License-Identifier: Apache-2.0
#include "spike/options.h"

#include <charconv>
#include <optional>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "spike/size.h"

namespace kindling::spike {

namespace {

constexpr char kDescription[] =
    "Boots an arm64 Linux kernel in a microVM, with its console on this terminal.";
constexpr char kFooter[] = R"(
boot snapshot --help tells of the commands for snapshots.
Keys: Ctrl-A x quits, Ctrl-A ? lists the keys, Ctrl-A Ctrl-A sends Ctrl-A.
Exit status: 0 when the guest powers off or Ctrl-A x is typed, 2 for a wrong
command line, 1 for any other failure.
)";
constexpr char kConsoleArguments[] = "console=ttyS0 earlycon";
constexpr char kRootArguments[] = " root=/dev/vda rw";
constexpr size_t kMaxDiskId = 20; // virtio 1.2 5.2.6: VIRTIO_BLK_T_GET_ID
// A kernel copies no more of its command line than this (COMMAND_LINE_SIZE on arm64).
constexpr size_t kMaxCommandLine = 2047;

constexpr u64 kMaxPrefetchMs = 24ULL * 60 * 60 * 1000;

constexpr std::string_view kEngineNames = "auto, jit or interp";
constexpr std::string_view kPerfNames = "none, map or jitdump";

// What CLI11 fills in, as text that is checked afterwards.
struct RawOptions {
  std::string kernel;
  std::string rootfs;
  std::string smp = "1";
  std::string mem = "512M";
  std::string initramfs;
  std::vector<std::string> append;
  std::string cmdline;
  std::vector<std::string> disks;
  std::string backend = "auto";
  std::string engine = "auto";
  std::string perf = "none";
  bool lockstep = false;
  bool stats = false;
  std::string icount;
  std::string seed = "0";
  bool icount_report = false;
  std::string store = vmm::kDefaultStore;
  std::string restore;
  std::string prefetch;
  bool track_dirty = false;
  std::string write_tracking = "auto";
  std::string control_socket;
  std::string log_level = "warn";
};

void declare(CLI::App& app, RawOptions& raw) {
  app.footer(kFooter);
  app.set_version_flag("--version", "boot (Kindling) " KINDLING_VERSION);
  app.add_option("Image", raw.kernel, "arm64 kernel Image, plain or compressed with gzip or zstd");
  app.add_option("rootfs", raw.rootfs, "disk image of the root file system: the guest's /dev/vda");
  app.add_option("--smp", raw.smp, "number of vCPUs, 1 to 32")
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--mem", raw.mem, "guest RAM: 512M, 2G, or a number of MiB")
      ->type_name("SIZE")
      ->capture_default_str();
  app.add_option("--initramfs", raw.initramfs, "initial file system for the kernel")
      ->type_name("FILE");
  app.add_option("--append", raw.append, "add to the kernel's command line")
      ->type_name("STRING")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--cmdline", raw.cmdline,
                 fmt::format("use instead of the default command line, \"{}{}\"", kConsoleArguments,
                             kRootArguments))
      ->type_name("STRING");
  app.add_option("--disk", raw.disks,
                 "one more disk: FILE[,ro][,id=NAME]; may be given several times")
      ->type_name("FILE")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--backend", raw.backend,
                 fmt::format("what executes the guest: {}", vmm::vstate::kBackendNames))
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--engine", raw.engine,
                 fmt::format("how the soft backend executes the guest: {}", kEngineNames))
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--perf", raw.perf,
                 fmt::format("tell Linux's perf about translated code: {}", kPerfNames))
      ->type_name("FORMAT")
      ->capture_default_str();
  app.add_flag("--lockstep", raw.lockstep,
               "compare translated code with the interpreter, block by block; needs --smp 1");
  app.add_flag("--stats", raw.stats, "print what the engine has counted at exit");
  // A flag, for a value that follows without "=" would be the Image.
  app.add_flag("--icount", raw.icount,
               "make the run repeatable: the guest's time is the instructions it executes, 1 ns "
               "each, or 2^SHIFT ns with --icount=SHIFT");
  app.add_option("--seed", raw.seed, "with --icount: what random numbers follow from")
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--icount-report", raw.icount_report,
               "with --icount: print the number of instructions and a hash of memory at exit");
  app.add_option("--store", raw.store, "where snapshots are kept")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--restore", raw.restore,
                 "go on from a snapshot instead of booting; Image, if given, is for reboots")
      ->type_name("NAME");
  app.add_flag("--prefetch", raw.prefetch,
               "with --restore: bring in the memory that an earlier clone touched first; the first "
               "clone, and each with --prefetch=MS, records which that is, for 1000 or MS ms");
  app.add_flag("--track-dirty", raw.track_dirty,
               "follow what changes, so that snapshots can be small differences");
  app.add_option("--write-tracking", raw.write_tracking,
                 "how to learn what the guest writes to, for checkpoints and --track-dirty: auto, "
                 "the best there is, or faults, by protecting memory")
      ->type_name("HOW")
      ->capture_default_str();
  app.add_option("--control-sock", raw.control_socket,
                 "listen for commands at this Unix socket; scripts/kindlingctl sends them")
      ->type_name("PATH");
  app.add_option("--log-level", raw.log_level,
                 fmt::format("what to report on standard error: {}", vmm::kLogLevelNames))
      ->type_name("LEVEL")
      ->capture_default_str();
}

Result<u32> parse_smp(const std::string& text) {
  u32 number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc() || rest != end || number < 1 || number > arch::kMaxVcpus) {
    return Error{fmt::format("--smp {}: the number of vCPUs is 1 to {}", text, arch::kMaxVcpus)};
  }
  return number;
}

Result<u64> parse_mem(const std::string& text) {
  const auto size = parse_size(text);
  if (!size) {
    return size.error().with_context("--mem");
  }
  if (Status s = arch::check_ram_size(*size); !s) {
    return s.error().with_context(fmt::format("--mem {}", text));
  }
  return *size;
}

std::optional<u64> parse_number(const std::string& text) {
  u64 number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number);
  return failure == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

Result<std::optional<vmm::InstructionCounting>> parse_icount(const CLI::App& app,
                                                             const RawOptions& raw) {
  using Parsed = std::optional<vmm::InstructionCounting>;
  if (app.count("--icount") == 0) {
    for (const char* option : {"--seed", "--icount-report"}) {
      if (app.count(option) != 0) {
        return Error{fmt::format("{}: has a meaning with --icount only", option)};
      }
    }
    return Parsed();
  }
  const auto shift = raw.icount == "true" ? std::optional<u64>(0) : parse_number(raw.icount);
  if (!shift || *shift > vmm::kMaxInstructionShift) {
    return Error{fmt::format("--icount={}: an instruction takes 2^SHIFT ns, with SHIFT 0 to {}",
                             raw.icount, vmm::kMaxInstructionShift)};
  }
  const auto seed = parse_number(raw.seed);
  if (!seed) {
    return Error{fmt::format("--seed {}: a seed is a number from 0 to 2^64 - 1", raw.seed)};
  }
  vmm::InstructionCounting icount;
  icount.shift = static_cast<unsigned>(*shift);
  icount.seed = *seed;
  return Parsed(icount);
}

Result<std::optional<vmm::PrefetchConfig>> parse_prefetch(const CLI::App& app,
                                                          const RawOptions& raw) {
  using Parsed = std::optional<vmm::PrefetchConfig>;
  if (app.count("--prefetch") == 0) {
    return Parsed();
  }
  if (app.count("--restore") == 0) {
    return Error{"--prefetch: has a meaning with --restore only"};
  }
  vmm::PrefetchConfig prefetch;
  if (raw.prefetch != "true") {
    const auto ms = parse_number(raw.prefetch);
    if (!ms || *ms > kMaxPrefetchMs) {
      return Error{fmt::format("--prefetch={}: a number of milliseconds from 0 to {} would do",
                               raw.prefetch, kMaxPrefetchMs)};
    }
    prefetch = {std::chrono::milliseconds(*ms), true};
  }
  return Parsed(prefetch);
}

Result<arch::Engine> parse_engine(const std::string& name) {
  if (name == "auto") {
    return arch::Engine::kAuto;
  }
  if (name == "jit") {
    return arch::Engine::kJit;
  }
  if (name == "interp") {
    return arch::Engine::kInterpreter;
  }
  return Error{
      fmt::format("--engine {}: there is no such engine; it is one of {}", name, kEngineNames)};
}

Result<arch::PerfFormat> parse_perf(const std::string& name) {
  if (name == "none") {
    return arch::PerfFormat::kNone;
  }
  if (name == "map") {
    return arch::PerfFormat::kMap;
  }
  if (name == "jitdump") {
    return arch::PerfFormat::kJitdump;
  }
  return Error{
      fmt::format("--perf {}: there is no such format; it is one of {}", name, kPerfNames)};
}

std::string command_line(const CLI::App& app, const RawOptions& raw, bool has_disk) {
  std::string line = raw.cmdline;
  if (app.count("--cmdline") == 0) {
    line = kConsoleArguments;
    line += has_disk ? kRootArguments : "";
  }
  for (const std::string& more : raw.append) {
    line += line.empty() ? more : " " + more;
  }
  return line;
}

// What a machine has is the snapshot's to say.
Status check_restore(const CLI::App& app) {
  if (app.count("--restore") == 0) {
    return app.count("Image") != 0 ? Status() : Error{"Image is required"};
  }
  for (const char* option : {"rootfs", "--smp", "--mem", "--append", "--cmdline", "--disk"}) {
    if (app.count(option) != 0) {
      return Error{fmt::format("{}: it comes with the snapshot of --restore", option)};
    }
  }
  if (app.count("--initramfs") != 0 && app.count("Image") == 0) {
    return Error{"--initramfs: with --restore it is for reboots, and needs an Image beside it"};
  }
  return {};
}

Result<Options> check(const CLI::App& app, const RawOptions& raw) {
  Options options;
  vmm::MachineConfig& machine = options.machine;
  if (Status s = check_restore(app); !s) {
    return s.error();
  }
  machine.kernel = raw.kernel;
  machine.store = raw.store;
  machine.track_dirty = raw.track_dirty;
  if (app.count("--restore") != 0) {
    machine.restore = raw.restore;
  }
  const auto prefetch = parse_prefetch(app, raw);
  if (!prefetch) {
    return prefetch.error();
  }
  machine.prefetch = *prefetch;
  const auto vcpus = parse_smp(raw.smp);
  if (!vcpus) {
    return vcpus.error();
  }
  machine.vcpus = *vcpus;
  const auto ram = parse_mem(raw.mem);
  if (!ram) {
    return ram.error();
  }
  machine.ram_size = *ram;
  if (app.count("--initramfs") != 0) {
    machine.initramfs = raw.initramfs;
  }
  if (app.count("rootfs") != 0) {
    machine.disks.push_back({raw.rootfs, false, "rootfs"});
  }
  for (const std::string& text : raw.disks) {
    const auto disk = parse_disk(text);
    if (!disk) {
      return disk.error();
    }
    machine.disks.push_back(*disk);
  }
  machine.command_line = command_line(app, raw, !machine.disks.empty());
  if (machine.command_line.size() > kMaxCommandLine) {
    return Error{fmt::format("--append: the kernel's command line would be {} bytes long; at most "
                             "{} reach it",
                             machine.command_line.size(), kMaxCommandLine)};
  }
  const auto backend = vmm::vstate::parse_backend(raw.backend);
  if (!backend) {
    return backend.error();
  }
  machine.backend = *backend;
  const auto engine = parse_engine(raw.engine);
  if (!engine) {
    return engine.error();
  }
  const auto perf = parse_perf(raw.perf);
  if (!perf) {
    return perf.error();
  }
  if (raw.lockstep && machine.vcpus != 1) {
    return Error{fmt::format("--lockstep: one vCPU can be checked, not --smp {}", machine.vcpus)};
  }
  machine.engine = {*engine, *perf, raw.lockstep};
  if (raw.write_tracking != "auto" && raw.write_tracking != "faults") {
    return Error{fmt::format("--write-tracking {}: it is auto or faults", raw.write_tracking)};
  }
  machine.watch_by_faults = raw.write_tracking == "faults";
  machine.statistics = raw.stats;
  const auto icount = parse_icount(app, raw);
  if (!icount) {
    return icount.error();
  }
  machine.icount = *icount;
  machine.report = raw.icount_report;
  if (app.count("--control-sock") != 0) {
    options.control_socket = raw.control_socket;
  }
  const auto level = vmm::parse_log_level(raw.log_level);
  if (!level) {
    return Error{fmt::format("--log-level {}: there is no such level; it is one of {}",
                             raw.log_level, vmm::kLogLevelNames)};
  }
  options.log_level = *level;
  return options;
}

// CLI11's messages may have several lines; the first says what is wrong.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// Splits at single commas; two in a row stand for one in the text.
std::vector<std::string> split_fields(const std::string& text) {
  std::vector<std::string> fields(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      fields.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      fields.back() += text[i++];
    } else {
      fields.emplace_back();
    }
  }
  return fields;
}

} // namespace

Result<vmm::DiskConfig> parse_disk(const std::string& text) {
  const std::vector<std::string> fields = split_fields(text);
  vmm::DiskConfig disk{fields[0], false, ""};
  if (disk.path.empty()) {
    return Error{fmt::format("--disk {}: the name of a disk image comes first; write "
                             "FILE[,ro][,id=NAME]",
                             text)};
  }
  for (size_t i = 1; i < fields.size(); ++i) {
    if (fields[i] == "ro") {
      disk.read_only = true;
    } else if (fields[i].starts_with("id=") && fields[i].size() > 3 &&
               fields[i].size() <= 3 + kMaxDiskId) {
      disk.id = fields[i].substr(3);
    } else if (fields[i].starts_with("id=")) {
      return Error{fmt::format("--disk {}: an id has 1 to {} characters", text, kMaxDiskId)};
    } else {
      return Error{fmt::format("--disk {}: \"{}\" is not an option of a disk; write "
                               "FILE[,ro][,id=NAME], and a comma in a file name twice",
                               text, fields[i])};
    }
  }
  return disk;
}

Result<std::variant<Options, Printout>> parse_options(int argc, const char* const* argv) {
  using Parsed = std::variant<Options, Printout>;
  CLI::App app(kDescription, "boot");
  RawOptions raw;
  declare(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Parsed(Printout{app.help()});
  } catch (const CLI::CallForVersion& version) {
    return Parsed(Printout{std::string(version.what()) + "\n"});
  } catch (const CLI::ParseError& error) {
    return Error{first_line(error.what()) + "; boot --help shows the options"};
  }
  auto options = check(app, raw);
  if (!options) {
    return options.error();
  }
  return Parsed(std::move(*options));
}

} // namespace kindling::spike
