// SPDX-License-Identifier: Apache-2.0
#include "softhv/jit/vector_ops.h"

namespace softhv::jit {

void broadcast(Assembler& as, unsigned size, const Xmm& d, const Xmm& n, unsigned index) {
  if (size == 2) {
    shuffle32(as, d, n, static_cast<u8>(0x55 * index));
  } else if (size == 3) {
    shuffle32(as, d, n, index == 0 ? 0x44 : 0xee);
  } else if (index == 0 && as.host.avx2) {
    size == 0 ? as.vpbroadcastb(d, n) : as.vpbroadcastw(d, n);
  } else {
    apply(as, kPshufb, d, n, as.constant(lane_bytes(size, index)));
  }
}

// 16-bit lanes have index H:L:M, 32-bit ones H:L.
void broadcast_element(Assembler& as, const Xmm& d, const VectorOperands& o) {
  const u32 h = o.word >> 11 & 1;
  const u32 l = o.word >> 21 & 1;
  const u32 m = o.word >> 20 & 1;
  const unsigned size = size_of(o.word);
  broadcast(as, size, d, o.m, size == 1 ? h << 2 | l << 1 | m : h << 1 | l);
}

} // namespace softhv::jit
