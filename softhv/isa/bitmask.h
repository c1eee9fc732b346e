// SPDX-License-Identifier: Apache-2.0
// The immediates of logical instructions (Arm ARM, DecodeBitMasks).
#pragma once

#include <bit>
#include <optional>

#include "arch/bits.h"
#include "arch/types.h"

namespace softhv::isa {

// The bit pattern that N:immr:imms (13 bits) stands for, replicated to 64 bits; nullopt when the
// combination is reserved. A 32-bit instruction also demands N == 0 and uses the low half.
constexpr std::optional<u64> decode_bitmask(u32 n_immr_imms) {
  const u32 imms = n_immr_imms & 63;
  const u32 immr = (n_immr_imms >> 6) & 63;
  const u32 length_bits = ((n_immr_imms >> 12) << 6) | (~imms & 63);
  if (length_bits < 2)
    return std::nullopt;
  const unsigned size = 1U << (std::bit_width(length_bits) - 1); // of the element
  const unsigned ones = (imms & (size - 1)) + 1;
  if (ones == size)
    return std::nullopt;
  const unsigned rotate = immr & (size - 1);
  const u64 element_mask = size == 64 ? ~0ULL : (1ULL << size) - 1;
  u64 element = (1ULL << ones) - 1;
  if (rotate != 0)
    element = ((element >> rotate) | (element << (size - rotate))) & element_mask;
  for (unsigned width = size; width < 64; width *= 2)
    element |= element << width;
  return element;
}

} // namespace softhv::isa
