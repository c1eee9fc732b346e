// SPDX-License-Identifier: Apache-2.0
#include "softhv/mmu/mmu.h"

#include <array>

#include "arch/bits.h"
#include "softhv/core/vm.h"
#ifdef SOFTHV_JIT
#include "softhv/jit/engine.h"
#endif
#include "softhv/mmu/tlb_store.h"
#include "softhv/system/debug.h"
#include "softhv/system/exception.h"
#include "softhv/system/id_profile.h"

namespace softhv {
namespace {

constexpr u64 kSctlrM = 1 << 0;
constexpr u64 kSctlrA = 1 << 1;
constexpr u64 kSctlrWxn = 1 << 19;

Regime regime_of(const Pstate& p) {
  return p.el == 0 ? Regime::kEl0 : p.pan != 0 ? Regime::kEl1Pan : Regime::kEl1;
}

Regime regime_of(const Pstate& p, bool unprivileged) {
  return unprivileged && p.el == 1 && p.uao == 0 ? Regime::kEl0 : regime_of(p);
}

bool allowed(u8 permissions, Regime regime, Access access) {
  if (regime == Regime::kEl0) {
    constexpr u8 kNeeded[] = {kPermEl0Read, kPermEl0Write, kPermEl0Exec};
    return (permissions & kNeeded[static_cast<u8>(access)]) != 0;
  }
  if (regime == Regime::kEl1Pan && access != Access::kFetch && (permissions & kPermUser) != 0)
    return false;
  constexpr u8 kNeeded[] = {kPermEl1Read, kPermEl1Write, kPermEl1Exec};
  return (permissions & kNeeded[static_cast<u8>(access)]) != 0;
}

void forget_code([[maybe_unused]] Cpu& cpu, [[maybe_unused]] u64 ipa) {
#ifdef SOFTHV_JIT
  if (cpu.jit != nullptr)
    cpu.jit->invalidate_page(ipa);
#endif
}

constexpr u64 stage2_needed(Access access) {
  constexpr u64 kNeeded[] = {kStage2Read, kStage2Write, kStage2Exec};
  return kNeeded[static_cast<u8>(access)];
}

} // namespace

// That the tables had no translation, from a look at them to the next, for the same instruction.
class KnownFault {
public:
  void remember(u64 va, const MmuFault& fault) {
    known_ = true;
    va_ = va;
    fault_ = fault;
  }
  void forget() { known_ = false; }
  // Whether the fault is known for `va`. Forgets it.
  bool take(u64 va, MmuFault& fault) {
    if (!known_)
      return false;
    known_ = false;
    if (va_ != va)
      return false;
    fault = fault_;
    return true;
  }

private:
  bool known_ = false;
  u64 va_ = 0;
  MmuFault fault_;
};

struct Mmu::Impl final : DescriptorReader {
  explicit Impl(Cpu& owner) : cpu(owner) {
    config.pa_bits = static_cast<u8>(id::physical_address_bits(cpu.vm.ipa_bits));
  }

  static constexpr size_t kStage2Cached = 4096;
  struct CachedPage {
    u64 ipa = ~0ULL;
    Stage2Page page;
  };

  // nullptr: no memory there. Until the next call.
  const Stage2Page* stage2(u64 ipa) {
    CachedPage& cached = pages[(ipa >> kTlbPageBits) & (kStage2Cached - 1)];
    if (cached.ipa != (ipa & kTlbPageMask)) {
      const std::optional<Stage2Page> page = cpu.vm.stage2.lookup(ipa);
      if (!page)
        return nullptr;
      cached = {ipa & kTlbPageMask, *page};
    }
    return &cached.page;
  }

  bool read_descriptor(u64 ipa, u64& value) override {
    const Stage2Page* page = stage2(ipa);
    if (page == nullptr || (page->permissions & kStage2Read) == 0) {
      descriptor_fault_mapped = page != nullptr;
      return false;
    }
    const u8* host = page->host + (ipa & ~kTlbPageMask);
    value = __atomic_load_n(reinterpret_cast<const u64*>(host), __ATOMIC_ACQUIRE);
    return true;
  }

  void update_config() {
    const SystemRegisters& sys = cpu.s.sys;
    config.ttbr[0] = sys.ttbr0_el1;
    config.ttbr[1] = sys.ttbr1_el1;
    config.tcr = sys.tcr_el1;
    config.mair = sys.mair_el1;
    config.enabled = (sys.sctlr_el1 & kSctlrM) != 0;
    config.wxn = (sys.sctlr_el1 & kSctlrWxn) != 0;
    const TlbContext context{.tcr = config.tcr,
                             .mair = config.mair,
                             .asid = config.enabled ? config.asid() : u16{0},
                             .enabled = config.enabled,
                             .wxn = config.wxn,
                             .alignment_checked = (sys.sctlr_el1 & kSctlrA) != 0};
    if (slot == nullptr || !(slot->context == context))
      slot = &store.select(context);
    if (fpen != bits(sys.cpacr_el1, 21, 20)) {
      fpen = bits(sys.cpacr_el1, 21, 20);
      store.drop_code();
    }
    publish_epochs();
  }

