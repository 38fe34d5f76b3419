// SPDX-License-Identifier: Apache-2.0
/* What a signal does to a system call that waits: SA_RESTART, EINTR, masks for the time of a wait.
 */
#include "guest.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 100, PAUSE = 30000000 /* nanoseconds */ };

static atomic_int handled, round_number;
static pthread_t waiter;
static int channel[2];

static void on_signal(int number)
{
    (void)number;
    handled++;
}

static void install(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    CHECK(sigaction(number, &action, NULL) == 0);
}

/* Signals the waiting thread, then ends its wait. */
static void *disturb(void *number)
{
    struct timespec pause = {0, PAUSE};
    nanosleep(&pause, NULL);
    CHECK(pthread_kill(waiter, (int)(intptr_t)number) == 0);
    nanosleep(&pause, NULL);
    CHECK(write(channel[1], "x", 1) == 1);
    return NULL;
}

static pthread_t begin(int number)
{
    pthread_t thread;
    handled = 0;
    waiter = pthread_self();
    CHECK(pthread_create(&thread, NULL, disturb, (void *)(intptr_t)number) == 0);
    return thread;
}

static void drain(void)
{
    char byte;
    CHECK(read(channel[0], &byte, 1) == 1);
}

static void reads(void)
{
    char byte;
    install(SIGUSR1, on_signal, SA_RESTART);
    pthread_t thread = begin(SIGUSR1);
    CHECK(read(channel[0], &byte, 1) == 1 && handled == 1);
    CHECK(pthread_join(thread, NULL) == 0);

    install(SIGUSR1, on_signal, 0);
    thread = begin(SIGUSR1);
    CHECK(read(channel[0], &byte, 1) == -1 && errno == EINTR && handled == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    drain();

    install(SIGUSR1, SIG_IGN, 0);
    thread = begin(SIGUSR1);
    CHECK(read(channel[0], &byte, 1) == 1);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* Linux never makes these again, whatever the handler asks for. */
static void polls(void)
{
    struct pollfd entry = {.fd = channel[0], .events = POLLIN};
    install(SIGUSR1, on_signal, SA_RESTART);
    pthread_t thread = begin(SIGUSR1);
    CHECK(poll(&entry, 1, 10000) == -1 && errno == EINTR && handled == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    drain();
}

static int by_ppoll(const sigset_t *mask)
{
    struct pollfd entry = {.fd = channel[0], .events = POLLIN};
    struct timespec limit = {10, 0};
    return ppoll(&entry, 1, &limit, mask);
}

static int by_pselect(const sigset_t *mask)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(channel[0], &set);
    struct timespec limit = {10, 0};
    return pselect(channel[0] + 1, &set, NULL, NULL, &limit, mask);
}

static int by_epoll(const sigset_t *mask)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN}, got;
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, channel[0], &event) == 0);
    int result = epoll_pwait(epoll, &got, 1, 10000, mask), code = errno;
    CHECK(close(epoll) == 0);
    errno = code;
    return result;
}

static bool is_blocked(int number)
{
    sigset_t present;
    CHECK(sigprocmask(SIG_BLOCK, NULL, &present) == 0);
    return sigismember(&present, number) == 1;
}

/* A signal that is blocked but for the time of a wait ends that wait, and is blocked again. */
static void masks(void)
{
    int (*const waits[])(const sigset_t *) = {by_ppoll, by_pselect, by_epoll, sigsuspend};
    sigset_t none, one;
    sigemptyset(&none);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    install(SIGUSR1, on_signal, SA_RESTART);
    CHECK(sigprocmask(SIG_BLOCK, &one, NULL) == 0);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        handled = 0;
        CHECK(raise(SIGUSR1) == 0 && handled == 0);
        CHECK(waits[i](&none) == -1 && errno == EINTR);
        CHECK(handled == 1 && is_blocked(SIGUSR1));
    }
    CHECK(write(channel[1], "x", 1) == 1);
    for (size_t i = 0; i < 3; i++)
        CHECK(waits[i](&none) == 1 && is_blocked(SIGUSR1));
    drain();
    CHECK(sigprocmask(SIG_UNBLOCK, &one, NULL) == 0);
}

static void *signal_each_round(void *unused)
{
    (void)unused;
    for (int round = 1; round <= ROUNDS; round++) {
        while (round_number < round)
            sched_yield();
        CHECK(pthread_kill(waiter, SIGUSR1) == 0);
    }
    return NULL;
}

/* A signal that comes just as the wait begins is not lost. */
static void races(void)
{
    sigset_t none, one;
    sigemptyset(&none);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &one, NULL) == 0);
    waiter = pthread_self();
    pthread_t thread;
    handled = 0;
    CHECK(pthread_create(&thread, NULL, signal_each_round, NULL) == 0);
    for (int round = 1; round <= ROUNDS; round++) {
        round_number = round;
        CHECK((round % 2 ? by_ppoll : by_epoll)(&none) == -1 && errno == EINTR);
        CHECK(handled == round);
    }
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(sigprocmask(SIG_UNBLOCK, &one, NULL) == 0);
}

int main(void)
{
    CHECK(pipe(channel) == 0);
    reads();
    polls();
    masks();
    races();
    return 0;
}
