/* SPDX-License-Identifier: Apache-2.0 */
/* System calls about memory, time and the system itself (sys_system.c); see syscall.h. */
#pragma once

#include "shim/vm/shim.h"

int64_t sys_mmap(struct regs *regs);
int64_t sys_munmap(struct regs *regs);
int64_t sys_mprotect(struct regs *regs);
int64_t sys_mremap(struct regs *regs);
int64_t sys_madvise(struct regs *regs);
int64_t sys_brk(struct regs *regs);
int64_t sys_mlock(struct regs *regs);
int64_t sys_arch_prctl(struct regs *regs);
int64_t sys_clock_gettime(struct regs *regs);
int64_t sys_clock_getres(struct regs *regs);
int64_t sys_gettimeofday(struct regs *regs);
int64_t sys_time(struct regs *regs);
int64_t sys_nanosleep(struct regs *regs);
int64_t sys_clock_nanosleep(struct regs *regs);
int64_t sys_getrandom(struct regs *regs);
int64_t sys_uname(struct regs *regs);
int64_t sys_getpid(struct regs *regs);
int64_t sys_getppid(struct regs *regs);
int64_t sys_getuid(struct regs *regs);
int64_t sys_umask(struct regs *regs);
int64_t sys_prlimit64(struct regs *regs);
int64_t sys_getrlimit(struct regs *regs);
int64_t sys_sched_getaffinity(struct regs *regs);
int64_t sys_unsupported(struct regs *regs);
int64_t sys_exit_group(struct regs *regs);
int64_t sys_get_attestation(struct regs *regs);
int64_t sys_get_key(struct regs *regs);