  void publish_epochs() const {
    cpu.code_epochs[0] = slot->lower_code.number;
    cpu.code_epochs[1] = slot->group->upper_code.number;
  }

  // To be filled: from now on it is looked into, unless lockstep checking has turned looks off.
  TlbTable& table(Regime regime) {
    TlbFilled& filled = slot->filled(regime);
    const bool is_new = filled.table == nullptr;
    TlbTable& made = filled.made();
    if (is_new && (cpu.tlb == &kEmptyTlbTable || cpu.tlb_unprivileged == &kEmptyTlbTable))
      look_into_tables();
    return made;
  }

  void look_into_tables() {
    const Pstate& p = cpu.s.pstate;
    cpu.tlb = &slot->filled(regime_of(p)).seen();
    cpu.tlb_unprivileged = &slot->filled(regime_of(p, true)).seen();
  }

  bool lookup(u64 va, Leaf& leaf, MmuFault& fault) {
    const u64 address = config.canonical(va);
    cpu.statistics.tlb_misses.add();
    if (known_fault.take(va, fault))
      return false;
    if (config.enabled) {
      if (const Leaf* known = store.find(*slot, address)) {
        leaf = *known;
        return true;
      }
    }
    walked = true;
    cpu.statistics.table_walks.add(config.enabled ? 1 : 0);
    WalkResult result = walk(config, va, *this);
    if (config.enabled && result.outcome == WalkResult::Outcome::kDone &&
        store.announce(address, result.leaf))
      result = walk(config, va, *this);
    switch (result.outcome) {
    case WalkResult::Outcome::kDone: break;
    case WalkResult::Outcome::kFault: fault = {.status = result.status}; return false;
    case WalkResult::Outcome::kStage2Fault:
      fault = {.status = static_cast<u8>(
                   (descriptor_fault_mapped ? kStatusPermission : kStatusTranslation) | 3),
               .stage2 = true,
               .on_walk = true,
               .ipa = result.descriptor_ipa};
      return false;
    }
    leaf = result.leaf;
    if (config.enabled) {
      store.insert(*slot, address, leaf);
      publish_epochs();
    }
    return true;
  }

  bool stage1(u64 va, Regime regime, Access access, Leaf& leaf, MmuFault& fault) {
    if (!lookup(va, leaf, fault))
      return false;
    if (!allowed(leaf.permissions, regime, access)) {
      fault = {.status = static_cast<u8>(kStatusPermission | leaf.level)};
      return false;
    }
    return true;
  }

  // Announces this vCPU as a writer of the page and takes the page out of code use.
  void make_writable(u64 ipa, const Stage2Page& page) const {
    cpu.vm.write_watch.before_write(ipa & kTlbPageMask, page);
    const u32 self = 1U << cpu.index;
    if ((page.info[1].load(std::memory_order_seq_cst) & self) == 0)
      page.info[1].fetch_or(self, std::memory_order_seq_cst);
    u32 value = page.info[0].load(std::memory_order_seq_cst);
    while ((value & kPageHoldsCode) != 0) {
      if (page.info[0].compare_exchange_weak(value, (value & ~kPageHoldsCode) + kPageGeneration,
                                             std::memory_order_seq_cst)) {
        cpu.statistics.code_pages_invalidated.add();
        code_changed(ipa & kTlbPageMask);
        return;
      }
    }
  }

  void code_changed(u64 ipa) const {
    forget_code(cpu, ipa);
    shootdown_post(cpu.vm, &cpu,
                   {.kind = ShootdownRequest::Kind::kCode, .ipa = ipa, .size = kTlbPageSize});
  }

  // Whether a write would find nothing left to do, so that it need not miss.
  bool written_before(const Leaf& leaf, Regime regime, const Stage2Page& page) const {
    return (page.info[1].load(std::memory_order_seq_cst) & 1U << cpu.index) != 0 &&
           (page.info[0].load(std::memory_order_seq_cst) & kPageHoldsCode) == 0 &&
           (page.permissions & kStage2Write) != 0 && cpu.vm.write_watch.allows(page) &&
           allowed(leaf.permissions, regime, Access::kWrite);
  }

