// SPDX-License-Identifier: Apache-2.0
/* Time, random numbers, names: what a program learns of the system. */
#include "guest.h"

#include <cpuid.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static int64_t ns(clockid_t clock)
{
    struct timespec time;
    CHECK(clock_gettime(clock, &time) == 0);
    CHECK(time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

static void clocks(void)
{
    struct timespec asked_time;
    int64_t last = ns(CLOCK_MONOTONIC);
    for (int i = 0; i < 100000; i++) {
        int64_t next = ns(CLOCK_MONOTONIC);
        CHECK(next >= last);
        last = next;
    }
    CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &asked_time) == 0);
    int64_t asked = asked_time.tv_sec * 1000000000 + asked_time.tv_nsec;
    CHECK(asked >= last && asked - last < 1000000000);
    int64_t start = ns(CLOCK_MONOTONIC);
    struct timespec nap = {0, 50000000};
    CHECK(nanosleep(&nap, NULL) == 0);
    CHECK(ns(CLOCK_MONOTONIC) - start >= 50000000);
    struct timespec until;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += 1;
    CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
    CHECK(ns(CLOCK_MONOTONIC) >= until.tv_sec * 1000000000 + until.tv_nsec);
    CHECK(ns(CLOCK_REALTIME) > 1700000000ll * 1000000000);
    struct timeval day;
    CHECK(gettimeofday(&day, NULL) == 0 && llabs(day.tv_sec - time(NULL)) < 2);
    CHECK(clock_getres(CLOCK_MONOTONIC, &asked_time) == 0 && asked_time.tv_sec == 0);
    CHECK(clock_gettime(1000, &asked_time) == -1 && errno == EINVAL);
}

enum { GET_ATTESTATION = 0xea01, GET_KEY = 0xea02, TECHNOLOGY_NONE = 0 };

/* A Keep without a TEE has no evidence and no key, and says so; an ordinary process has not even
 * the calls. */
static void evidence(void)
{
    static uint8_t nonce[64], room[4096];
    long size, technology;
    register long room_size __asm__("r10") = 0;
    __asm__ volatile("syscall"
                     : "=a"(size), "=d"(technology)
                     : "a"((long)GET_ATTESTATION), "D"(0l), "S"(0l), "d"(0l), "r"(room_size)
                     : "rcx", "r11", "memory");
    CHECK(size == -ENOSYS || (size == 0 && technology == TECHNOLOGY_NONE));
    long got = syscall(GET_ATTESTATION, nonce, sizeof(nonce), room, sizeof(room));
    CHECK(size == 0 ? got == 0 : got == -1 && errno == ENOSYS);
    got = syscall(GET_KEY, room, sizeof(room));
    CHECK(size == 0 ? got == 0 : got == -1 && errno == ENOSYS);
}

static void processor(void)
{
    unsigned a, b, c, d;
    CHECK(__get_cpuid(1, &a, &b, &c, &d) && d & 1 /* FPU */);
}

static void random_numbers(void)
{
    uint8_t one[300] = {0}, two[300] = {0};
    CHECK(getrandom(one, sizeof(one), 0) == sizeof(one));
    CHECK(getrandom(two, sizeof(two), GRND_NONBLOCK) == sizeof(two));
    CHECK(memcmp(one, two, sizeof(one)) != 0);
    CHECK(getrandom(one, 1, 0xff00) == -1 && errno == EINVAL);
    const uint8_t *start = (const uint8_t *)getauxval(AT_RANDOM);
    int zeroes = 0;
    for (int i = 0; i < 16; i++)
        zeroes += start[i] == 0;
    CHECK(zeroes < 8);
}

static void names(void)
{
    struct utsname name;
    CHECK(uname(&name) == 0 && strncmp(name.sysname, "Linux", 5) == 0);
    CHECK(getuid() == geteuid() && getgid() == getegid());
    CHECK(sysconf(_SC_PAGESIZE) == 4096);
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur >= 1 << 20);
    cpu_set_t set;
    CHECK(sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) >= 1);
    CHECK(sched_yield() == 0);
    CHECK(syscall(400) == -1 && errno == ENOSYS);
    CHECK(open("/nonexistent/file", O_RDONLY) == -1);
}

int main(void)
{
    clocks();
    random_numbers();
    evidence();
    processor();
    names();
    return 0;
}
