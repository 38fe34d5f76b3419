/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that Linux does not have. */
#pragma once

/* System calls below this number are in syscall_table. */
#define SYSCALL_TABLE_SIZE 450

/* What a system call returns when the registers are already as they should be. */
#define SYSCALL_REGISTERS_SET (-0x80000000)

/* What exec may set of its flags: the arithmetic ones, TF, DF, AC and ID; and what is always set.
 */
#define FLAGS_ALLOWED 0x240dd5
#define FLAGS_FORCED  0x202

/* Of stubs.S to the shim. */
#define SYSCALL_COPIED 0xea80
#define SYSCALL_RESUME 0xea81

/* Of exec to the shim: evidence and sealing key; numbers as in Enarx. */
#define SYSCALL_GET_ATTESTATION 0xea01
#define SYSCALL_GET_KEY         0xea02
