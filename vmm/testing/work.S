// SPDX-License-Identifier: Apache-2.0
// A guest that computes, in laps, and says after each what came out: "L", the number of the lap and
// a checksum, 16 digits each, and a newline. What comes out depends on nothing but the number of
// the lap and whether there is a disk. In each lap, vCPU 0 changes and adds up memory, writes to
// the first disk and reads from it, and turns vCPU 3 on, which adds something and goes off; vCPU 1
// never rests, and vCPU 2 sleeps from one interrupt of its timer to the next, which vCPU 0 has too.
// Those that there are not do nothing. "T" instead: a counter jumped by more than half a minute, or
// went back; "D": the disk failed; "X": an exception.
//
// It says "r" and waits for a byte on the console. 'q': it ends after 40 laps with "E", and nothing
// changes any more. Anything else: it never ends.
#include "arch/testing/guest.inc"
#include "arch/testing/disk.inc"
#define GICD 0x3fbf0000
#define GICR 0x3fc00000
#define TABLE (RAM + 0x200000)
#define SHARED (RAM + 0x210000)
#define AREA (RAM + 0x400000)
#define AREA_SIZE 0x40000
#define PERIOD 2400                 // 100 us
#define LONGEST 720000000           // half a minute
#define LAPS 40
// Of SHARED.
#define SUM 0                       // what vCPU 3 adds up
#define STOP 8                      // they are to stop, and how many have
#define SPUN 16
#define WOKEN 24
#define TICKS 64                    // by vCPU
#define COUNTER 128                 // at the last tick, by vCPU
#define ICC_IAR1 s3_0_c12_c12_0
#define ICC_EOIR1 s3_0_c12_c12_1
#define ICC_PMR s3_0_c4_c6_0
#define ICC_IGRPEN1 s3_0_c12_c12_7

    image_header
    mov x0, #0
    ldr x1, =TABLE
    ldr x2, =0x00000401             // 0: Device-nGnRnE, AF
    str x2, [x1]
    ldr x2, =RAM + 0x705            // Normal, inner shareable, AF
    str x2, [x1, #8]
    dsb sy
    bl  set_up
    ldr x1, =GICD
    mov w2, #2                      // EnableGrp1
    str w2, [x1]
    mov x0, #1
    bl  turn_on
    mov x26, x0                     // 0: vCPU 1 is there
    mov x0, #2
    bl  turn_on
    mov x27, x0
    bl  find_disk
    mov w0, #'r'
    send_byte
    receive_byte
    mov w24, w0
    bl  start_timer
    msr daifclr, #2
    mov x20, #0                     // lap
    ldr x21, =0x243f6a8885a308d3    // checksum
lap:
    add x20, x20, #1
    // Changes a word of each page, and adds up all.
    ldr x1, =AREA
    mov x2, #AREA_SIZE
1:  eor x21, x21, x21, lsl #13
    eor x21, x21, x21, lsr #7
    eor x21, x21, x21, lsl #17
    and x3, x21, #0xff8
    str x21, [x1, x3]
    add x1, x1, #4096
    subs x2, x2, #4096
    b.ne 1b
    ldr x1, =AREA
    mov x2, #AREA_SIZE
2:  ldp x3, x4, [x1], #16
    ror x21, x21, #5
    add x21, x21, x3
    ror x21, x21, #5
    add x21, x21, x4
    subs x2, x2, #16
    b.ne 2b
    // vCPU 3.
    ldr x19, =SHARED
    mov x0, #3
    bl  turn_on
    cbnz x0, 4f
3:  ldr w0, =PSCI_AFFINITY_INFO
    mov x1, #3
    mov x2, #0
    hvc #0
    cmp x0, #1                      // OFF
    b.ne 3b
    ldr x0, [x19, #SUM]
    eor x0, x0, #3
    str x0, [x19, #SUM]
    // The disk: writes the checksum to one of 16 sectors, reads another.
4:  cbz x23, 5f
    ldr x22, =DISK_DATA
    str x21, [x22]
    and x1, x20, #15
    mov x2, #1                      // VIRTIO_BLK_T_OUT
    bl  transfer
    mov x1, #7
    mul x1, x1, x20
    and x1, x1, #15
    mov x2, #0                      // VIRTIO_BLK_T_IN
    bl  transfer
    ldr x0, [x22]
    ror x21, x21, #9
    add x21, x21, x0
5:  mov w0, #'L'
    send_byte
    mov x0, x20
    bl  print_hex
    mov x0, x21
    bl  print_hex
    mov w0, #'\n'
    send_byte
    cmp w24, #'q'
    b.ne lap
    cmp x20, #LAPS
    b.ne lap
    // The end.
    msr cntv_ctl_el0, xzr
    mov x0, #1
    add x1, x19, #STOP
    stlr x0, [x1]
    cmp x26, #0
    cset x2, eq
    cmp x27, #0
    cinc x2, x2, eq
    add x2, x2, #1
6:  ldar x0, [x1]
    cmp x0, x2
    b.ne 6b
    mov w0, #'E'
    send_byte
stop:
    msr daifset, #2
    wfi
    b   stop

turn_on:                            // x0: which vCPU; answers as PSCI does
    mov x1, x0
    mov x3, x0
    ldr w0, =PSCI_CPU_ON
    adr x2, secondary
    hvc #0
    ret

secondary:                          // x0: which one
    mov x20, x0
    bl  set_up
    ldr x19, =SHARED
    cmp x20, #2
    b.eq sleeper
    b.hi visitor
spinner:
    ldr x0, [x19, #SPUN]
    add x0, x0, #1
    str x0, [x19, #SPUN]
    add x1, x19, #STOP
    ldar x0, [x1]
    cbz x0, spinner
    b   stopped
sleeper:
    bl  start_timer
    msr daifclr, #2
7:  wfi
    ldr x0, [x19, #WOKEN]
    add x0, x0, #1
    str x0, [x19, #WOKEN]
    add x1, x19, #STOP
    ldar x0, [x1]
    cbz x0, 7b
    msr cntv_ctl_el0, xzr
stopped:
    add x1, x19, #STOP
8:  ldaxr x0, [x1]
    add x0, x0, #1
    stlxr w2, x0, [x1]
    cbnz w2, 8b
    b   stop
visitor:
    ldr x0, [x19, #SUM]
    add x0, x0, #5
    str x0, [x19, #SUM]
    dsb sy
    ldr w0, =PSCI_CPU_OFF
    hvc #0
    b   .

set_up:                             // x0: which vCPU
    msr tpidr_el1, x0
    ldr x1, =SHARED + 0x1000
    add x1, x1, x0, lsl #12
    mov sp, x1
    adr x1, vectors
    msr vbar_el1, x1
    mmu_on TABLE
    ldr x1, =GICR
    add x1, x1, x0, lsl #17
    str wzr, [x1, #0x14]            // GICR_WAKER
    add x1, x1, #0x10000
    mov w2, #-1
    str w2, [x1, #0x80]             // GICR_IGROUPR0
    mov w2, #1 << 27
    str w2, [x1, #0x100]            // GICR_ISENABLER0
    mov x2, #0xff
    msr ICC_PMR, x2
    mov x2, #1
    msr ICC_IGRPEN1, x2
    isb
    ret

start_timer:
    ldr x1, =SHARED
    mrs x2, tpidr_el1
    add x1, x1, x2, lsl #3
    mrs x2, cntvct_el0
    str x2, [x1, #COUNTER]
    mov x2, #PERIOD
    msr cntv_tval_el0, x2
    mov x2, #1
    msr cntv_ctl_el0, x2
    isb
    ret

tick:
    stp x0, x1, [sp, #-32]!
    stp x2, x3, [sp, #16]
    mrs x0, ICC_IAR1
    ldr x1, =SHARED
    mrs x2, tpidr_el1
    add x1, x1, x2, lsl #3
    ldr x2, [x1, #TICKS]
    add x2, x2, #1
    str x2, [x1, #TICKS]
    mrs x2, cntvct_el0
    ldr x3, [x1, #COUNTER]
    str x2, [x1, #COUNTER]
    subs x3, x2, x3
    ldr x2, =LONGEST
    cmp x3, x2
    mov w1, #'T'
    b.hi say
    mov x2, #PERIOD
    msr cntv_tval_el0, x2
    isb
    msr ICC_EOIR1, x0
    ldp x2, x3, [sp, #16]
    ldp x0, x1, [sp], #32
    eret
disk_failed:
    mov w1, #'D'
say:
    mov w0, w1
    send_byte
    b   .

    disk_routines
    routines

    .balign 2048
vectors:
    .rept 5
    mov w1, #'X'
    b   say
    .balign 128
    .endr
    b   tick                        // IRQ of the current level
    .balign 128
    .rept 10
    mov w1, #'X'
    b   say
    .balign 128
    .endr
