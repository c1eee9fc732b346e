// SPDX-License-Identifier: Apache-2.0
// What SoftHV has beyond Hypervisor.framework. Not included by Hypervisor.h: a program that stays
// portable to a Mac guards its use with __has_include(<Hypervisor/hv_softhv.h>).
#pragma once

#include <Hypervisor/Hypervisor.h>

__BEGIN_DECLS

// Capabilities of this build; more may be added.
OS_ENUM(hv_softhv_capability, uint32_t,
        // hv_softhv_vm_create and what belongs to it
        HV_SOFTHV_CAPABILITY_MULTIPLE_VMS = 1,
        // hv_softhv_memory_changed; 2: hv_softhv_pages_changed
        HV_SOFTHV_CAPABILITY_MEMORY_CHANGED = 2,
        // hv_softhv_vm_set_option
        HV_SOFTHV_CAPABILITY_OPTIONS = 3,
        // hv_softhv_vm_get_statistic
        HV_SOFTHV_CAPABILITY_STATISTICS = 4,
        // HV_SOFTHV_ENGINE_JIT, on this host
        HV_SOFTHV_CAPABILITY_JIT = 5,
        // hv_softhv_vm_set_instruction_time and what belongs to it
        HV_SOFTHV_CAPABILITY_INSTRUCTION_TIME = 6,
        // hv_softhv_vm_watch_writes
        HV_SOFTHV_CAPABILITY_WRITE_WATCH = 7,
        // hv_softhv_vm_set_time
        HV_SOFTHV_CAPABILITY_SET_TIME = 8,
        // hv_softhv_vcpu_borrow
        HV_SOFTHV_CAPABILITY_BORROW_VCPU = 9);

// *value is 0 when the capability is absent or unknown, else its version.
hv_return_t hv_softhv_get_capability(hv_softhv_capability_t capability, uint32_t* value);

// The counter that CNTPCT_EL0 shows, 24 MHz: what mach_absolute_time is on a Mac.
uint64_t hv_softhv_absolute_time(void);

// The time of the current VM in nanoseconds, 1000 for 24 ticks of its counter: the host's monotonic
// clock until it is set. Setting makes it go on from `nanoseconds`; comparators of timers keep
// their values. No vCPU may be inside hv_vcpu_run. With time by instructions the VM's turns begin
// anew, with the first vCPU, and none waits for anything any more: a guest that goes on from the
// same registers, memory and time does the same. HV_NO_DEVICE: there is no VM. HV_BUSY: a vCPU
// runs.
hv_return_t hv_softhv_vm_get_time(uint64_t* nanoseconds);
hv_return_t hv_softhv_vm_set_time(uint64_t nanoseconds);

// Tells of the first write of a vCPU to each 4 KiB page of guest memory: `first_write` is called
// before it happens, with the page's address, by the thread in hv_vcpu_run that is about to write
// and by one at a time; it must not call SoftHV. It need not be the last thing before a write that
// happens: the instruction may fault. A page that was written to costs nothing more.
//
// Each call begins anew, with every page not written to, and makes all vCPUs forget what they have
// cached of translations, so that the host may change translation tables in memory before it. When
// it returns, all writes before it have been told of. A null `first_write` ends the watch.
// HV_NO_DEVICE: there is no VM.
typedef void (*hv_softhv_first_write_t)(void* context, hv_ipa_t page);
hv_return_t hv_softhv_vm_watch_writes(hv_softhv_first_write_t first_write, void* context);

// To be called after the host has changed bytes of guest memory that may hold instructions, a
// device's DMA above all, and before the guest may know of it: SoftHV forgets what it translated
// from them. A guest need not invalidate instruction caches after DMA, since CTR_EL0.DIC is set.
// Any thread.
hv_return_t hv_softhv_memory_changed(hv_ipa_t ipa, size_t size);
// The same for 4 KiB pages, of which `pages` has the addresses.
hv_return_t hv_softhv_pages_changed(const hv_ipa_t* pages, size_t count);

// What executes guest code. Both do the same, bit for bit.
OS_ENUM(hv_softhv_engine, uint32_t,
        HV_SOFTHV_ENGINE_INTERPRETER = 0, // on every host
        HV_SOFTHV_ENGINE_JIT = 1);        // translates to the host's instructions

// How a VM executes guest code.
OS_ENUM(hv_softhv_option, uint32_t,
        // hv_softhv_engine_t; the JIT where there is one
        HV_SOFTHV_OPTION_ENGINE = 1,
        // most host memory for translated code, in bytes; at least 1 MiB
        HV_SOFTHV_OPTION_CODE_CACHE_SIZE = 2,
        // 1: whatever the JIT executes is interpreted too and compared, which is slow; else 0
        HV_SOFTHV_OPTION_LOCKSTEP = 3,
        // 1: translated code has names in /tmp/perf-PID.map, for `perf report`; else 0
        HV_SOFTHV_OPTION_PERF_MAP = 4,
        // 1: it is also recorded in jit-PID.dump, for `perf inject --jit`, in the directory that
        // JITDUMPDIR names or else the current one; else 0
        HV_SOFTHV_OPTION_JITDUMP = 5,
        // 1: the host calls hv_softhv_memory_changed after every change of memory that may hold
        // instructions; else SoftHV looks for changes whenever a vCPU runs again. 0.
        HV_SOFTHV_OPTION_HOST_WRITES_ANNOUNCED = 6);