  TlbEntry& fill(u64 va, Regime regime, Access access, const Leaf& leaf, const Stage2Page& page) {
    const u64 tag = va & kTlbPageMask;
    TlbEntry& entry = table(regime).entry_for(va);
    const u64 addend = reinterpret_cast<u64>(page.host) - tag;
    const u64 attributes = config.canonical(tag) | (leaf.global ? 1 : 0);
    const bool same =
        entry.host_addend == addend && entry.ipa == leaf.ipa && entry.attributes == attributes;
    if (!same || !entry.in_use())
      store.note_filled(*slot, regime, attributes, leaf.global);
    if (!same) {
      entry = TlbEntry{};
      entry.host_addend = addend;
      entry.ipa = leaf.ipa;
      entry.attributes = attributes;
      entry.info = page.info;
    }
    // Device memory and SCTLR_EL1.A demand an alignment check, which only the slow path makes.
    const bool fast =
        !leaf.device() && !slot->context.alignment_checked && !cpu.debug->watches_page(tag);
    if (fast && allowed(leaf.permissions, regime, Access::kRead) &&
        (page.permissions & kStage2Read) != 0)
      entry.read_tag = tag;
    if (fast && (access == Access::kWrite ||
                 (access == Access::kRead && written_before(leaf, regime, page)))) {
      entry.write_tag = tag;
      store.note_writer(entry);
    }
    if (access == Access::kFetch)
      entry.fetch_tag = tag;
    return entry;
  }

