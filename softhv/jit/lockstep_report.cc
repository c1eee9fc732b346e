// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/lockstep_report.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>

#ifdef SOFTHV_CAPSTONE
#include <capstone/capstone.h>
#include <dlfcn.h>
#endif

namespace softhv::jit {
namespace {

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  return line;
}

using ull = unsigned long long;

#ifdef SOFTHV_CAPSTONE

#define TEXT_OF(value) TEXT_OF_TOKEN(value)
#define TEXT_OF_TOKEN(token) #token

// Loaded when there is something to report: linking a library of that size would take every process
// longer than all its other preparations.
class Disassembler {
public:
  Disassembler() {
    library_ = ::dlopen("libcapstone.so." TEXT_OF(CS_API_MAJOR), RTLD_NOW | RTLD_LOCAL);
    if (library_ == nullptr)
      return;
    const auto open = function<decltype(cs_open)>("cs_open");
    close_ = function<decltype(cs_close)>("cs_close");
    disassemble_ = function<decltype(cs_disasm)>("cs_disasm");
    free_ = function<decltype(cs_free)>("cs_free");
    open_ = open != nullptr && close_ != nullptr && disassemble_ != nullptr && free_ != nullptr &&
            open(CS_ARCH_ARM64, CS_MODE_ARM, &handle_) == CS_ERR_OK;
  }
  ~Disassembler() {
    if (open_)
      close_(&handle_);
    if (library_ != nullptr)
      ::dlclose(library_);
  }
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  std::string text(u32 word, u64 address) {
    cs_insn* insn = nullptr;
    u8 bytes[4];
    std::memcpy(bytes, &word, sizeof bytes);
    if (!open_ || disassemble_(handle_, bytes, sizeof bytes, address, 1, &insn) != 1)
      return {};
    std::string text = format("%s %s", insn->mnemonic, insn->op_str);
    free_(insn, 1);
    return text;
  }

private:
  template <typename Function>
  Function* function(const char* name) {
    return reinterpret_cast<Function*>(::dlsym(library_, name));
  }

