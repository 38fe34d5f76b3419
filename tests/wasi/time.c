/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, sleeping, poll and random numbers. */
#include "check.h"

#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

static long long milliseconds(clockid_t clock)
{
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static void check_sleep(void)
{
    struct timespec time = {0, 50000000};
    long long begin = milliseconds(CLOCK_MONOTONIC);
    CHECK(nanosleep(&time, NULL) == 0);
    CHECK(milliseconds(CLOCK_MONOTONIC) - begin >= 49);
    CHECK(clock_gettime(CLOCK_REALTIME, &time) == 0);
    time.tv_nsec += 50000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    begin = milliseconds(CLOCK_MONOTONIC);
    CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &time, NULL) == 0);
    CHECK(milliseconds(CLOCK_MONOTONIC) - begin >= 45);
}

static void check_poll(void)
{
    struct pollfd polls[2] = {{.fd = 0, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    long long begin = milliseconds(CLOCK_MONOTONIC);
    CHECK(poll(polls, 1, 60) >= 0);
    if (!polls[0].revents)
        CHECK(milliseconds(CLOCK_MONOTONIC) - begin >= 59);
    CHECK(poll(polls, 2, 1000) >= 1);
    CHECK(polls[1].revents & POLLOUT);
}

int main(void)
{
    unsigned char random[256] = {0};
    unsigned sum = 0;
    CHECK(getentropy(random, sizeof(random)) == 0);
    for (size_t i = 0; i < sizeof(random); i++)
        sum |= random[i];
    CHECK(sum == 255);
    CHECK(milliseconds(CLOCK_REALTIME) > 1600000000000);
    CHECK(sched_yield() == 0);
    check_sleep();
    check_poll();
    puts("ok");
    return 0;
}
