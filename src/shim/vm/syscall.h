/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of exec. Each takes its arguments from the registers rdi, rsi, rdx, r10, r8, r9
 * and returns what rax is to hold; all run under the shim's lock. syscall.c has the table.
 */
#pragma once

#include "shim/vm/shim.h"

/* sys_files.c */
int64_t sys_read(struct regs *regs);
int64_t sys_write(struct regs *regs);
int64_t sys_pread64(struct regs *regs);
int64_t sys_pwrite64(struct regs *regs);
int64_t sys_readv(struct regs *regs);
int64_t sys_writev(struct regs *regs);
int64_t sys_preadv(struct regs *regs);
int64_t sys_pwritev(struct regs *regs);
int64_t sys_close(struct regs *regs);
int64_t sys_fstat(struct regs *regs);
int64_t sys_lseek(struct regs *regs);
int64_t sys_ioctl(struct regs *regs);
int64_t sys_fcntl(struct regs *regs);
int64_t sys_dup(struct regs *regs);
int64_t sys_dup2(struct regs *regs);
int64_t sys_dup3(struct regs *regs);
int64_t sys_pipe(struct regs *regs);
int64_t sys_pipe2(struct regs *regs);
int64_t sys_eventfd2(struct regs *regs);
int64_t sys_flock(struct regs *regs);
int64_t sys_fsync(struct regs *regs);
int64_t sys_fdatasync(struct regs *regs);
int64_t sys_ftruncate(struct regs *regs);
int64_t sys_fallocate(struct regs *regs);
int64_t sys_fadvise64(struct regs *regs);
int64_t sys_getdents64(struct regs *regs);
int64_t sys_sync(struct regs *regs);

/* sys_paths.c */
int64_t sys_openat(struct regs *regs);
int64_t sys_openat2(struct regs *regs);
int64_t sys_newfstatat(struct regs *regs);
int64_t sys_mkdirat(struct regs *regs);
int64_t sys_unlinkat(struct regs *regs);
int64_t sys_linkat(struct regs *regs);
int64_t sys_symlinkat(struct regs *regs);
int64_t sys_readlink(struct regs *regs);
int64_t sys_readlinkat(struct regs *regs);
int64_t sys_renameat(struct regs *regs);
int64_t sys_renameat2(struct regs *regs);
int64_t sys_utimensat(struct regs *regs);
int64_t sys_getcwd(struct regs *regs);
int64_t sys_no_such_file(struct regs *regs);

/* sys_sockets.c */
int64_t sys_socket(struct regs *regs);
int64_t sys_socketpair(struct regs *regs);
int64_t sys_bind(struct regs *regs);
int64_t sys_connect(struct regs *regs);
int64_t sys_listen(struct regs *regs);
int64_t sys_accept(struct regs *regs);
int64_t sys_accept4(struct regs *regs);
int64_t sys_getsockname(struct regs *regs);
int64_t sys_getpeername(struct regs *regs);
int64_t sys_setsockopt(struct regs *regs);
int64_t sys_getsockopt(struct regs *regs);
int64_t sys_sendto(struct regs *regs);
int64_t sys_recvfrom(struct regs *regs);
int64_t sys_sendmsg(struct regs *regs);
int64_t sys_recvmsg(struct regs *regs);
int64_t sys_shutdown(struct regs *regs);
int64_t sys_poll(struct regs *regs);
int64_t sys_ppoll(struct regs *regs);
int64_t sys_pselect6(struct regs *regs);

/* epoll.c */
int64_t sys_epoll_create(struct regs *regs);
int64_t sys_epoll_create1(struct regs *regs);
int64_t sys_epoll_ctl(struct regs *regs);
int64_t sys_epoll_wait(struct regs *regs);
int64_t sys_epoll_pwait(struct regs *regs);

/* thread.c, futex.c */
int64_t sys_clone(struct regs *regs);
int64_t sys_exit(struct regs *regs);
int64_t sys_set_tid_address(struct regs *regs);
int64_t sys_gettid(struct regs *regs);
int64_t sys_sched_yield(struct regs *regs);
int64_t sys_futex(struct regs *regs);

/* signal.c */
int64_t sys_rt_sigaction(struct regs *regs);
int64_t sys_rt_sigprocmask(struct regs *regs);
int64_t sys_rt_sigpending(struct regs *regs);
int64_t sys_rt_sigreturn(struct regs *regs);
int64_t sys_rt_sigsuspend(struct regs *regs);
int64_t sys_pause(struct regs *regs);
int64_t sys_resume(struct regs *regs);
int64_t sys_sigaltstack(struct regs *regs);
int64_t sys_kill(struct regs *regs);
int64_t sys_tkill(struct regs *regs);
int64_t sys_tgkill(struct regs *regs);

/* Whether a signal waits that the thread does not block. */
bool signal_waiting(const struct cpu *cpu);
