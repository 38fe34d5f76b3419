/* SPDX-License-Identifier: Apache-2.0 */
/* The built shim, carried by the program. */
    .section .rodata.shim, "a", @progbits
    .balign 4096
    .globl shim_vm_image
shim_vm_image:
    .incbin SHIM_FILE
    .globl shim_vm_image_end
shim_vm_image_end:

    .section .note.GNU-stack, "", @progbits
