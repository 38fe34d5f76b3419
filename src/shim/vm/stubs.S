/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shim has exec's privilege level do for it. One page, mapped for exec at STUBS_BASE;
 * position-independent. The shim enters a stub with all of exec's registers saved, and a stub ends
 * with a system call that gives them back.
 */
#include "shim/vm/layout.h"
#include "shim/vm/syscalls.h"

    .section .stubs, "a", @progbits
    .balign 4096
    .globl stubs
stubs:

/* Copies %rdx bytes from %rsi to %rdi (bulk.c). */
    .globl stub_copy
stub_copy:
    mov %rdx, %rcx
    rep movsb
    mov $SYSCALL_COPIED, %eax
    syscall
    ud2

/*
 * Enters a signal handler (signal.c): saves the extended state at %rbp, then calls %rbx with its
 * three arguments, of which %rdx is held in %r12.
 */
    .globl stub_signal
stub_signal:
    mov $EXTENDED_STATE, %eax
    xor %edx, %edx
    xsave64 (%rbp)
    mov %r12, %rdx
    xor %eax, %eax
    jmp *%rbx

/* Comes back from one: restores the extended state at %rbp, then the registers. */
    .globl stub_resume
stub_resume:
    mov $EXTENDED_STATE, %eax
    xor %edx, %edx
    xrstor64 (%rbp)
    mov $SYSCALL_RESUME, %eax
    syscall
    ud2

    .globl stubs_end
stubs_end:
    .balign 4096

    .section .note.GNU-stack, "", @progbits