  Cpu& cpu;
  WalkConfig config;
  TlbStore store;
  TlbSlot* slot = nullptr;
  u64 fpen = ~0ULL;
  bool descriptor_fault_mapped = false;
  bool walked = false;        // by the last fetch()
  bool host_changes = false;  // between begin_host_change() and end_host_change()
  bool context_stale = false; // context_changed() was called there
  KnownFault known_fault;
  std::array<CachedPage, kStage2Cached> pages{};
};

Mmu::Mmu(Cpu& cpu) : impl_(std::make_unique<Impl>(cpu)) {}
Mmu::~Mmu() = default;

void Mmu::context_changed() {
  if (impl_->host_changes) {
    impl_->context_stale = true;
    return;
  }
  impl_->context_stale = false;
  impl_->update_config();
  regime_changed();
}

void Mmu::begin_host_change() {
  impl_->host_changes = true;
}

void Mmu::end_host_change() {
  impl_->host_changes = false;
}

void Mmu::settle_context() {
  if (impl_->context_stale)
    context_changed();
}

void Mmu::regime_changed() {
  impl_->look_into_tables();
}

bool Mmu::fetch_walked() const {
  return impl_->walked;
}

void Mmu::drop_code() {
  impl_->store.drop_code();
  impl_->publish_epochs();
}

void Mmu::restart_epochs() {
  impl_->store.restart_epochs();
  impl_->publish_epochs();
}

void Mmu::note_code(u64 va) {
  TlbStore::note_code(*impl_->slot, va);
}

size_t Mmu::code_space(u64 va) const {
  return impl_->store.code_space(*impl_->slot, va);
}

u32 Mmu::mark_code(u64 ipa, std::atomic<u32>* info) {
  Cpu& cpu = impl_->cpu;
  const ShootdownRequest request{
      .kind = ShootdownRequest::Kind::kIpaWrite, .ipa = ipa & kTlbPageMask, .size = kTlbPageSize};
  for (;;) {
    const u32 generation = info[0].fetch_or(kPageHoldsCode, std::memory_order_seq_cst);
    const u32 writers = info[1].load(std::memory_order_seq_cst);
    if ((writers & (1U << cpu.index)) != 0) {
      impl_->store.invalidate(request);
      info[1].fetch_and(~(1U << cpu.index), std::memory_order_seq_cst);
    }
    if ((writers & ~(1U << cpu.index)) != 0) {
      shootdown_post(cpu.vm, &cpu, request, writers);
      shootdown_wait(&cpu);
    }
    // A vCPU that wrote meanwhile has taken the page out of code use again.
    if (info[0].load(std::memory_order_seq_cst) == (generation | kPageHoldsCode))
      return generation | kPageHoldsCode;
  }
}

bool Mmu::data(u64 va, DataAccess access, MmuTarget& target, MmuFault& fault) {
  const Regime regime = regime_of(impl_->cpu.s.pstate, access.unprivileged);
  const Access kind = access.write ? Access::kWrite : Access::kRead;
  if (!impl_->stage1(va, regime, kind, target.leaf, fault))
    return false;
  if (access.unaligned && target.leaf.device()) {
    fault = {.status = kStatusAlignment};
    return false;
  }
  target.ipa = target.leaf.ipa | (va & ~kTlbPageMask);
  const Stage2Page* page = impl_->stage2(target.ipa);
  if (page == nullptr) {
    target.page.reset();
    return true;
  }
  target.page = *page;
  if ((target.page->permissions & stage2_needed(kind)) == 0) {
    fault = {.status = kStatusPermission | 3, .stage2 = true, .ipa = target.ipa};
    return false;
  }
  if (access.write)
    impl_->make_writable(target.ipa, *target.page);
  impl_->fill(va, regime, kind, target.leaf, *target.page);
  return true;
}

bool Mmu::refill(u64 va, bool write, bool unprivileged) {
  const Regime regime = regime_of(impl_->cpu.s.pstate, unprivileged);
  const Access kind = write ? Access::kWrite : Access::kRead;
  Leaf leaf;
  MmuFault fault;
  if (!impl_->lookup(va, leaf, fault)) {
    impl_->known_fault.remember(va, fault);
    return false;
  }
  if (!allowed(leaf.permissions, regime, kind))
    return false;
  const Stage2Page* page = impl_->stage2(leaf.ipa);
  if (page == nullptr || (page->permissions & stage2_needed(kind)) == 0)
    return false;
  if (write) {
    if ((page->info[0].load(std::memory_order_seq_cst) & kPageHoldsCode) != 0)
      return false;
    impl_->make_writable(leaf.ipa, *page);
  }
  const TlbEntry& entry = impl_->fill(va, regime, kind, leaf, *page);
  return (write ? entry.write_tag : entry.read_tag) == (va & kTlbPageMask);
}

void Mmu::forget_fault() {
  impl_->known_fault.forget();
}

bool Mmu::translate(u64 va, Regime regime, Access access, Leaf& leaf, MmuFault& fault) {
  return impl_->stage1(va, regime, access, leaf, fault);
}

bool Mmu::concerned(const ShootdownRequest& request) const {
  return impl_->store.concerned(request);
}

void Mmu::invalidate(const ShootdownRequest& request) {
  using Kind = ShootdownRequest::Kind;
  impl_->cpu.statistics.tlb_invalidations.add();
  if (request.kind == Kind::kCode) {
    forget_code(impl_->cpu, request.ipa);
    return;
  }
  impl_->store.invalidate(request);
  impl_->publish_epochs();
  if (request.kind == Kind::kEverything || request.kind == Kind::kIpa)
    impl_->pages.fill({});
  if (request.kind == Kind::kIpaWrite)
    if (const Stage2Page* page = impl_->stage2(request.ipa); page != nullptr)
      page->info[1].fetch_and(~(1U << impl_->cpu.index), std::memory_order_seq_cst);
}

namespace {

void take_fetch_fault(Cpu& cpu, u64 pc, const MmuFault& fault) {
  if (fault.stage2) {
    const u64 iss = fault.status | (fault.on_walk ? 1U << 7 : 0U);
    exit_to_host(cpu, pc,
                 {.reason = ExitReason::kException,
                  .syndrome = esr(ExceptionClass::kInstructionAbortLower, static_cast<u32>(iss)),
                  .virtual_address = pc,
                  .physical_address = fault.ipa});
    return;
  }
  take_synchronous(cpu, pc,
                   {.ec = ExceptionClass::kInstructionAbortLower,
                    .iss = fault.status,
                    .has_far = true,
                    .far = pc});
}

} // namespace

TlbEntry* Mmu::fetch(u64 pc) {
  Cpu& cpu = impl_->cpu;
  impl_->walked = false;
  pc = impl_->config.canonical(pc);
  cpu.s.pc = pc;
  if ((pc & 3) != 0) {
    take_synchronous(cpu, pc, {.ec = ExceptionClass::kPcAlignment, .has_far = true, .far = pc});
    return nullptr;
  }
  const Regime regime = regime_of(cpu.s.pstate);
  if (cpu.tlb->entry_for(pc).fetch_tag == (pc & kTlbPageMask))
    return &impl_->table(regime).entry_for(pc);
  Leaf leaf;
  MmuFault fault;
  if (!impl_->stage1(pc, regime, Access::kFetch, leaf, fault)) {
    take_fetch_fault(cpu, pc, fault);
    return nullptr;
  }
  const u64 ipa = leaf.ipa | (pc & ~kTlbPageMask);
  const Stage2Page* page = impl_->stage2(ipa);
  if (page == nullptr || (page->permissions & kStage2Exec) == 0) {
    const u8 kind = page != nullptr ? kStatusPermission : kStatusTranslation;
    take_fetch_fault(cpu, pc, {.status = static_cast<u8>(kind | 3), .stage2 = true, .ipa = ipa});
    return nullptr;
  }
  return &impl_->fill(pc, regime, Access::kFetch, leaf, *page);
}

} // namespace softhv