// The options of the current VM. They can be set until the first vCPU is created.
// HV_NO_DEVICE: there is no VM. HV_BUSY: it has a vCPU. HV_BAD_ARGUMENT: no such option, or a value
// that it never has. HV_UNSUPPORTED: a value that needs the JIT, without one. HV_ERROR: the file
// cannot be written.
hv_return_t hv_softhv_vm_set_option(hv_softhv_option_t option, uint64_t value);
hv_return_t hv_softhv_vm_get_option(hv_softhv_option_t option, uint64_t* value);

// What the vCPUs of the current VM have done since it was created, in sum. Statistics are numbered
// from 0 on; what they are called and how many there are may change, what a name means does not.
// A value of 0 may also mean that the engine does not count this.
typedef struct {
  const char* name; // "tlb_misses"; never freed
  uint64_t value;
  bool peak; // the largest value there was, rather than a count: no use adding up
} hv_softhv_statistic_t;

// Any thread. A running vCPU may be behind with some of its counts until hv_vcpu_run returns.
// HV_NO_DEVICE: there is no VM. HV_BAD_ARGUMENT: there are not so many statistics.
hv_return_t hv_softhv_vm_get_statistic(uint32_t number, hv_softhv_statistic_t* statistic);

// Time by instructions. The vCPUs of the VM execute one at a time, in turns of a fixed number of
// instructions and in the order of their creation, and the counter (CNTPCT_EL0) shows the time that
// these took. From the same start, a guest that is told the same at the same instructions does the
// same, instruction for instruction. The rules for a host that wants this:
//
//  - An exit of a vCPU keeps the others waiting until its thread calls hv_vcpu_run or
//    hv_softhv_vcpu_rest. Only then, before the first hv_vcpu_run, and in `event`, may the host
//    change what the guest can see: registers, memory, interrupt lines.
//  - hv_vcpus_exit changes nothing for the guest: the others wait until the vCPU runs again.
//  - A vCPU takes part from its first hv_vcpu_run on. One that another vCPU has started is
//  announced
//    with hv_softhv_vcpu_expect, and one that goes off calls hv_softhv_vcpu_rest.
typedef struct {
  uint32_t shift;   // an instruction takes 2^shift nanoseconds; at most 10
  uint32_t quantum; // instructions of a turn, where there are several vCPUs; 0: a default
  bool live;        // when every vCPU waits for an interrupt, time passes as the host's does;
                    // else it is skipped up to the next timer or event
  void (*event)(void* context); // may be null
  void* context;
} hv_softhv_instruction_time_t;

// For the current VM. HV_NO_DEVICE: there is none. HV_BUSY: it has a vCPU already.
hv_return_t hv_softhv_vm_set_instruction_time(const hv_softhv_instruction_time_t* config);

// The instructions of all vCPUs of the current VM, and its time in nanoseconds; exact where the
// host may change what the guest can see. Either may be null. HV_UNSUPPORTED: no time by
// instructions.
hv_return_t hv_softhv_vm_get_instruction_time(uint64_t* instructions, uint64_t* nanoseconds);

// Has `event` called once when the VM's time reaches `nanoseconds`, by a thread in hv_vcpu_run,
// between two instructions; UINT64_MAX: not at all. Replaces what was set before.
hv_return_t hv_softhv_vm_set_event_time(uint64_t nanoseconds);

// The vCPU, of any thread, takes part from now on: the others wait until it runs. The vCPU, of the
// calling thread, takes part no longer: the others go on. One that is destroyed without, with an
// exit that keeps the others waiting, keeps them so: their threads leave by hv_vcpus_exit only.
// Neither does anything in a VM without time by instructions.
hv_return_t hv_softhv_vcpu_expect(hv_vcpu_t vcpu);
hv_return_t hv_softhv_vcpu_rest(hv_vcpu_t vcpu);

// Lets the calling thread, which has no vCPU, use that of another thread as if it were its own, but
// for running and destroying it: to read and write registers without waking its thread. Until it is
// given back, calls of its own thread fail with HV_BAD_ARGUMENT, and that thread must not end.
// HV_BAD_ARGUMENT: there is no such vCPU; or none to give back. HV_BUSY: it is in hv_vcpu_run or
// lent to somebody, or the calling thread has a vCPU.
hv_return_t hv_softhv_vcpu_borrow(hv_vcpu_t vcpu);
hv_return_t hv_softhv_vcpu_give_back(hv_vcpu_t vcpu);

// The instructions that the calling thread's vCPU has executed.
hv_return_t hv_softhv_vcpu_get_instructions(hv_vcpu_t vcpu, uint64_t* instructions);

// Several VMs in a process. A thread works on one VM at a time: calls without a vCPU argument, and
// hv_vcpu_create, mean the thread's current VM, or the process's (hv_vm_create) while it has none.
typedef uint64_t hv_softhv_vm_t;

// Creates a VM besides the process's own and makes it the thread's current one.
hv_return_t hv_softhv_vm_create(hv_vm_config_t config, hv_softhv_vm_t* vm);

// Makes `vm` current for the calling thread; 0 means the process's VM. HV_BAD_ARGUMENT: no such VM.
hv_return_t hv_softhv_vm_set_current(hv_softhv_vm_t vm);
hv_return_t hv_softhv_vm_get_current(hv_softhv_vm_t* vm);

// Destroys a VM made by hv_softhv_vm_create. HV_BUSY: a vCPU still exists.
hv_return_t hv_softhv_vm_destroy(hv_softhv_vm_t vm);

__END_DECLS
