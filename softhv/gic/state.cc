// SPDX-License-Identifier: Apache-2.0
// The GIC's saved state: little-endian words, in this order.
//
//   u64 magic, u32 version, u32 bytes, u64 checksum of what follows
//   u32 GICD_CTLR, u32 number of vCPUs
//   31 x { bank, 32 x u64 route }                    SPIs 32 to 1023
//   number of vCPUs x { u64 affinity, u32 GICR_CTLR, u32 asleep, bank }
//   bank: u32 group, enabled, latched, line, active, edge; 32 x u8 priority
//
// The checksum is FNV-1a of words of 64 bits instead of bytes, four words side by side so that one
// multiplication need not wait for the other: word n goes to sum n modulo 4, and the checksum is
// FNV-1a of these four. What follows the header is whole words.
#include <algorithm>
#include <cstring>

#include "softhv/gic/cpu_interface.h"
#include "softhv/gic/gic.h"

namespace softhv::gic {
namespace {

constexpr u64 kMagic = 0x6369672d76687366; // "fshv-gic"
constexpr u32 kVersion = 2;
constexpr size_t kHeaderSize = 24;
constexpr u64 kRouteMask = 0xff80ffffffULL;
constexpr u32 kRedistributorCtlrMask = 7U << 24;

u64 checksum(std::span<const u8> data) {
  constexpr u64 kBasis = 0xcbf29ce484222325;
  constexpr u64 kPrime = 0x100000001b3;
  u64 sums[] = {kBasis, kBasis, kBasis, kBasis};
  for (size_t n = 0; n < data.size() / sizeof(u64); ++n) {
    u64 word;
    std::memcpy(&word, &data[n * sizeof word], sizeof word);
    sums[n % 4] = (sums[n % 4] ^ word) * kPrime;
  }
  u64 hash = kBasis;
  for (const u64 sum : sums)
    hash = (hash ^ sum) * kPrime;
  return hash;
}

class Writer {
public:
  template <typename T>
  void put(T value) {
    const auto* bytes = reinterpret_cast<const u8*>(&value);
    data_.insert(data_.end(), bytes, bytes + sizeof value);
  }
  void put(const Bank& bank) {
    for (const u32 word :
         {bank.group, bank.enabled, bank.latched, bank.line, bank.active, bank.edge})
      put(word);
    data_.insert(data_.end(), bank.priority.begin(), bank.priority.end());
  }
  std::vector<u8> finish() {
    Writer header;
    header.put(kMagic);
    header.put(kVersion);
    header.put(static_cast<u32>(kHeaderSize + data_.size()));
    header.put(checksum(data_));
    header.data_.insert(header.data_.end(), data_.begin(), data_.end());
    return std::move(header.data_);
  }

private:
  std::vector<u8> data_;
};

class Reader {
public:
  explicit Reader(std::span<const u8> data) : data_(data) {}

