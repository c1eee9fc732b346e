// SPDX-License-Identifier: Apache-2.0
#include "softhv/isa/decoder.h"

#include <array>
#include <vector>

namespace softhv::isa {
namespace {

// Rows are bucketed by the bits that vary most between encodings: word<31:21> and word<11:10>.
constexpr unsigned kBucketBits = 13;
constexpr u32 kBucketMask = 0xffe0'0c00;

constexpr u32 bucket_of(u32 word) {
  return ((word >> 21) << 2) | ((word >> 10) & 3);
}

// Calls visit(bucket) for every bucket that words of `row` fall into.
template <typename Visit>
void for_each_bucket(const Row& row, Visit visit) {
  const u32 free = bucket_of(kBucketMask & ~row.mask);
  const u32 fixed = bucket_of(row.value);
  u32 subset = 0;
  do {
    visit(fixed | subset);
    subset = (subset - free) & free;
  } while (subset != 0);
}

// What a look at a bucket needs of a row, one behind the other.
struct Candidate {
  u32 mask;
  u32 value;
  const Row* row;
};

// Buckets of rows, in the order of the table; built in time proportional to the rows.
class Index {
public:
  Index() {
    for (const Row& row : rows())
      for_each_bucket(row, [this](u32 b) { ++starts_[b + 1]; });
    for (u32 b = 0; b < (1U << kBucketBits); ++b)
      starts_[b + 1] += starts_[b];
    candidates_.resize(starts_[1U << kBucketBits]);
    std::vector<u32> next(starts_.begin(), starts_.end() - 1);
    for (const Row& row : rows())
      for_each_bucket(row, [&](u32 b) {
        candidates_[next[b]++] = {.mask = row.mask, .value = row.value, .row = &row};
      });
  }

  [[nodiscard]] const Row* find(u32 word) const {
    const u32 b = bucket_of(word);
    for (u32 i = starts_[b]; i < starts_[b + 1]; ++i) {
      const Candidate& candidate = candidates_[i];
      if ((word & candidate.mask) == candidate.value && candidate.row->valid(word))
        return candidate.row;
    }
    return nullptr;
  }

private:
  std::array<u32, (1U << kBucketBits) + 1> starts_{};
  std::vector<Candidate> candidates_;
};

} // namespace

const Row* decode(u32 word) {
  static const Index index;
  return index.find(word);
}

} // namespace softhv::isa
