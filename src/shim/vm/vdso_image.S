/* SPDX-License-Identifier: Apache-2.0 */
/* The built vDSO, as it is mapped for exec. */
    .section .vdso, "a", @progbits
    .balign 4096
    .globl vdso_image
vdso_image:
    .incbin VDSO_FILE
    .balign 4096
    .globl vdso_image_end
vdso_image_end:

    .section .note.GNU-stack, "", @progbits