  template <typename T>
  bool get(T& value) {
    if (data_.size() < sizeof value)
      return false;
    std::memcpy(&value, data_.data(), sizeof value);
    data_ = data_.subspan(sizeof value);
    return true;
  }
  // A bank with nothing set outside `implemented`.
  bool get(Bank& bank, u32 implemented) {
    for (u32* word :
         {&bank.group, &bank.enabled, &bank.latched, &bank.line, &bank.active, &bank.edge})
      if (!get(*word))
        return false;
    if (!get(bank.priority))
      return false;
    const u32 set = bank.enabled | bank.latched | bank.line | bank.active | bank.edge;
    return (set & ~implemented) == 0 && (bank.group | implemented) == ~0U &&
           std::ranges::all_of(bank.priority, [](u8 p) { return (p & ~kPriorityMask) == 0; });
  }
  [[nodiscard]] std::span<const u8> rest() const { return data_; }

private:
  std::span<const u8> data_;
};

// The body if the header is right.
std::optional<std::span<const u8>> body(std::span<const u8> data) {
  Reader reader(data);
  u64 magic;
  u32 version;
  u32 size;
  u64 sum;
  if (!reader.get(magic) || !reader.get(version) || !reader.get(size) || !reader.get(sum))
    return std::nullopt;
  if (magic != kMagic || version != kVersion || size != data.size() ||
      reader.rest().size() % sizeof(u64) != 0 || sum != checksum(reader.rest()))
    return std::nullopt;
  return reader.rest();
}

} // namespace

std::vector<u8> Gic::save() {
  const std::lock_guard lock(mutex_);
  Writer writer;
  writer.put(ctlr_);
  writer.put(static_cast<u32>(cpus_.size()));
  for (size_t i = 0; i < spis_.size(); ++i) {
    Bank bank = spis_[i];
    bank.group |= ~implemented_spis(i);
    writer.put(bank);
    for (size_t j = 0; j < 32; ++j)
      writer.put(routes_[32 * i + j]);
  }
  std::vector<const CpuInterface*> sorted(cpus_.begin(), cpus_.end());
  std::ranges::sort(sorted, {}, [](const CpuInterface* cpu) { return cpu->affinity_; });
  for (const CpuInterface* cpu : sorted) {
    writer.put(cpu->affinity_);
    writer.put(cpu->ctlr_);
    writer.put(static_cast<u32>(cpu->asleep_ ? 1 : 0));
    Bank local = cpu->local_;
    local.line = 0; // PPIs are driven by the vCPU's timers as they are then
    writer.put(local);
  }
  return writer.finish();
}

// What saved state says, as it was checked.
struct Gic::Saved {
  struct OfCpu {
    CpuInterface* cpu = nullptr;
    u64 affinity = 0;
    u32 ctlr = 0;
    u32 asleep = 0;
    Bank local;
  };
  std::vector<u8> data; // it
  u32 ctlr = 0;
  std::array<Bank, 31> spis;
  std::array<u64, 31ULL * 32> routes;
  std::vector<OfCpu> cpus;
};

std::shared_ptr<const Gic::Saved> Gic::parse(std::span<const u8> data) const {
  const auto payload = body(data);
  if (!payload)
    return nullptr;
  auto saved = std::make_shared<Saved>();
  Reader reader(*payload);
  u32 cpu_count;
  if (!reader.get(saved->ctlr) || !reader.get(cpu_count) || cpu_count != cpus_.size() ||
      (saved->ctlr & ~(kCtlrEnableGroup0 | kCtlrEnableGroup1)) != 0)
    return nullptr;
  for (size_t i = 0; i < saved->spis.size(); ++i) {
    if (!reader.get(saved->spis[i], implemented_spis(i)))
      return nullptr;
    std::array<u64, 32> own;
    if (!reader.get(own) ||
        std::ranges::any_of(own, [](u64 route) { return (route & ~kRouteMask) != 0; }))
      return nullptr;
    std::ranges::copy(own, &saved->routes[32 * i]);
  }
  saved->cpus.resize(cpu_count);
  for (size_t i = 0; i < saved->cpus.size(); ++i) {
    Saved::OfCpu& state = saved->cpus[i];
    if (!reader.get(state.affinity) || !reader.get(state.ctlr) || !reader.get(state.asleep) ||
        !reader.get(state.local, ~0U))
      return nullptr;
    const auto found = std::ranges::find(cpus_, state.affinity, &CpuInterface::affinity_);
    const bool repeated = i > 0 && saved->cpus[i - 1].affinity >= state.affinity;
    if (found == cpus_.end() || repeated || (state.ctlr & ~kRedistributorCtlrMask) != 0 ||
        state.asleep > 1 || state.local.line != 0 || (state.local.edge & 0xffff) != 0xffff)
      return nullptr;
    state.cpu = *found;
  }
  if (!reader.rest().empty())
    return nullptr;
  saved->data.assign(data.begin(), data.end());
  return saved;
}

// Whether parse(data) would give the same once more.
bool Gic::is_current(const Saved& saved, std::span<const u8> data) const {
  return std::ranges::equal(saved.data, data) && saved.cpus.size() == cpus_.size() &&
         std::ranges::all_of(saved.cpus, [this](const Saved::OfCpu& state) {
           return std::ranges::find(cpus_, state.cpu) != cpus_.end() &&
                  state.cpu->affinity_ == state.affinity;
         });
}

// A guest is taken back to the same state again and again, which need be checked once only.
bool Gic::restore(std::span<const u8> data) {
  const std::lock_guard lock(mutex_);
  if (restored_ == nullptr || !is_current(*restored_, data)) {
    std::shared_ptr<const Saved> saved = parse(data);
    if (saved == nullptr)
      return false;
    restored_ = std::move(saved);
  }
  ctlr_ = restored_->ctlr;
  spis_ = restored_->spis;
  routes_ = restored_->routes;
  for (const Saved::OfCpu& state : restored_->cpus) {
    CpuInterface& cpu = *state.cpu;
    const u32 line = cpu.local_.line;
    cpu.local_ = state.local;
    cpu.local_.line = line;
    cpu.ctlr_ = state.ctlr;
    cpu.asleep_ = state.asleep != 0;
  }
  refresh_all();
  return true;
}

} // namespace softhv::gic
