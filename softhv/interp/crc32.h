// SPDX-License-Identifier: Apache-2.0
// The CRC32 and CRC32C checksum steps (Arm ARM, CRC32 and CRC32C: polynomials 0x04C11DB7 and
// 0x1EDC6F41, bits reflected, no inversion before or after).
#pragma once

#include <array>

#include "arch/types.h"

namespace softhv::interp {

inline constexpr u32 kCrc32Reflected = 0xedb8'8320;
inline constexpr u32 kCrc32cReflected = 0x82f6'3b78;

// Entry n: the remainder that the byte n leaves.
template <u32 kPolynomial>
constexpr std::array<u32, 256> crc_table() {
  std::array<u32, 256> table{};
  for (u32 n = 0; n < 256; ++n) {
    u32 crc = n;
    for (int i = 0; i < 8; ++i)
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[n] = crc;
  }
  return table;
}

// Feeds the bytes of `value`, least significant first.
template <u32 kPolynomial, typename T>
u32 crc_step(u32 crc, T value) {
  static constexpr std::array<u32, 256> kTable = crc_table<kPolynomial>();
  u64 rest = value;
  for (unsigned i = 0; i < sizeof(T); ++i) {
    crc = kTable[(crc ^ rest) & 0xff] ^ (crc >> 8);
    rest >>= 8;
  }
  return crc;
}

template <typename T>
u32 crc32_step(u32 crc, T value) {
  return crc_step<kCrc32Reflected>(crc, value);
}

template <typename T>
u32 crc32c_step(u32 crc, T value) {
#if defined(__SSE4_2__)
  if constexpr (sizeof(T) == 1)
    return __builtin_ia32_crc32qi(crc, value);
  else if constexpr (sizeof(T) == 2)
    return __builtin_ia32_crc32hi(crc, value);
  else if constexpr (sizeof(T) == 4)
    return __builtin_ia32_crc32si(crc, value);
  else
    return static_cast<u32>(__builtin_ia32_crc32di(crc, value));
#else
  return crc_step<kCrc32cReflected>(crc, value);
#endif
}

} // namespace softhv::interp