  void* library_ = nullptr;
  decltype(cs_close)* close_ = nullptr;
  decltype(cs_disasm)* disassemble_ = nullptr;
  decltype(cs_free)* free_ = nullptr;
  csh handle_ = 0;
  bool open_ = false;
};

#undef TEXT_OF
#undef TEXT_OF_TOKEN

#else

struct Disassembler {
  static std::string text(u32 /*word*/, u64 /*address*/) { return {}; }
};

#endif

struct NamedRegister {
  const char* name;
  u64 SystemRegisters::*field;
};
#define NAMED(name)                                                                                \
  { #name, &SystemRegisters::name }
constexpr NamedRegister kSystemRegisters[] = {
    NAMED(sctlr_el1),  NAMED(actlr_el1),   NAMED(cpacr_el1),      NAMED(ttbr0_el1),
    NAMED(ttbr1_el1),  NAMED(tcr_el1),     NAMED(mair_el1),       NAMED(amair_el1),
    NAMED(vbar_el1),   NAMED(esr_el1),     NAMED(far_el1),        NAMED(elr_el1),
    NAMED(spsr_el1),   NAMED(afsr0_el1),   NAMED(afsr1_el1),      NAMED(par_el1),
    NAMED(tpidr_el0),  NAMED(tpidrro_el0), NAMED(contextidr_el1), NAMED(tpidr_el1),
    NAMED(csselr_el1), NAMED(cntkctl_el1), NAMED(mdscr_el1),      NAMED(mdccint_el1),
    NAMED(osdlr_el1),  NAMED(oslsr_el1),   NAMED(dbgclaim)};
#undef NAMED

// What is compared, one value after the other: visit(name, value of a, value of b).
template <typename Visit>
void each_value(const CpuState& a, const CpuState& b, Visit visit) {
  for (unsigned i = 0; i < 31; ++i)
    visit(format("x%u", i), a.x[i], b.x[i]);
  visit("sp", a.x[kRegSp], b.x[kRegSp]);
  visit("xzr", a.x[kRegZero], b.x[kRegZero]);
  visit("pc", a.pc, b.pc);
  visit("nzcv", a.pstate.nzcv, b.pstate.nzcv);
  visit("daif", a.pstate.daif, b.pstate.daif);
  visit("el", a.pstate.el, b.pstate.el);
  visit("spsel", a.pstate.sp_sel, b.pstate.sp_sel);
  visit("pan", a.pstate.pan, b.pstate.pan);
  visit("uao", a.pstate.uao, b.pstate.uao);
  visit("ss", a.pstate.ss, b.pstate.ss);
  visit("il", a.pstate.il, b.pstate.il);
  visit("fpcr", a.fpcr, b.fpcr);
  visit("fpsr", a.fpsr, b.fpsr);
  visit("sp_el0 (banked)", a.sp_el[0], b.sp_el[0]);
  visit("sp_el1 (banked)", a.sp_el[1], b.sp_el[1]);
  for (unsigned i = 0; i < 32; ++i) {
    visit(format("v%u.d[0]", i), a.v[i].d[0], b.v[i].d[0]);
    visit(format("v%u.d[1]", i), a.v[i].d[1], b.v[i].d[1]);
  }
  for (const NamedRegister& reg : kSystemRegisters)
    visit(reg.name, a.sys.*reg.field, b.sys.*reg.field);
  visit("monitor size", a.exclusive_size, b.exclusive_size);
  visit("monitor address", a.exclusive_va, b.exclusive_va);
  visit("monitor data[0]", a.exclusive_data[0], b.exclusive_data[0]);
  visit("monitor data[1]", a.exclusive_data[1], b.exclusive_data[1]);
}

bool same_monitor(const CpuState& a, const CpuState& b) {
  return a.exclusive_size == b.exclusive_size &&
         (a.exclusive_size == 0 ||
          (a.exclusive_va == b.exclusive_va &&
           std::memcmp(a.exclusive_data, b.exclusive_data, sizeof a.exclusive_data) == 0));
}

// Of the banked stack pointers the current one is stale.
bool same_stacks(const CpuState& a, const CpuState& b) {
  const unsigned other = a.pstate.el != 0 && a.pstate.sp_sel != 0 ? 0 : 1;
  return a.sp_el[other] == b.sp_el[other];
}

bool same_state(const CpuState& a, const CpuState& b) {
  return std::memcmp(a.x, b.x, kRegSink * sizeof a.x[0]) == 0 && a.pc == b.pc &&
         std::memcmp(&a.pstate, &b.pstate, sizeof a.pstate) == 0 && a.fpcr == b.fpcr &&
         a.fpsr == b.fpsr && std::memcmp(a.v, b.v, sizeof a.v) == 0 &&
         std::memcmp(&a.sys, &b.sys, sizeof a.sys) == 0 && same_stacks(a, b) && same_monitor(a, b);
}

bool same_exit(const VmExit& a, const VmExit& b) {
  return a.reason == b.reason && a.syndrome == b.syndrome &&
         a.virtual_address == b.virtual_address && a.physical_address == b.physical_address;
}

std::string bytes(const u8* from, unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i)
    text += format("%02x", from[i]);
  return text;
}

std::string exit_text(const Lockstep::Result& r) {
  if (!r.exits)
    return "none";
  return format("reason %u syndrome %llx va %llx ipa %llx", static_cast<u32>(r.exit.reason),
                ull{r.exit.syndrome}, ull{r.exit.virtual_address}, ull{r.exit.physical_address});
}

} // namespace

bool same_result(const Lockstep::Result& a, const Lockstep::Result& b) {
  return same_state(a.s, b.s) && a.begun == b.begun && a.exits == b.exits &&
         (!a.exits || same_exit(a.exit, b.exit));
}

std::string describe(const LockstepDifference& d) {
  std::string text = format("lockstep: the engines differ after the block at 0x%llx, EL%u\n",
                            ull{d.before.pc}, d.before.pstate.el);
  Disassembler disassembler;
  u64 at = d.before.pc;
  for (const u32 word : d.words) {
    text += format("  %016llx  %08x  %s\n", ull{at}, word, disassembler.text(word, at).c_str());
    at += 4;
  }
  each_value(d.interpreted.s, d.translated.s, [&](const std::string& name, u64 a, u64 b) {
    if (a != b)
      text += format("  %-16s interpreter %016llx  jit %016llx\n", name.c_str(), ull{a}, ull{b});
  });
  if (d.interpreted.begun != d.translated.begun)
    text += format("  instructions     interpreter %llu  jit %llu\n", ull{d.interpreted.begun},
                   ull{d.translated.begun});
  if (d.interpreted.exits != d.translated.exits ||
      !same_exit(d.interpreted.exit, d.translated.exit))
    text += "  exit: interpreter " + exit_text(d.interpreted) + ", jit " + exit_text(d.translated) +
            "\n";
  for (const WriteJournal::Write& write : d.writes)
    if (std::memcmp(write.after, write.host, write.size) != 0)
      text += format("  memory %016llx: ", ull{write.va}) + "interpreter " +
              bytes(write.after, write.size) + "  jit " + bytes(write.host, write.size) + "\n";
  text += "  before:\n";
  each_value(d.before, CpuState{}, [&](const std::string& name, u64 value, u64 /*zero*/) {
    if (value != 0)
      text += format("    %-16s %016llx\n", name.c_str(), ull{value});
  });
  return text;
}

} // namespace softhv::jit
