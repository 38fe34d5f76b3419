// SPDX-License-Identifier: Apache-2.0
#include "cli/attend.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const char target[] = "enarx::cli";

enum { MESSAGES_AT_ONCE = 16, ANSWER_SIZE = 4096 };

/* Signals that ask us to end, and that the Keep is told of. */
static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* ---- What the Keep says ---------------------------------------------------------------------- */

static void find_addresses(const char *name, struct message_addresses *addresses)
{
    const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(name, NULL, &wanted, &found);
    if (error != 0)
        log_warn(target, "the Keep asks for the address of a name that is not found: %s",
                 gai_strerror(error));
    for (const struct addrinfo *each = error == 0 ? found : NULL;
         each && addresses->count < MESSAGE_ADDRESSES_MAX; each = each->ai_next) {
        if (getnameinfo(each->ai_addr, each->ai_addrlen, addresses->items[addresses->count],
                        MESSAGE_ADDRESS_SIZE, NULL, 0, NI_NUMERICHOST) == 0)
            addresses->count++;
    }
    if (found)
        freeaddrinfo(found);
}

static void answer_name(const struct attend *attend, const char *name)
{
    struct message_addresses addresses = {0};
    char buffer[ANSWER_SIZE];
    struct text text = text_init(buffer, sizeof(buffer));
    find_addresses(name, &addresses);
    message_write_addresses(name, &addresses, &text);
    if (message_send(attend->control, &text) < 0)
        log_warn(target, "the Keep does not take an answer");
}

static void take_message(struct attend *attend, struct span text)
{
    struct message message;
    struct err err = {0};
    int status = message_parse(text, &message, &err);
    if (status < 0)
        log_warn(target, "what the Keep says is of no use: %s", err.message);
    else if (message.kind == MESSAGE_RESOLVE)
        answer_name(attend, message.name);
    else if (message.kind == MESSAGE_REPORT)
        attend->report = message.report;
    else if (attend->ready)
        attend->ready(attend->context, &message.ready);
    message_free(&message);
}

enum heard { HEARD_ALL, HEARD_SOME, HEARD_END };

/* Takes some of what is there, so that a Keep that talks without end keeps nobody from ending it.
 */
static enum heard take_messages(struct attend *attend, struct message_reader *reader)
{
    struct span text;
    for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
        int status = message_next(reader, 0, &text);
        if (status == -ETIMEDOUT)
            return HEARD_ALL;
        if (status < 0 && status != -ECONNRESET)
            log_warn(target, "what the Keep says is of no use: %s", strerror(-status));
        if (status <= 0)
            return HEARD_END;
        take_message(attend, text);
    }
    return HEARD_SOME;
}

void attend_finish(struct attend *attend)
{
    struct message_reader reader = message_reader_of(attend->control, MESSAGE_SIZE_MAX);
    take_messages(attend, &reader);
    message_reader_free(&reader);
}

/* ---- Its process ----------------------------------------------------------------------------- */

/* Signals of the terminal reach the Keep's process by themselves. */
static void pass_signal(int signals, pid_t pid)
{
    struct signalfd_siginfo info;
    if (read(signals, &info, sizeof(info)) == sizeof(info) && info.ssi_code != SI_KERNEL)
        kill(pid, (int)info.ssi_signo);
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return 128 + SIGKILL; /* somebody else has taken it */
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int serve(struct attend *attend, pid_t pid, int process, int signals)
{
    struct message_reader reader = message_reader_of(attend->control, MESSAGE_SIZE_MAX);
    struct pollfd fds[] = {
        {process, POLLIN, 0}, {signals, POLLIN, 0}, {attend->control, POLLIN, 0}};
    enum heard heard = HEARD_ALL;
    for (;;) {
        if (poll(fds, 3, heard == HEARD_SOME ? 0 : -1) < 0)
            continue;
        if (fds[1].revents)
            pass_signal(signals, pid);
        if (fds[2].revents || heard == HEARD_SOME)
            heard = take_messages(attend, &reader);
        if (heard == HEARD_END)
            fds[2].fd = -1;
        if (fds[0].revents)
            break;
    }
    if (fds[2].fd >= 0)
        take_messages(attend, &reader);
    message_reader_free(&reader);
    return wait_for(pid);
}

int attend_start(struct attend *attend, int *exit_status, struct err *err)
{
    sigset_t wanted, before;
    pid_t parent = getpid();
    sigemptyset(&wanted);
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
        sigaddset(&wanted, forwarded[i]);
    autoclose int signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return err_set(err, ERR_IO, errno, "cannot attend the Keep");
    sigprocmask(SIG_BLOCK, &wanted, &before);
    signal(SIGCHLD, SIG_DFL); /* if it were ignored, exit statuses would be thrown away */
    pid_t pid = fork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
            _exit(ERR_IO);
        return 0;
    }
    int status = pid < 0 ? err_set(err, ERR_IO, errno, "cannot start a process for the Keep") : 1;
    autoclose int process = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pid > 0 && process < 0) {
        status = err_set(err, ERR_IO, errno, "cannot watch the Keep's process");
        kill(pid, SIGKILL);
        wait_for(pid);
    }
    if (status > 0)
        *exit_status = serve(attend, pid, process, signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}
