// SPDX-License-Identifier: Apache-2.0
/*
 * The nil backend: the exec is an ordinary child process. It protects nothing from the host; the
 * host is protected from it as far as an unprivileged process can be confined.
 */
#include "keep/backend.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "keep/sandbox/landlock.h"
#include "keep/sandbox/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static const char target[] = "enarx::keep::nil";

/* Signals that ask the launcher to end and that the Keep is told of. */
static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static uint64_t now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* --- The program ----------------------------------------------------------------------------- */

static int copy_image(const struct keep_launch *launch, int to)
{
    off_t offset = (off_t)launch->exec_offset;
    uint64_t left = launch->exec_size;
    while (left > 0) {
        ssize_t copied = sendfile(to, launch->exec_fd, &offset, left);
        if (copied < 0 && errno == EINTR)
            continue;
        if (copied <= 0)
            return copied < 0 ? -errno : -ENODATA;
        left -= (uint64_t)copied;
    }
    return 0;
}

/* The exec in a file of its own that nobody can change any more. */
static int load_image(const struct keep_launch *launch, struct err *err)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    autoclose int memory = memfd_create("enarx-exec", flags | MFD_EXEC);
    if (memory < 0 && errno == EINVAL) /* before Linux 6.3 */
        memory = memfd_create("enarx-exec", flags);
    if (memory < 0)
        return err_set(err, ERR_IO, errno, "cannot make a file in memory for the exec");
    int status = copy_image(launch, memory);
    if (status < 0)
        return err_set(err, ERR_IO, -status, "cannot copy the exec into memory");
    int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (fcntl(memory, F_ADD_SEALS, seals) < 0)
        return err_set(err, ERR_IO, errno, "cannot seal the exec in memory");
    return take_fd(&memory);
}

/* --- The child ------------------------------------------------------------------------------- */

/* What the child needs, prepared before fork. */
struct child {
    const struct keep_launch *launch;
    pid_t parent;
    int image;
    int ruleset; /* or -1 */
    int report;  /* the child writes a struct failure here if it cannot start the exec */
    int *moved;  /* room for fd_count descriptors */
    sigset_t signals;
};

struct failure {
    int code;
    const char *step; /* a literal: after fork it is at the same address in the parent */
};

/* Moves all descriptors out of the way, then each to its number, so that none is overwritten before
 * it is used. */
static const char *arrange_descriptors(struct child *child)
{
    const struct keep_launch *launch = child->launch;
    int count = (int)launch->fd_count;
    int *own[] = {&child->image, &child->ruleset, &child->report};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (*own[i] >= 0 && (*own[i] = fcntl(*own[i], F_DUPFD_CLOEXEC, count)) < 0)
            return "keep the loader's files apart";
    }
    for (int i = 0; i < count; i++) {
        child->moved[i] = -1;
        if (launch->fds[i] >= 0 &&
            (child->moved[i] = fcntl(launch->fds[i], F_DUPFD_CLOEXEC, count)) < 0)
            return "duplicate a descriptor";
    }
    for (int i = 0; i < count; i++) {
        if (child->moved[i] < 0)
            close(i);
        else if (dup2(child->moved[i], i) < 0)
            return "place a descriptor";
    }
    if (syscall(SYS_close_range, (unsigned)count, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
        return "close the host's other files (Linux 5.11 is needed)";
    return NULL;
}

static void reset_signals(const struct child *child)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < SIGRTMAX; number++)
        sigaction(number, &action, NULL);
    sigprocmask(SIG_SETMASK, &child->signals, NULL);
}

/* Returns the step that failed, with errno set; does not return on success. */
static const char *start_exec(struct child *child)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        return "tie its life to the launcher's";
    if (getppid() != child->parent)
        _exit(EXIT_FAILURE); /* the launcher is gone already */
    const char *step = arrange_descriptors(child);
    if (step)
        return step;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return "give up privileges";
    int status = child->ruleset >= 0 ? landlock_enter(child->ruleset) : 0;
    if (status < 0) {
        errno = -status;
        return "enter the Landlock ruleset";
    }
    reset_signals(child);
    status = seccomp_enter_program(child->image);
    if (status < 0) {
        errno = -status;
        return "limit its system calls";
    }
    const struct keep_launch *launch = child->launch;
    syscall(SYS_execveat, child->image, "", launch->argv, launch->envp, AT_EMPTY_PATH);
    return "execute the program";
}

