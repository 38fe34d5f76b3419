/* SPDX-License-Identifier: Apache-2.0 */
/* The ways into the shim and back to exec. struct regs of shim.h is what is pushed here. */
#include "shim/vm/layout.h"
#include "shim/vm/syscalls.h"

#define KERNEL_CS 0x08
#define USER_SS 0x1b
#define USER_CS 0x23

/* Offsets in struct regs. */
#define FRAME_RAX 112
#define FRAME_RIP 136
#define FRAME_FLAGS 152
#define FRAME_SIZE 176

/* Upper half of the highest address that exec can have. */
#define USER_RIP_HIGH 0x7fff

.macro push_registers
    push %rax
    push %rcx
    push %rdx
    push %rbx
    push %rbp
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    push %r12
    push %r13
    push %r14
    push %r15
.endm

    .text

/* The first instruction of each processor: %rdi its number, %rsi the info page, stack as it stays. */
    .globl _start
_start:
    cld
    xor %ebp, %ebp
    sub $(22 * 8), %rsp /* the place of exec's registers, which shim_main fills */
    call shim_main

    .globl return_to_user
return_to_user:
    or $(CPU_STRIDE - 1), %rsp
    sub $(CPU_STATE - 1 + 22 * 8), %rsp
return_from_frame:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rbp
    pop %rbx
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

/* SYSCALL as the architecture has it. */
    .globl syscall_entry
syscall_entry:
    swapgs
    lfence
    mov %rsp, %gs:8
    mov %gs:0, %rsp
    push $USER_SS
    push %gs:8
    swapgs
    push %r11
    push $USER_CS
    push %rcx
    push $0
syscall_common:
    push $256
    push_registers
    mov %rsp, %rdi
    cld

    /* The short way: a single thread, a call of the table, nothing to be done afterwards. */
    cmpb $0, threaded
    jne long_way
    cmp $SYSCALL_TABLE_SIZE, %rax
    jae long_way
    sbb %rcx, %rcx /* all ones: an index out of range is none even if it is only speculated upon */
    and %rcx, %rax
    mov syscall_table(,%rax,8), %rcx
    test %rcx, %rcx
    jz long_way
    andq $FLAGS_ALLOWED, FRAME_FLAGS(%rsp)
    orq $FLAGS_FORCED, FRAME_FLAGS(%rsp)
    call *%rcx
    cmp $SYSCALL_REGISTERS_SET, %rax
    je leave_slowly
    mov %rax, FRAME_RAX(%rsp)
    cmpb $0, FRAME_SIZE + CPU_ATTENTION(%rsp)
    jne leave_slowly
    cmpl $USER_RIP_HIGH, FRAME_RIP + 4(%rsp)
    ja leave_slowly
    add $(4 * 8), %rsp /* %r15 to %r12 are as they were, as are %rbp and %rbx */
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    add $(2 * 8), %rsp
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

leave_slowly:
    mov %rsp, %rdi
    call shim_leave
    jmp return_from_frame

long_way:
    call shim_syscall
    jmp return_from_frame

/*
 * A page fault where kvm's paravirtual mode is possible: there SYSCALL has loaded RIP, RCX and R11
 * but left the privilege level at 3, so that the fetch at LSTAR faults. A program that jumps there
 * on a genuine processor gets a system call that returns to RCX, which is no more than it can have
 * anyway: RCX and R11 are checked in shim_syscall.
 */
page_fault_paravirtual:
    cmpq $syscall_entry, 8(%rsp)
    je 1f
    push $14
    jmp exception_common
1:  mov %rcx, 8(%rsp)
    mov %r11, 24(%rsp)
    jmp syscall_common

exception_common:
    push_registers
    mov %rsp, %rdi
    cld
    call shim_exception
    jmp return_from_frame

/*
 * One stub of 16 bytes a vector, at the very start of the image, so that the table of gates in
 * cpu.c is known when it is compiled; those without an error code push 0.
 */
    .section .text.stubs, "ax", @progbits
    vector = 0
    .rept 33
    .balign 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    .else
    push $0
    .endif
    push $vector
    jmp exception_common
    vector = vector + 1
    .endr
    .balign 16
    jmp page_fault_paravirtual /* STUB_PARAVIRTUAL */

    .text

/*
 * int user_copy(void *to, const void *from, uint64_t size): copies where one side is exec's memory.
 * A page fault that cannot be served makes it return -EFAULT: shim_exception goes to user_copy_failed.
 */
    .globl user_copy
    .globl user_copy_end
    .globl user_copy_failed
user_copy:
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    and $7, %ecx
    rep movsb
    xor %eax, %eax
    ret
user_copy_end:
user_copy_failed:
    mov $-14, %eax
    ret

    .globl memcpy
memcpy:
    mov %rdi, %rax
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    and $7, %ecx
    rep movsb
    ret

    .globl memset
memset:
    mov %rdi, %r8
    movzbl %sil, %eax
    mov $0x0101010101010101, %rcx
    imul %rcx, %rax
    mov %rdx, %rcx
    shr $3, %rcx
    rep stosq
    mov %edx, %ecx
    and $7, %ecx
    rep stosb
    mov %r8, %rax
    ret

    .section .note.GNU-stack, "", @progbits
