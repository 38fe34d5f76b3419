// SPDX-License-Identifier: Apache-2.0
/* Threads, futexes, conditions, shoot-down of translations. */
#include "guest.h"

#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static long futex(void *word, int operation, unsigned value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, operation, value, timeout, NULL, ~0u);
}

static void futex_alone(void)
{
    unsigned word = 5;
    struct timespec half = {0, 500000000};
    double start = now();
    CHECK(futex(&word, FUTEX_WAIT, 5, &half) == -1 && errno == ETIMEDOUT);
    CHECK(now() - start >= 0.5);
    CHECK(futex(&word, FUTEX_WAIT, 6, NULL) == -1 && errno == EAGAIN);
    CHECK(futex(&word, FUTEX_WAKE, 1, NULL) == 0);
    CHECK(futex((char *)&word + 1, FUTEX_WAIT, 5, NULL) == -1 && errno == EINVAL);
    CHECK(futex(NULL, FUTEX_WAIT, 5, NULL) == -1 && errno == EFAULT);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void *add(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        total++;
        pthread_mutex_unlock(&lock);
    }
    return argument;
}

static void mutexes(void)
{
    pthread_t threads[8];
    for (intptr_t i = 0; i < 8; i++)
        CHECK(pthread_create(&threads[i], NULL, add, (void *)i) == 0);
    for (intptr_t i = 0; i < 8; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0 && result == (void *)i);
    }
    CHECK(total == 8000);
}

/* A wake-up reaches the waiters of its own address and no others. */
static unsigned words[2];
static atomic_int woken[2], waiting;

static void *wait_on(void *argument)
{
    intptr_t which = (intptr_t)argument;
    waiting++;
    while (futex(&words[which], FUTEX_WAIT, 0, NULL) == -1 && errno == EINTR)
        ;
    woken[which]++;
    return NULL;
}

static void queues(void)
{
    pthread_t threads[4];
    for (intptr_t i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, wait_on, (void *)(i % 2)) == 0);
    while (waiting < 4)
        usleep(1000);
    usleep(100000);
    CHECK(futex(&words[0], FUTEX_WAKE, 1, NULL) == 1);
    CHECK(futex(&words[0], FUTEX_WAKE, 10, NULL) == 1);
    CHECK(futex(&words[0], FUTEX_WAKE, 10, NULL) == 0);
    for (int i = 0; i < 100 && woken[0] < 2; i++)
        usleep(50000); /* the machine may be busy */
    CHECK(woken[0] == 2 && woken[1] == 0);
    CHECK(futex(&words[1], FUTEX_WAKE, 10, NULL) == 2);
    for (int i = 0; i < 4; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int turns;

static void *take_turns(void *argument)
{
    int mine = (int)(intptr_t)argument;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < 50; i++) {
        while (turns % 2 != mine)
            pthread_cond_wait(&condition, &lock);
        turns++;
        pthread_cond_broadcast(&condition);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void conditions(void)
{
    pthread_t threads[2];
    for (intptr_t i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, take_turns, (void *)i) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(turns == 100);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 1;
    pthread_mutex_lock(&lock);
    double start = now();
    CHECK(pthread_cond_timedwait(&condition, &lock, &soon) == ETIMEDOUT);
    CHECK(now() - start > 0.9);
    pthread_mutex_unlock(&lock);
}

static void *nap(void *argument)
{
    usleep(500000);
    return argument;
}

static void many(void)
{
    pthread_t threads[100];
    double start = now();
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    for (intptr_t i = 0; i < 100; i++)
        CHECK(pthread_create(&threads[i], &attributes, nap, (void *)i) == 0);
    for (intptr_t i = 0; i < 100; i++) {
        void *result;
        CHECK(pthread_join(threads[i], &result) == 0 && result == (void *)i);
    }
    CHECK(now() - start < 40); /* one after the other would take 50 */
}

static __thread int local = 3;

static void *locals(void *argument)
{
    local += (int)(intptr_t)argument;
    return (void *)(intptr_t)local;
}

static void reuse(void)
{
    for (intptr_t i = 0; i < 30; i++) {
        pthread_t thread;
        void *result;
        CHECK(pthread_create(&thread, NULL, locals, (void *)i) == 0);
        CHECK(pthread_join(thread, &result) == 0 && result == (void *)(i + 3));
    }
    CHECK(local == 3);
}

/* While one thread reads a page in a loop, another takes it away: the reader must fault. */
static char *volatile victim;
static atomic_int reading, faulted;
static __thread sigjmp_buf escape;

static void on_fault(int number)
{
    (void)number;
    siglongjmp(escape, 1);
}

static void *read_forever(void *argument)
{
    if (sigsetjmp(escape, 1)) {
        faulted = 1;
        return argument;
    }
    for (;;) {
        (void)*(volatile char *)victim;
        reading = 1;
    }
}

static void shootdown(void)
{
    signal(SIGSEGV, on_fault);
    for (int round = 0; round < 20; round++) {
        victim = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(victim != MAP_FAILED);
        *victim = 1;
        reading = faulted = 0;
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, read_forever, NULL) == 0);
        while (!reading)
            usleep(100);
        CHECK(round % 2 ? munmap(victim, 4096) == 0 : mprotect(victim, 4096, PROT_NONE) == 0);
        CHECK(pthread_join(thread, NULL) == 0 && faulted);
    }
    signal(SIGSEGV, SIG_DFL);
}