__attribute__((noreturn)) static void run_child(struct child *child)
{
    const char *step = start_exec(child);
    struct failure failure = {errno, step};
    if (write(child->report, &failure, sizeof(failure)) < 0)
        _exit(EXIT_FAILURE);
    _exit(EXIT_FAILURE);
}

/* --- The parent ------------------------------------------------------------------------------ */

/* Blocks the signals that wait_for waits for. SIGCHLD must not be ignored, as a caller may have
 * left it: the kernel would then throw the exit status away. */
static void block_signals(sigset_t *waited, sigset_t *before)
{
    sigemptyset(waited);
    sigaddset(waited, SIGCHLD);
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
        sigaddset(waited, forwarded[i]);
    sigprocmask(SIG_BLOCK, waited, before);
    signal(SIGCHLD, SIG_DFL);
}

/* Waits for the end of the child and passes on the signals that other processes send us. Those of
 * the terminal reach the child by themselves. */
static int wait_for(pid_t pid, const sigset_t *waited)
{
    for (;;) {
        int status;
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid)
            return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
        if (ended < 0 && errno != EINTR)
            return -errno;
        siginfo_t info;
        int number = sigwaitinfo(waited, &info);
        if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL) {
            log_info(target, "passing on signal %d", number);
            kill(pid, number);
        }
    }
}

/* Whether the exec was started: the pipe is closed by execve. */
static int check_start(int report, struct err *err)
{
    struct failure failure = {0};
    ssize_t size;
    do
        size = read(report, &failure, sizeof(failure));
    while (size < 0 && errno == EINTR);
    if (size != sizeof(failure))
        return 0;
    bool not_elf = failure.code == ENOEXEC;
    err_set(err, not_elf ? ERR_MODULE : ERR_IO, failure.code, "the nil Keep cannot %s",
            failure.step);
    if (not_elf)
        err_hint(err, "The program must be a static ELF binary for this machine.");
    return -(failure.code ? failure.code : EIO);
}

static int run_process(struct child *child, int *exit_status, struct err *err)
{
    int channel[2];
    if (pipe2(channel, O_CLOEXEC) < 0)
        return err_set(err, ERR_IO, errno, "cannot make a pipe");
    autoclose int report = channel[0];
    child->report = channel[1];
    child->parent = getpid();

    sigset_t waited;
    block_signals(&waited, &child->signals);
    pid_t pid = fork();
    if (pid == 0)
        run_child(child);
    int fork_code = errno;
    close(channel[1]);
    int status = 0;
    if (pid < 0) {
        status = err_set(err, ERR_IO, fork_code, "cannot start a process");
    } else {
        int start = check_start(report, err);
        if (start == 0 && child->launch->times)
            child->launch->times->booted = now();
        log_debug(target, "the exec is process %d", (int)pid);
        int ended = wait_for(pid, &waited);
        status = start < 0    ? start
                 : ended >= 0 ? 0
                              : err_set(err, ERR_INTERNAL, -ended, "cannot wait for the exec");
        *exit_status = ended;
    }
    sigprocmask(SIG_SETMASK, &child->signals, NULL);
    return status;
}

static int run(const struct keep_launch *launch, int *exit_status, struct err *err)
{
    autoclose int ruleset = landlock_open(launch->dirs, err);
    if (ruleset < 0 && ruleset != -ENOSYS)
        return ruleset;
    if (ruleset == -ENOSYS)
        log_warn(target, "this kernel has no Landlock: the Keep is not confined to directories");
    if (launch->times)
        launch->times->opened = now();

    autoclose int image = load_image(launch, err);
    if (image < 0)
        return image;
    autofree int *moved = calloc(launch->fd_count + 1, sizeof(*moved));
    if (!moved)
        return err_set(err, ERR_IO, ENOMEM, "cannot prepare the Keep");
    if (launch->times)
        launch->times->loaded = now();

    struct child child = {
        .launch = launch,
        .image = image,
        .ruleset = ruleset >= 0 ? ruleset : -1,
        .moved = moved,
    };
    return run_process(&child, exit_status, err);
}

static void probe(struct probe_report *report)
{
    int version = landlock_version();
    struct probe *landlock = probe_add(report, "Landlock", true);
    if (version > 0)
        snprintf(landlock->info, sizeof(landlock->info), "version %d", version);
    else
        snprintf(landlock->info, sizeof(landlock->info), "not there: files are not confined");
}

const struct backend backend_nil = {
    .name = "nil",
    .guarantee = "none: the program is an ordinary process that the host can read and change; "
                 "for development only",
    .confidential = false,
    .probe = probe,
    .run = run,
};
