// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/engine.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "softhv/core/attention.h"
#include "softhv/core/budget.h"
#include "softhv/core/vm.h"
#include "softhv/fp/context.h"
#include "softhv/fp/host_environment.h"
#include "softhv/interp/interpreter.h"
#include "softhv/interp/translator.h"
#include "softhv/isa/decoder.h"
#include "softhv/jit/code_memory.h"
#include "softhv/jit/emitter.h"
#include "softhv/jit/lockstep.h"
#include "softhv/jit/page.h"
#include "softhv/jit/passes.h"
#include "softhv/jit/perf_output.h"
#include "softhv/jit/thunks.h"
#include "softhv/mmu/code_bytes.h"
#include "softhv/mmu/mmu.h"
#include "softhv/system/exception.h"
#include "softhv/system/fp_trap.h"

#include <immintrin.h>

namespace softhv::jit {
namespace {

constexpr size_t kConstantsSize = 64 << 10;
constexpr size_t kRoomForBlock = 128 << 10; // more than any block becomes
constexpr size_t kMaxPages = 8192;
constexpr size_t kRecentPages = 4096;
constexpr u32 kLastEpoch = kUnlinked - (1U << 20);
constexpr i32 kLinkCredit = 32; // jumps go by the TLB for each that is linked

constexpr u64 kNoCut = 1; // no address of an instruction

// Most instructions that translated code counts before it comes back to look for attention.
constexpr u64 kMaxAllowance = 1 << 16;

// An instruction for the interpreter, ready to run.
struct Predecoded {
  u32 word = 0;
  u8 mode = 0xff;
  bool leaves = false; // whether it ends a block
  bool floating_point = false;
  interp::Op ops[2];
};
constexpr size_t kPredecoded = 1024;

Mode mode_of(const Cpu& cpu) {
  const Pstate& p = cpu.s.pstate;
  return {.el = p.el,
          .sp_el0 = p.el == 1 && p.sp_sel == 0,
          .fp_trapped = fp_access_trapped(cpu.s),
          .fpcr_default = cpu.s.fpcr == 0};
}

u64 key_of(u64 ipa, Mode mode) {
  return ipa | index_of(mode);
}

} // namespace

struct Engine::Impl {
  // Of the code that starts at an instruction.
  enum class Kind : u8 {
    kOrdinary,
    kAlone, // no accesses share a look into the TLB
    kLoop,  // what has made many rounds
    kPlain, // the same, without looks that are made before the loop
  };

  static bool is_loop(Kind kind) { return kind == Kind::kLoop || kind == Kind::kPlain; }

  Impl(Cpu& owner, std::unique_ptr<CodeMemory> code_memory)
      : cpu(owner), memory(std::move(code_memory)),
        as(memory->writable(), memory->size(), kConstantsSize,
           HostFeatures::detect(owner.vm.engine_options().host_level)),
        thunks(emit_thunks(as,
                           {.interpret = interpret, .refill = refill, .next = next, .link = link})),
        emitter(as, thunks,
                {.chain = !owner.vm.engine_options().lockstep,
                 .host_writes_code = !owner.vm.engine_options().host_writes_announced}),
        start_of_blocks(as.position()), predecoded(kPredecoded) {
    if (cpu.vm.engine_options().lockstep)
      lockstep = std::make_unique<Lockstep>(cpu, invalidations);
  }

  struct Block {
    u32 start;
    Page* page;
    u32 size; // most instructions that run from there before the count is looked at
  };

  static Impl& of(CpuCore* core) { return *static_cast<Cpu*>(core)->jit->impl_; }

  // For a runtime call: Cpu::retired is exact as long as it lives.
  class Returned {
  public:
    explicit Returned(CpuCore* core) : impl_(of(core)) { impl_.take_count(); }
    ~Returned() { impl_.give_allowance(); }
    Returned(const Returned&) = delete;
    Returned& operator=(const Returned&) = delete;
    Impl* operator->() const { return &impl_; }

  private:
    Impl& impl_;
  };

  [[nodiscard]] const void* executable(u32 offset) const { return memory->executable() + offset; }

  // Runtime calls