static atomic_int interrupted;
static sem_t started;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static void *sleep_long(void *argument)
{
    sem_post(&started);
    struct timespec long_time = {100, 0}, left;
    CHECK(nanosleep(&long_time, &left) == -1 && errno == EINTR && left.tv_sec > 90);
    return argument;
}

static void signal_thread(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(sem_init(&started, 0, 0) == 0);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, sleep_long, NULL) == 0);
    CHECK(sem_wait(&started) == 0);
    usleep(50000);
    CHECK(pthread_kill(thread, SIGUSR1) == 0);
    CHECK(pthread_join(thread, NULL) == 0 && interrupted);
}

static atomic_int reader_ready, reader_done;
static int pipe_ends[2];

static void *read_one(void *argument)
{
    char byte;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    CHECK(pthread_sigmask(SIG_BLOCK, &set, NULL) == 0);
    reader_ready = 1;
    CHECK(read(pipe_ends[0], &byte, 1) == 1);
    reader_done = 1;
    return argument;
}

/* A signal that a thread blocks, and one that is ignored, do not interrupt it. */
static void quiet_signals(void)
{
    pthread_t thread;
    CHECK(pipe(pipe_ends) == 0);
    CHECK(signal(SIGUSR2, on_signal) != SIG_ERR && signal(SIGWINCH, SIG_DFL) != SIG_ERR);
    CHECK(pthread_create(&thread, NULL, read_one, NULL) == 0);
    while (!reader_ready)
        usleep(1000);
    usleep(100000);
    CHECK(pthread_kill(thread, SIGUSR2) == 0 && pthread_kill(thread, SIGWINCH) == 0);
    usleep(100000);
    CHECK(!reader_done && write(pipe_ends[1], "x", 1) == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(close(pipe_ends[0]) == 0 && close(pipe_ends[1]) == 0);
}

static void clone_refused(void)
{
    static char stack[4096];
    enum { THREAD = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000, SETTLS = 0x80000 };
    CHECK(syscall(SYS_clone, THREAD | SETTLS, stack + sizeof(stack), NULL, NULL, 1ul << 63) == -1);
    CHECK(errno == EPERM);
}

static void *end_all(void *argument)
{
    (void)argument;
    usleep(100000);
    _exit(0);
}

int main(void)
{
    futex_alone();
    mutexes();
    queues();
    conditions();
    many();
    reuse();
    shootdown();
    signal_thread();
    quiet_signals();
    clone_refused();
    /* One thread ends the program while another blocks. */
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, end_all, NULL) == 0);
    sleep(100);
    return 1;
}
