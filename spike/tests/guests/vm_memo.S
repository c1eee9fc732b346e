// SPDX-License-Identifier: Apache-2.0
// Keeps a letter in memory, on the first disk and in the UART's scratch register. Typed at it:
// "wX" has it keep X, "?" tells what each of the three has, "t" tells the virtual counter, "z"
// resets the machine.
#include "arch/testing/guest.inc"
#include "arch/testing/disk.inc"
#define LETTER (RAM + 0x200000)
    image_header
    bl  find_disk
    cbz x23, disk_failed
    ldr x22, =DISK_DATA
    print ready
command:
    receive_byte
    cmp w0, #'w'
    b.eq keep
    cmp w0, #'?'
    b.eq tell
    cmp w0, #'t'
    b.eq time
    cmp w0, #'z'
    b.ne command
    ldr w0, =PSCI_SYSTEM_RESET
    hvc #0
    b   .
keep:
    receive_byte
    mov w20, w0
    ldr x1, =LETTER
    strb w20, [x1]
    ldr x9, =UART
    strb w20, [x9, #7]
    strb w20, [x22]
    mov x1, #0
    mov x2, #1
    bl  transfer
    print kept
    b   command
tell:
    strb wzr, [x22]
    mov x1, #0
    mov x2, #0
    bl  transfer
    print memory
    ldr x1, =LETTER
    ldrb w0, [x1]
    send_byte
    print disk
    ldrb w0, [x22]
    send_byte
    print uart
    ldr x9, =UART
    ldrb w0, [x9, #7]
    send_byte
    print end
    b   command
time:
    print now
    mrs x0, cntvct_el0
    bl  print_hex
    print end
    b   command
disk_failed:
    print failed
    power_off
    disk_routines
    routines
ready:  .asciz "memo ready\r\n"
kept:   .asciz "kept\r\n"
memory: .asciz "memory "
disk:   .asciz ", disk "
uart:   .asciz ", uart "
now:    .asciz "now "
end:    .asciz ".\r\n"
failed: .asciz "the disk failed\r\n"
