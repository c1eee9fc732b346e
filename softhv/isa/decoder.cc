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
constexpr u32 word_of(u32 bucket) {
  return ((bucket >> 2) << 21) | ((bucket & 3) << 10);
}

class Index {
public:
  Index() {
    for (u32 b = 0; b < (1U << kBucketBits); ++b) {
      starts_[b] = static_cast<u32>(rows_.size());
      for (const Row& row : rows())
        if (((word_of(b) ^ row.value) & row.mask & kBucketMask) == 0)
          rows_.push_back(&row);
    }
    starts_[1U << kBucketBits] = static_cast<u32>(rows_.size());
  }

  [[nodiscard]] const Row* find(u32 word) const {
    const u32 b = bucket_of(word);
    for (u32 i = starts_[b]; i < starts_[b + 1]; ++i) {
      const Row& row = *rows_[i];
      if ((word & row.mask) == row.value && row.valid(word))
        return &row;
    }
    return nullptr;
  }

private:
  std::array<u32, (1U << kBucketBits) + 1> starts_{};
  std::vector<const Row*> rows_;
};

} // namespace

const Row* decode(u32 word) {
  static const Index index;
  return index.find(word);
}

} // namespace softhv::isa