  static const void* interpret(CpuCore* core, u32 word, u32 place) {
    return Returned(core)->interpret_one(word, InstructionPlace::unpack(place));
  }
  static bool refill(CpuCore* core, u64 va, u32 code) {
    Mmu& mmu = *static_cast<Cpu*>(core)->mmu;
    const RefillAccess access = RefillAccess::decode(code);
    const u64 epochs = of(core).code_epochs();
    const bool filled = access.is_simple(va) &&
                        (!access.read || mmu.refill(va, false, access.unprivileged)) &&
                        (!access.write || mmu.refill(va, true, access.unprivileged));
    // Returns look at it before they go where it was predicted.
    if (epochs != of(core).code_epochs())
      core->attention.fetch_or(kAttentionInterrupt);
    return filled;
  }
  static const void* next(CpuCore* core) { return Returned(core)->find_code(); }
  static const void* link(CpuCore* core, i32 offset, u32 fixup) {
    return Returned(core)->find_and_link(offset, fixup);
  }

  // Counting (core/budget.h). While translated code has an allowance left any block fits into the
  // budget; then only those do that find_code() has found to.

  void take_count() {
    const i64 left = counts ? cpu.allowance >> reg::kAllowanceShift : 0;
    cpu.retired += static_cast<u64>(given - left);
    given = left;
  }
  void give_allowance() {
    given = counts ? static_cast<i64>(std::min(budget(cpu), kMaxAllowance)) - kMaxBlock : 0;
    cpu.allowance = given * (1LL << reg::kAllowanceShift);
  }

  // Code that counts is other code than code that does not.
  void follow_counting() {
    if (counts == counts_instructions(cpu))
      return;
    counts = !counts;
    as.set_counting(counts);
    if (!blocks.empty())
      flush();
  }

  [[nodiscard]] bool fits(const void* code) const {
    if (!counts || budget(cpu) >= kMaxBlock)
      return true;
    return block_at(offset_of(code))->size <= budget(cpu);
  }

  [[nodiscard]] u32 offset_of(const void* code) const {
    return static_cast<u32>(static_cast<const u8*>(code) - memory->executable());
  }
  // The block that has this position in code memory, or nullptr.
  [[nodiscard]] const Block* block_at(u32 position) const {
    const auto behind = std::upper_bound(blocks.begin(), blocks.end(), position,
                                         [](u32 at, const Block& b) { return at < b.start; });
    return behind == blocks.begin() ? nullptr : &*(behind - 1);
  }

