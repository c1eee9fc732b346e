// SPDX-License-Identifier: Apache-2.0
// AES, SHA-1 and SHA-256 instructions.
#include "softhv/core/cpu.h"
#include "softhv/crypto/aes.h"
#include "softhv/crypto/sha.h"
#include "softhv/interp/handlers.h"

namespace softhv::interp {
namespace {

using crypto::Sha1Function;

template <Vec (*kFunction)(const Vec&, const Vec&)>
const Op* destination_and_source(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = kFunction(cpu.s.v[op->rd], cpu.s.v[op->rn]);
  return next(cpu, op);
}

template <Vec (*kFunction)(const Vec&)>
const Op* source(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = kFunction(cpu.s.v[op->rn]);
  return next(cpu, op);
}

template <Vec (*kFunction)(const Vec&, const Vec&, const Vec&)>
const Op* destination_and_sources(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = kFunction(cpu.s.v[op->rd], cpu.s.v[op->rn], cpu.s.v[op->rm]);
  return next(cpu, op);
}

template <Sha1Function kFunction>
const Op* sha1_rounds(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = crypto::sha1_rounds(cpu.s.v[op->rd], cpu.s.v[op->rn].lane<u32>(0),
                                        cpu.s.v[op->rm], kFunction);
  return next(cpu, op);
}

const Op* sha1_rotate(Cpu& cpu, const Op* op) {
  const u32 x = cpu.s.v[op->rn].lane<u32>(0);
  cpu.s.v[op->rd] = {{x << 30 | x >> 2, 0}};
  return next(cpu, op);
}

const Op* sha256_first(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = crypto::sha256_rounds(cpu.s.v[op->rd], cpu.s.v[op->rn], cpu.s.v[op->rm]).abcd;
  return next(cpu, op);
}

// Here the destination is e, f, g, h.
const Op* sha256_second(Cpu& cpu, const Op* op) {
  cpu.s.v[op->rd] = crypto::sha256_rounds(cpu.s.v[op->rn], cpu.s.v[op->rd], cpu.s.v[op->rm]).efgh;
  return next(cpu, op);
}

} // namespace

#if defined(__x86_64__)
#define AES(id, shape, function)                                                                   \
  Handler translate_##id(Op& /*op*/) {                                                             \
    return crypto::host_has_aes() ? shape<crypto::function##_host> : shape<crypto::function>;      \
  }
#else
#define AES(id, shape, function)                                                                   \
  Handler translate_##id(Op& /*op*/) {                                                             \
    return shape<crypto::function>;                                                                \
  }
#endif
#define SHA(id, function)                                                                          \
  Handler translate_##id(Op& /*op*/) {                                                             \
    return function;                                                                               \
  }

AES(kAese, destination_and_source, aes_encrypt)
AES(kAesd, destination_and_source, aes_decrypt)
AES(kAesmc, source, aes_mix_columns)
AES(kAesimc, source, aes_inverse_mix_columns)

SHA(kSha1c, sha1_rounds<Sha1Function::kChoose>)
SHA(kSha1p, sha1_rounds<Sha1Function::kParity>)
SHA(kSha1m, sha1_rounds<Sha1Function::kMajority>)
SHA(kSha1h, sha1_rotate)
SHA(kSha1su0, destination_and_sources<crypto::sha1_schedule0>)
SHA(kSha1su1, destination_and_source<crypto::sha1_schedule1>)
SHA(kSha256h, sha256_first)
SHA(kSha256h2, sha256_second)
SHA(kSha256su0, destination_and_source<crypto::sha256_schedule0>)
SHA(kSha256su1, destination_and_sources<crypto::sha256_schedule1>)

#undef AES
#undef SHA

} // namespace softhv::interp
