// SPDX-License-Identifier: Apache-2.0
#include "softhv/mmu/data_abort.h"

#include "arch/bits.h"
#include "softhv/system/exception.h"

namespace softhv {
namespace {

constexpr u32 kIsv = 1U << 24;
constexpr u32 kCacheMaintenance = 1U << 8;
constexpr u32 kS1Ptw = 1U << 7;
constexpr u32 kWnr = 1U << 6;

struct Transfer {
  unsigned size = 0; // log2 of the bytes
  bool sign = false;
  bool wide = false; // a 64-bit register
  bool ordered = false;
};

u32 encode(u32 word, Transfer t) {
  return kIsv | t.size << 22 | (t.sign ? 1U << 21 : 0) | (word & 31) << 16 |
         (t.wide ? 1U << 15 : 0) | (t.ordered ? 1U << 14 : 0);
}

// Loads and stores of one register, opc in bits 23:22.
u32 single_register(u32 word) {
  const unsigned size = word >> 30;
  switch (bits(word, 23, 22)) {
  case 0:
  case 1: return encode(word, {.size = size, .wide = size == 3});
  case 2: return size < 3 ? encode(word, {.size = size, .sign = true, .wide = true}) : 0;
  default: return size < 2 ? encode(word, {.size = size, .sign = true}) : 0;
  }
}

u32 literal(u32 word) {
  switch (word >> 30) {
  case 0: return encode(word, {.size = 2});
  case 1: return encode(word, {.size = 3, .wide = true});
  case 2: return encode(word, {.size = 2, .sign = true, .wide = true});
  default: return 0;
  }
}

} // namespace

u32 instruction_syndrome(u32 word) {
  if ((word & 0x3f00'0000) == 0x3900'0000) // unsigned offset
    return single_register(word);
  if ((word & 0x3f00'0000) == 0x3800'0000) {
    const bool register_form = bit(word, 21);
    const u64 form = bits(word, 11, 10);
    if (register_form ? form == 2 : form == 0 || form == 2) // register; unscaled, unprivileged
      return single_register(word);
    if ((word & 0x3fff'fc00) == 0x38bf'c000) // LDAPR
      return encode(word, {.size = word >> 30, .wide = word >> 30 == 3, .ordered = true});
    return 0;
  }
  if ((word & 0x3f00'0000) == 0x1800'0000)
    return literal(word);
  if ((word & 0x3fa0'8000) == 0x0880'8000) // LDAR, STLR
    return encode(word, {.size = word >> 30, .wide = word >> 30 == 3, .ordered = true});
  return 0;
}

const interp::Op* data_abort(Cpu& cpu, const interp::Op* op, const AbortedAccess& access,
                             const MmuFault& fault) {
  u32 iss = fault.status;
  if (access.write)
    iss |= kWnr;
  if (access.cache_maintenance)
    iss |= kCacheMaintenance;
  if (!fault.stage2)
    return raise(
        cpu, op,
        {.ec = ExceptionClass::kDataAbortLower, .iss = iss, .has_far = true, .far = access.va});
  if (fault.on_walk)
    iss |= kS1Ptw;
  else if (access.syndrome_valid)
    iss |= instruction_syndrome(op->word);
  cpu.last = op;
  return exit_to_host(cpu, pc_of(cpu, op),
                      {.reason = ExitReason::kException,
                       .syndrome = esr(ExceptionClass::kDataAbortLower, iss),
                       .virtual_address = access.va,
                       .physical_address = fault.ipa});
}

} // namespace softhv
