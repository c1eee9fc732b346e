// SPDX-License-Identifier: Apache-2.0
// The smallest whole hypervisor: plain C on Hypervisor.framework. A guest of eight instructions
// multiplies two numbers, tells the host with HVC, writes one character to a device, and ends.
//
// On Linux it links SoftHV, on a Mac with Apple silicon Apple's framework; see README.md.
#include <Hypervisor/Hypervisor.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY_SIZE 0x4000
#define MEMORY_BASE 0x40000000ULL
#define DEVICE_BASE 0x09000000ULL

static const uint32_t guest_code[] = {
    0xd28000c0, // mov  x0, #6
    0xd28000e1, // mov  x1, #7
    0x9b017c00, // mul  x0, x0, x1
    0xd4000002, // hvc  #0
    0xd2a12002, // mov  x2, #0x9000000
    0x52800423, // mov  w3, #'!'
    0x39000043, // strb w3, [x2]
    0xd4000022, // hvc  #1
};

static void check(hv_return_t result, const char* what) {
  if (result == HV_SUCCESS)
    return;
  fprintf(stderr, "%s failed: 0x%08x\n", what, (unsigned)result);
  exit(1);
}

// ESR_EL2 fields (Arm ARM D17.2.37).
static unsigned exception_class(uint64_t syndrome) {
  return (unsigned)(syndrome >> 26) & 0x3f;
}
static unsigned hvc_number(uint64_t syndrome) {
  return (unsigned)(syndrome & 0xffff);
}
static unsigned transfer_register(uint64_t syndrome) {
  return (unsigned)(syndrome >> 16) & 0x1f;
}

enum { EC_HVC = 0x16, EC_DATA_ABORT = 0x24 };

// An access that no memory answers: the guest's one device prints what is written to it.
static void handle_mmio(hv_vcpu_t vcpu, const hv_vcpu_exit_t* exit_info) {
  const uint64_t syndrome = exit_info->exception.syndrome;
  const unsigned reg = transfer_register(syndrome);
  uint64_t value = 0;
  uint64_t pc;
  if (reg != 31) // 31 is XZR
    check(hv_vcpu_get_reg(vcpu, (hv_reg_t)(HV_REG_X0 + reg), &value), "hv_vcpu_get_reg");
  printf("device: write of '%c' to 0x%llx\n", (char)value,
         (unsigned long long)exit_info->exception.physical_address);
  check(hv_vcpu_get_reg(vcpu, HV_REG_PC, &pc), "hv_vcpu_get_reg");
  check(hv_vcpu_set_reg(vcpu, HV_REG_PC, pc + 4), "hv_vcpu_set_reg");
}

// Runs the guest until its HVC #1. Returns 0, or 1 after an exit that it does not know.
static int run(hv_vcpu_t vcpu, const hv_vcpu_exit_t* exit_info) {
  for (;;) {
    check(hv_vcpu_run(vcpu), "hv_vcpu_run");
    const uint64_t syndrome = exit_info->exception.syndrome;
    if (exit_info->reason != HV_EXIT_REASON_EXCEPTION) {
      fprintf(stderr, "unexpected exit, reason %u\n", (unsigned)exit_info->reason);
      return 1;
    }
    switch (exception_class(syndrome)) {
    case EC_HVC:
      if (hvc_number(syndrome) == 1) {
        printf("guest: done\n");
        return 0;
      }
      uint64_t answer;
      check(hv_vcpu_get_reg(vcpu, HV_REG_X0, &answer), "hv_vcpu_get_reg");
      printf("guest: 6 * 7 = %llu\n", (unsigned long long)answer);
      break;
    case EC_DATA_ABORT: handle_mmio(vcpu, exit_info); break;
    default:
      fprintf(stderr, "unexpected exception, syndrome 0x%llx\n", (unsigned long long)syndrome);
      return 1;
    }
  }
}

int main(void) {
  check(hv_vm_create(NULL), "hv_vm_create");

  void* memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (memory == MAP_FAILED) {
    perror("mmap");
    return 1;
  }
  memcpy(memory, guest_code, sizeof guest_code);
  check(hv_vm_map(memory, MEMORY_BASE, MEMORY_SIZE,
                  HV_MEMORY_READ | HV_MEMORY_WRITE | HV_MEMORY_EXEC),
        "hv_vm_map");

  hv_vcpu_t vcpu;
  hv_vcpu_exit_t* exit_info;
  check(hv_vcpu_create(&vcpu, &exit_info, NULL), "hv_vcpu_create");
  check(hv_vcpu_set_reg(vcpu, HV_REG_PC, MEMORY_BASE), "hv_vcpu_set_reg");
  check(hv_vcpu_set_reg(vcpu, HV_REG_CPSR, 0x3c5), "hv_vcpu_set_reg"); // EL1h, DAIF masked

  const int status = run(vcpu, exit_info);

  check(hv_vcpu_destroy(vcpu), "hv_vcpu_destroy");
  check(hv_vm_unmap(MEMORY_BASE, MEMORY_SIZE), "hv_vm_unmap");
  check(hv_vm_destroy(), "hv_vm_destroy");
  munmap(memory, MEMORY_SIZE);
  return status;
}
