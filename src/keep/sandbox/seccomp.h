/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits a process to the system calls that it needs. Everything else fails with ENOSYS; what would
 * start another program or look into another process ends this one.
 *
 * Host side; async-signal-safe. A filter holds for the calling thread and for all that it starts
 * afterwards. There is no way back.
 */
#pragma once

/* For a process that serves a Keep: what sallyport proxies, and that by which its threads run and
 * wait. No memory becomes executable. 0 or -errno. */
int seccomp_enter_host(void);

/* For a process that is the Keep: the system calls that a Keep of the VM type has, and one
 * execveat(2) of `program`, a descriptor that is closed by it. Signals go nowhere else, and
 * services that listen on this machine's Unix sockets cannot be reached. 0 or -errno. */
int seccomp_enter_program(int program);
