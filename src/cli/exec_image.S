/* SPDX-License-Identifier: Apache-2.0 */
/* The built enarx-exec, carried by the program. On a page of its own, so that its offset in the file
 * is a multiple of 4096 as well. */
    .section .rodata.exec, "a", @progbits
    .balign 4096
    .globl exec_image
exec_image:
    .incbin EXEC_FILE
    .globl exec_image_end
exec_image_end:
    .balign 4096

    .section .note.GNU-stack, "", @progbits