  Predecoded& predecode(u32 word, Mode mode) {
    Predecoded& p = predecoded[(word * 0x9e37'79b1U) >> 22];
    if (p.word == word && p.mode == index_of(mode))
      return p;
    p = {};
    p.word = word;
    p.mode = static_cast<u8>(index_of(mode));
    p.leaves = interp::translate(word, {.el = mode.el, .fp_trapped = mode.fp_trapped}, p.ops[0]);
    p.ops[1] = interp::terminator(1);
    const isa::Row* row = isa::decode(word);
    p.floating_point = row != nullptr && ((row->traits & isa::kTraitFp) != 0 ||
                                          isa::id_of(*row) == isa::InstId::kMsr);
    return p;
  }

  const void* interpret_one(u32 word, InstructionPlace place) {
    const Mode mode = mode_of(cpu);
    Predecoded& p = predecode(word, mode);
    cpu.statistics.interpreter_fallbacks.add();
    cpu.block_pc = cpu.code_page + place.offset;
    cpu.retired += place.index;
    cpu.last = p.ops;
    const u64 before = invalidations;
    const u64 epochs = code_epochs();
    if (p.floating_point) {
      collect_fp_flags();
      const fp::HostEnvironment environment;
      execute(p.ops);
    } else {
      execute(p.ops);
    }
    cpu.mmu->forget_fault();
    const bool stays = !p.leaves && cpu.s.pc == cpu.block_pc + 4 && !cpu.exit_pending &&
                       before == invalidations && epochs == code_epochs() && mode == mode_of(cpu);
    if (stays) {
      cpu.retired -= place.index;
      return nullptr;
    }
    ++cpu.retired;
    return find_code();
  }

  // What returns are predicted by, and jumps to other pages linked by.
  [[nodiscard]] u64 code_epochs() const {
    return u64{cpu.code_epochs[0]} << 32 | cpu.code_epochs[1];
  }

  void execute(const interp::Op* op) {
    while (op != nullptr)
      op = op->fn(cpu, op);
  }

  // Interprets an instruction that no translated code is to run. It may read FPSR.
  void step() {
    collect_fp_flags();
    interp::step(cpu);
  }

  // The same, of a block that does not fit into the budget or was cut short by that. What follows
  // in it is not worth a block of its own: the next time the cut will be elsewhere.
  void step_in_block() {
    const u64 next = cpu.s.pc + 4;
    step();
    cut_at = cpu.s.pc == next && next % kTlbPageSize != 0 ? next : kNoCut;
  }

  // The flags that the host's instructions raised are the guest's (FPSR).
  void collect_fp_flags() {
    const u32 raised = _mm_getcsr() & 0x3f;
    if (raised == 0)
      return;
    cpu.s.fpsr |= fp::raised_on_host(raised);
    _mm_setcsr(fp::kHostControl);
  }

  // The code to go on with at cpu.s.pc, or what leaves the JIT. `kind` says which code of the
  // instruction that is there now, which a caller may link to: as long as the vCPU is still there,
  // it is that code, whatever has been served meanwhile.
  const void* find_code(Kind kind = Kind::kOrdinary) {
    cpu.mmu->forget_fault();
    if (lockstep != nullptr)
      finish_lockstep();
    for (const u64 pc = cpu.s.pc;;) {
      if (cpu.exit_pending || budget(cpu) == 0)
        return executable(thunks.leave);
      if (cpu.attention.load(std::memory_order_acquire) != 0) [[unlikely]] {
        if (serve_attention(cpu) == AttentionResult::kStep && !cpu.exit_pending)
          step();
        continue;
      }
      follow_mode();
      Page* page = find_page();
      if (page == nullptr) {
        ++cpu.retired;
        continue;
      }
      if (cpu.s.pc != pc)
        kind = Kind::kOrdinary;
      const u32 offset = cpu.s.pc & (kTlbPageSize - 1);
      const void* code = code_at(*page, offset, kind);
      if (code == nullptr && cpu.s.pc != cut_at) {
        translate(*page, offset, kind);
        continue;
      }
      if (code == nullptr || !fits(code)) {
        step_in_block();
        continue;
      }
      if (lockstep != nullptr && !lockstep->begin(code))
        continue;
      cpu.code_page = cpu.s.pc & kTlbPageMask;
      current = page;
      return code;
    }
  }

  // Of a kind that is not ordinary.
  static Page::Places Page::*places_of(Kind kind) {
    return kind == Kind::kAlone  ? &Page::alone
           : kind == Kind::kLoop ? &Page::loops
                                 : &Page::plain_loops;
  }

  // nullptr: to be translated.
  [[nodiscard]] const void* code_at(const Page& page, u32 offset, Kind kind) const {
    if (kind != Kind::kOrdinary) {
      const Page::Places& places = page.*places_of(kind);
      const auto found = places.find(offset);
      return found == places.end() ? nullptr : found->second;
    }
    const void* code = page.entries[offset / 4];
    return code == untranslated(page.mode) ? nullptr : code;
  }

  // Where the engines differ the vCPU stops, for no reason that a host could act on.
  void finish_lockstep() {
    collect_fp_flags();
    if (lockstep->finish())
      return;
    std::fputs(lockstep->report().c_str(), stderr);
    exit_to_host(cpu, cpu.s.pc, {.reason = ExitReason::kUnknown});
  }

  // Translated code goes from page to page within a mode. What decides the mode besides the
  // Exception level seldom changes.
  void follow_mode() {
    const Mode now = mode_of(cpu);
    if (now.fpcr_default == fpcr_default && (now.el == 0 || now.sp_el0 == sp_el0))
      return;
    fpcr_default = now.fpcr_default;
    if (now.el != 0)
      sp_el0 = now.sp_el0;
    cpu.mmu->drop_code();
  }

  // The kind that is wanted, which is taken from the offset.
  static Kind take_kind(i32& offset) {
    constexpr std::pair<i32, Kind> kKinds[] = {
        {kLinkAlone, Kind::kAlone}, {kLinkLoop, Kind::kLoop}, {kLinkPlain, Kind::kPlain}};
    for (const auto& [mark, kind] : kKinds)
      if (offset >= mark) {
        offset -= mark;
        return kind;
      }
    return Kind::kOrdinary;
  }

  const void* find_and_link(i32 offset, u32 fixup) {
    const Kind kind = take_kind(offset);
    if (kind == Kind::kLoop)
      cpu.loop_credit = static_cast<i32>(cpu.vm.engine_options().rounds_to_improve);
    const u64 from = cpu.code_page;
    cpu.s.pc = from + static_cast<u64>(i64{offset});
    cpu.link_credit = kLinkCredit;
    const u64 pc = cpu.s.pc;
    const u64 before = invalidations;
    const u64 epochs = code_epochs();
    const void* code = find_code(kind);
    if (before != invalidations || epochs != code_epochs() || cpu.s.pc != pc ||
        !memory->contains(code) || code == executable(thunks.leave))
      return code;
    const Block* block = block_at(fixup);
    if (block == nullptr)
      return code;
    Page& source = *block->page;
    const u32 target = offset_of(code);
    if (kind == Kind::kLoop) {
      if (from == cpu.code_page && &source == current)
        as.write_jump(fixup, target);
    } else if (from == cpu.code_page && &source == current) {
      as.bind_to(fixup, target);
    } else if (from != cpu.code_page && may_link(source, from) && may_link(*current, pc)) {
      as.bind_to(fixup, target);
      as.rewrite(fixup - Link::kEpochBeforeEnd, cpu.code_epochs[source.mode.el], 4);
      current->links_here.push_back(fixup);
      cpu.statistics.jumps_linked.add();
    }
    return code;
  }

  // Whether the epoch of the page's Exception level is that of the address.
  [[nodiscard]] static bool may_link(const Page& page, u64 va) {
    return !page.aliased && page.mode.el == (va >> 55 & 1);
  }

  [[nodiscard]] const void* untranslated(Mode mode) const {
    return executable(thunks.untranslated(mode.el));
  }

  // The page that holds cpu.s.pc, or nullptr when fetching from it raised an exception or exit.
  Page* find_page() {
    const u64 pc = cpu.s.pc;
    const TlbEntry& cached = cpu.tlb->entry_for(pc);
    if (cached.fetch_tag == (pc & (kTlbPageMask | 3)) && cached.code != nullptr) [[likely]] {
      return static_cast<Page*>(cached.code);
    }
    TlbEntry* entry = cpu.mmu->fetch(pc);
    if (entry == nullptr)
      return nullptr;
    const u8* host = reinterpret_cast<const u8*>((cpu.s.pc & kTlbPageMask) + entry->host_addend);
    const Mode mode = mode_of(cpu);
    if ((pages.size() >= kMaxPages && !pages.contains(key_of(entry->ipa, mode))) ||
        std::max(cpu.code_epochs[0], cpu.code_epochs[1]) > kLastEpoch)
      flush();
    Page& page = page_at(entry->ipa, mode);
    if (page.host != host || page.info != entry->info) { // another mapping of this address
      forget(page);
      page.host = host;
      page.info = entry->info;
    }
    check(page);
    place(page, cpu.s.pc & kTlbPageMask);
    entry->code = &page;
    return &page;
  }

  Page& page_at(u64 ipa, Mode mode) {
    Page*& recent = recent_pages[(ipa >> kTlbPageBits) % kRecentPages];
    if (recent != nullptr && recent->ipa == ipa && recent->mode == mode)
      return *recent;
    std::unique_ptr<Page>& slot = pages[key_of(ipa, mode)];
    if (slot == nullptr) {
      slot = std::make_unique<Page>();
      slot->ipa = ipa;
      slot->mode = mode;
      std::fill(std::begin(slot->entries), std::end(slot->entries), untranslated(mode));
    }
    recent = slot.get();
    return *recent;
  }

  // A page is at one address in an epoch; else jumps to it and from it are not linked.
  void place(Page& page, u64 va) {
    const u32& epoch = cpu.code_epochs[va >> 55 & 1];
    Page::Place& last = page.places[cpu.mmu->code_space(va)];
    if (last.epoch == epoch && last.va != va && !page.aliased) {
      page.aliased = true;
      cpu.mmu->drop_code();
    }
    last = {epoch, va};
    cpu.mmu->note_code(va);
  }

  // Forgets the page if it is no longer what was translated.
  void check(Page& page) {
    if (page.empty)
      return;
    if (page.info->load(std::memory_order_acquire) != page.generation) {
      forget(page);
      return;
    }
    if (page.contents == nullptr || (page.epoch == cpu.code_epoch && !cpu.mmu->fetch_walked()))
      return;
    page.epoch = cpu.code_epoch;
    if (!same_code(page.contents.get(), page.host))
      forget(page);
  }

  void forget(Page& page) {
    if (page.empty)
      return;
    std::fill(std::begin(page.entries), std::end(page.entries), untranslated(page.mode));
    page.alone.clear();
    page.loops.clear();
    page.plain_loops.clear();
    for (const u32 end : page.links_here)
      as.rewrite(end - Link::kEpochBeforeEnd, kUnlinked, 4);
    page.links_here.clear();
    page.empty = true;
    page.contents.reset();
    ++invalidations;
  }

  void invalidate(u64 ipa) {
    for (unsigned mode = 0; mode < kModes; ++mode)
      if (const auto found = pages.find((ipa & kTlbPageMask) | mode); found != pages.end())
        forget(*found->second);
  }

  void flush() {
    cpu.mmu->restart_epochs();
    pages.clear();
    recent_pages.fill(nullptr);
    blocks.clear();
    if (lockstep != nullptr)
      lockstep->clear();
    current = nullptr;
    as.restart(start_of_blocks);
    memory->discard(start_of_blocks);
    ++invalidations;
    cpu.statistics.code_cache_flushes.add();
  }

  struct Finder final : BlockFinder {
    const Impl& impl;
    const Page& page;
    Finder(const Impl& i, const Page& p) : impl(i), page(p) {}
    [[nodiscard]] const void* const* entries() const override { return page.entries; }
    u32 find(u32 offset) const override {
      const void* code = impl.code_at(page, offset, Kind::kOrdinary);
      return code == nullptr ? 0 : impl.offset_of(code);
    }
  };

  // In lockstep, where there are no loops, every other block has registers of its own.
  [[nodiscard]] BlockOptions options_for(u32 offset, Kind kind, Mode mode) const {
    BlockOptions options;
    using Rounds = BlockOptions::Rounds;
    if (lockstep == nullptr)
      options.rounds = kind == Kind::kOrdinary ? Rounds::kAll
                       : is_loop(kind)         ? Rounds::kOutside
                                               : Rounds::kNone;
    if (is_loop(kind) || (lockstep != nullptr && (offset / 4) % 2 != 0))
      options.registers = choose_registers(block, holds_vectors(mode.el));
    return options;
  }

  // Once a loop: one that is plain has been another before.
  void count_loop(const BlockOptions& options) {
    cpu.statistics.loops_improved.add();
    if (!options.registers.empty())
      cpu.statistics.loops_with_own_registers.add();
    if (std::ranges::any_of(block.looks, &ir::Look::hoisted))
      cpu.statistics.loops_with_hoisted_looks.add();
  }

  // A look of a loop's first instruction that fails leads to code that need not end where the loop
  // does.
  [[nodiscard]] static u32 size_of(const ir::Block& block, Kind kind) {
    const bool may_go_on = is_loop(kind) && std::ranges::any_of(block.looks, &ir::Look::shared);
    return may_go_on ? kMaxBlock : static_cast<u32>(block.words.size());
  }

  void translate(Page& page, u32 offset, Kind kind) {
    const u64 before = invalidations;
    if (page.empty || page.info->load(std::memory_order_seq_cst) != page.generation) {
      // Marking may serve requests that concern this page.
      const u32 generation = cpu.mmu->mark_code(page.ipa, page.info);
      if (before != invalidations)
        return;
      if (page.generation != generation)
        forget(page);
      page.generation = generation;
      page.epoch = cpu.code_epoch;
      if (!cpu.vm.engine_options().host_writes_announced) {
        page.contents = std::make_unique<u8[]>(kTlbPageSize);
        copy_code(page.contents.get(), page.host);
      }
    }
    if (memory->size() - as.position() < kRoomForBlock || as.constants_full()) {
      flush();
      return;
    }
    if (is_loop(kind) && !lift_loop(block, page.host, offset, page.mode)) {
      if (const void* ordinary = code_at(page, offset, Kind::kOrdinary); ordinary != nullptr)
        (page.*places_of(kind))[offset] = ordinary;
      else
        translate(page, offset, Kind::kOrdinary);
      return;
    }
    memory->populate(as.position() + kRoomForBlock);
    if (lockstep != nullptr)
      block = Lockstep::lift(page.host, offset, page.mode);
    else if (!is_loop(kind))
      lift_block(block, page.host, offset, page.mode);
    if (const u32 wrong = cpu.vm.engine_options().mistranslated; wrong != 0)
      std::erase_if(block.insts,
                    [&](const ir::Inst& inst) { return block.words[inst.index] == wrong; });
    block.straight = kind == Kind::kAlone;
    if (kind == Kind::kLoop)
      hoist_looks(block);
    if (is_loop(kind))
      look_ahead(block);
    if (!block.straight) {
      share_looks(block);
      open_windows(block);
    }
    mark_flags(block);
    const u32 start = as.position();
    const Finder finder(*this, page);
    const BlockOptions options = options_for(offset, kind, page.mode);
    emitter.emit(block, page.mode, finder, options);
    if (as.constants_full()) {
      flush();
      return;
    }
    blocks.push_back({start, &page, size_of(block, kind)});
    if (lockstep != nullptr)
      lockstep->add(executable(start), block, page.mode);
    if (kind == Kind::kAlone)
      page.alone[offset] = executable(start);
    else
      page.entries[offset / 4] = executable(start);
    if (is_loop(kind))
      page.loops[offset] = executable(start);
    if (kind == Kind::kPlain)
      page.plain_loops[offset] = executable(start);
    if (kind == Kind::kLoop)
      count_loop(options);
    page.empty = false;
    cpu.statistics.blocks_translated.add();
    cpu.statistics.instructions_translated.add(block.words.size());
    cpu.statistics.code_bytes.add(as.position() - start);
    cpu.statistics.code_bytes_peak.raise_to(as.position());
    tell_perf(cpu.vm.engine_options(), executable(start), as.position() - start,
              (cpu.s.pc & kTlbPageMask) + offset, page.mode.el);
  }

  Cpu& cpu;
  std::unique_ptr<CodeMemory> memory;
  Assembler as;
  const Thunks thunks;
  Emitter emitter;
  ir::Block block; // the one being translated
  const u32 start_of_blocks;
  std::vector<Predecoded> predecoded;
  std::unordered_map<u64, std::unique_ptr<Page>> pages;
  std::array<Page*, kRecentPages> recent_pages{}; // some of them, found sooner
  std::vector<Block> blocks;                      // in order of `start`
  Page* current = nullptr;                        // of the code that find_code() gave last
  bool fpcr_default = true;                       // as of the code that the TLB leads to
  bool sp_el0 = false;
  bool counts = false; // as of all the code there is
  u64 cut_at = kNoCut; // where the budget ended in the middle of a block, and the steps from there
  i64 given = 0;       // the allowance as of the last give_allowance() or take_count()
  u64 invalidations = 0;              // how often code was forgotten
  std::unique_ptr<Lockstep> lockstep; // null where it was not asked for
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::create(Cpu& cpu) {
  auto memory = CodeMemory::create(cpu.vm.engine_options().code_cache_bytes);
  if (!memory)
    return nullptr;
  return std::unique_ptr<Engine>(
      new Engine(std::make_unique<Impl>(cpu, std::move(memory.value()))));
}

void Engine::run() {
  const fp::HostEnvironment environment;
  Impl& impl = *impl_;
  const u64 retired = impl.cpu.retired;
  impl.follow_counting();
  if (!impl.cpu.vm.engine_options().host_writes_announced)
    impl.cpu.mmu->drop_code();
  using Enter = void (*)(CpuCore*, const void*);
  const auto enter =
      reinterpret_cast<Enter>(reinterpret_cast<uintptr_t>(impl.executable(impl.thunks.enter)));
  const void* code = impl.find_code();
  impl.give_allowance();
  enter(&impl.cpu, code);
  impl.collect_fp_flags();
  if (!impl.counts) // there have been instructions that count by themselves
    impl.cpu.retired = retired;
}

void Engine::invalidate_page(u64 ipa) {
  impl_->invalidate(ipa);
}

} // namespace softhv::jit
