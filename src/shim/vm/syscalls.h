/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that Linux does not have. */
#pragma once

/* Of stubs.S to the shim. */
#define SYSCALL_COPIED 0xea80
#define SYSCALL_RESUME 0xea81

/* Of exec to the shim: evidence and sealing key; numbers as in Enarx. */
#define SYSCALL_GET_ATTESTATION 0xea01
#define SYSCALL_GET_KEY         0xea02
