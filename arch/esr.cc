// SPDX-License-Identifier: Apache-2.0
#include "arch/esr.h"

#include <fmt/format.h>

#include "arch/sysreg.h"

namespace kindling::arch {

DataAbort decode_data_abort(u64 esr) {
  DataAbort abort;
  abort.valid = bit(esr, 24);
  abort.access_size = static_cast<u8>(1U << bits(esr, 23, 22));
  abort.sign_extend = bit(esr, 21);
  abort.reg = static_cast<u8>(bits(esr, 20, 16));
  abort.wide = bit(esr, 15);
  abort.acquire_release = bit(esr, 14);
  abort.far_valid = !bit(esr, 10);
  abort.external = bit(esr, 9);
  abort.cache_maintenance = bit(esr, 8);
  abort.table_walk = bit(esr, 7);
  abort.write = bit(esr, 6);
  abort.fault_status = static_cast<u8>(bits(esr, 5, 0));
  return abort;
}

u64 extend_load(const DataAbort& abort, u64 value) {
  const unsigned width = abort.access_size * 8U;
  u64 result = bits(value, width - 1, 0);
  if (abort.sign_extend) {
    result = static_cast<u64>(sign_extend(result, width));
  }
  return abort.wide ? result : result & 0xffff'ffff;
}

SystemRegisterTrap decode_system_register_trap(u64 esr) {
  SystemRegisterTrap trap;
  trap.encoding = sysreg(static_cast<u32>(bits(esr, 21, 20)), static_cast<u32>(bits(esr, 16, 14)),
                         static_cast<u32>(bits(esr, 13, 10)), static_cast<u32>(bits(esr, 4, 1)),
                         static_cast<u32>(bits(esr, 19, 17)));
  trap.reg = static_cast<u8>(bits(esr, 9, 5));
  trap.read = bit(esr, 0);
  return trap;
}

std::string_view exception_class_name(ExceptionClass ec) {
  switch (ec) {
  case ExceptionClass::kUnknown: return "unknown reason";
  case ExceptionClass::kWfx: return "trapped WFI or WFE";
  case ExceptionClass::kFpAccess: return "access to SIMD or floating point";
  case ExceptionClass::kIllegalState: return "illegal execution state";
  case ExceptionClass::kSvc64: return "SVC";
  case ExceptionClass::kHvc64: return "HVC";
  case ExceptionClass::kSmc64: return "SMC";
  case ExceptionClass::kSysReg: return "trapped system register or instruction";
  case ExceptionClass::kInstructionAbortLower: return "instruction abort from a lower level";
  case ExceptionClass::kInstructionAbortSame: return "instruction abort from the same level";
  case ExceptionClass::kPcAlignment: return "misaligned PC";
  case ExceptionClass::kDataAbortLower: return "data abort from a lower level";
  case ExceptionClass::kDataAbortSame: return "data abort from the same level";
  case ExceptionClass::kSpAlignment: return "misaligned SP";
  case ExceptionClass::kFpException: return "floating-point exception";
  case ExceptionClass::kSError: return "SError";
  case ExceptionClass::kBreakpointLower: return "breakpoint in a lower level";
  case ExceptionClass::kBreakpointSame: return "breakpoint in the same level";
  case ExceptionClass::kSoftwareStepLower: return "software step in a lower level";
  case ExceptionClass::kSoftwareStepSame: return "software step in the same level";
  case ExceptionClass::kWatchpointLower: return "watchpoint in a lower level";
  case ExceptionClass::kWatchpointSame: return "watchpoint in the same level";
  case ExceptionClass::kBrk64: return "BRK";
  }
  return "reserved or unexpected exception class";
}

std::string fault_status_name(u8 status) {
  const unsigned level = status & 3;
  switch (status & 0x3c) {
  case 0x00: return fmt::format("address size fault, level {}", level);
  case 0x04: return fmt::format("translation fault, level {}", level);
  case 0x08: return fmt::format("access flag fault, level {}", level);
  case 0x0c: return fmt::format("permission fault, level {}", level);
  case 0x14: return fmt::format("external abort on a table walk, level {}", level);
  default: break;
  }
  switch (status) {
  case kFaultSynchronousExternal: return "synchronous external abort";
  case 0x21: return "alignment fault";
  case 0x30: return "TLB conflict";
  case 0x35: return "unsupported exclusive or atomic access";
  default: return fmt::format("fault status {:#x}", status);
  }
}

std::string describe_esr(u64 esr) {
  const ExceptionClass ec = exception_class(esr);
  auto head = fmt::format("{} (ESR {:#010x})", exception_class_name(ec), esr);
  switch (ec) {
  case ExceptionClass::kDataAbortLower:
  case ExceptionClass::kDataAbortSame: {
    const DataAbort abort = decode_data_abort(esr);
    const auto access =
        abort.valid
            ? fmt::format("{}-byte {} of {}{}", abort.access_size, abort.write ? "store" : "load",
                          abort.wide ? 'x' : 'w', abort.reg)
            : fmt::format("{} that the syndrome does not describe", abort.write ? "store" : "load");
    return fmt::format("{}: {}, {}", head, access, fault_status_name(abort.fault_status));
  }
  case ExceptionClass::kInstructionAbortLower:
  case ExceptionClass::kInstructionAbortSame:
    return fmt::format("{}: {}", head, fault_status_name(static_cast<u8>(bits(esr, 5, 0))));
  case ExceptionClass::kSysReg: {
    const SystemRegisterTrap trap = decode_system_register_trap(esr);
    return fmt::format("{}: {} of {}", head, trap.read ? "read" : "write",
                       sysreg_name(trap.encoding));
  }
  case ExceptionClass::kSvc64:
  case ExceptionClass::kHvc64:
  case ExceptionClass::kSmc64:
  case ExceptionClass::kBrk64: return fmt::format("{}: #{:#x}", head, bits(esr, 15, 0));
  default: return head;
  }
}

} // namespace kindling::arch
