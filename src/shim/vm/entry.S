/* SPDX-License-Identifier: Apache-2.0 */
/* The ways into the shim and back to exec. struct regs of shim.h is what is pushed here. */
#include "shim/vm/layout.h"
#include "shim/vm/syscalls.h"

/* Offsets in struct regs. */
#define FRAME_R11 48
#define FRAME_RCX 56
#define FRAME_RIP 136
#define FRAME_FLAGS 152
#define FRAME_SIZE 176
#define FRAME_KEPT 64 /* bytes from the start of the frame to %r10 */

/* Upper half of the highest address that exec can have. */
#define USER_RIP_HIGH 0x7fff

.macro push_registers
    push %rax
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %rcx
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

/* The registers for which a system call's frame has only left room: those that C functions keep,
 * and the two that SYSCALL has overwritten. */
.macro complete_frame
    mov %r15, (%rsp)
    mov %r14, 8(%rsp)
    mov %r13, 16(%rsp)
    mov %r12, 24(%rsp)
    mov %rbp, 32(%rsp)
    mov %rbx, 40(%rsp)
    mov FRAME_FLAGS(%rsp), %rcx
    mov %rcx, FRAME_R11(%rsp)
    mov FRAME_RIP(%rsp), %rcx
    mov %rcx, FRAME_RCX(%rsp)
.endm

/*
 * One stub of 16 bytes a vector, at the very start of the image, where the loader's table of gates
 * expects them; those without an error code push 0.
 */
    .section .text.stubs, "ax", @progbits
    vector = 0
    .rept SHIM_VECTORS
    .balign 16
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    .else
    push $0
    .endif
    push $vector
    jmp exception_common
    vector = vector + 1
    .endr

/*
 * A page fault where kvm's paravirtual mode is possible: there SYSCALL has loaded RIP, RCX and R11
 * but left the privilege level at 3, so that the fetch at LSTAR faults. A program that jumps there
 * on a genuine processor gets a system call that returns to RCX, which is no more than it can have
 * anyway: RCX and R11 are checked.
 */
    .org PARAVIRTUAL_OFFSET
    cmpq $syscall_entry, 8(%rsp)
    jne page_fault
    cld
    and $FLAGS_ALLOWED, %r11
    or $FLAGS_FORCED, %r11
    mov %rcx, 8(%rsp)
    mov %r11, 24(%rsp)
syscall_common:
    push $256
    push %rax
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    sub $FRAME_KEPT, %rsp
    mov %rsp, %rdi

    /* The short way: a single thread, a call of the table, nothing to be done afterwards. Where
     * ring 0 is emulated each instruction here costs a call more than a microsecond. */
    cmpb $0, threaded
    jne long_way
    cmp $SYSCALL_TABLE_SIZE, %rax
    jae long_way
    sbb %rcx, %rcx /* all ones: an index out of range is none even if it is only speculated upon */
    and %rcx, %rax
    mov syscall_table(,%rax,8), %rcx
    test %rcx, %rcx
    jz long_way
    call *%rcx
    cmpb $0, FRAME_SIZE + CPU_ATTENTION(%rsp)
    jne leave_slowly
    cmpl $USER_RIP_HIGH, FRAME_RIP + 4(%rsp)
    ja leave_slowly
    add $FRAME_KEPT, %rsp
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    add $(3 * 8), %rsp
    xor %ecx, %ecx
    xor %r11d, %r11d
    iretq

/* SYSCALL as the architecture has it. */
    .org SYSCALL_OFFSET
    .globl syscall_entry
syscall_entry:
    swapgs
    lfence
    mov %rsp, %gs:8
    mov %gs:0, %rsp
    push $SELECTOR_USER_DATA
    push %gs:8
    swapgs
    push %r11
    push $SELECTOR_USER_CODE
    push %rcx
    push $0
    jmp syscall_common

    .text

/* The first instruction of each processor: %rdi its number, stack as it stays. */
    .globl _start
_start:
    xor %ebp, %ebp
    sub $FRAME_SIZE, %rsp /* the place of exec's registers, which shim_main fills */
    call shim_main
    jmp return_from_frame

leave_slowly:
    complete_frame
    mov %rsp, %rdi
    mov %rax, %rsi
    call shim_leave
    jmp return_from_frame

long_way:
    complete_frame
    call shim_syscall
    jmp return_from_frame

page_fault:
    push $14
exception_common:
    push_registers
    mov %rsp, %rdi
    cld
    call shim_exception
return_from_frame:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %rcx
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rax
    add $16, %rsp
    iretq

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
