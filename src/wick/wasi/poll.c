/* SPDX-License-Identifier: Apache-2.0 */
/* poll_oneoff: waits until at least one of several things happens. */
#include "wick/wasi/context.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum { SUBSCRIPTIONS_MAX = 1 << 20 };
#define SECOND ((uint64_t)1000000000)
/* How long to sleep at most before looking at a clock that can be set. */
#define REALTIME_SLICE SECOND
#define FOREVER        UINT64_MAX

struct subscription {
    uint64_t userdata;
    uint8_t kind;
    /* A clock: */
    clockid_t clock;
    uint64_t deadline;
    /* A descriptor: */
    struct descriptor at;
    struct wasi_readiness readiness;
    /* The event: */
    bool happened;
    enum wasi_errno error;
    uint64_t bytes;
    uint16_t flags;
};

struct waiting {
    struct subscription *list;
    struct pollfd *polls; /* one for each subscription; fd -1 is ignored */
    uint32_t count;
};

static uint64_t now(clockid_t clock)
{
    struct timespec time = {0};
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * SECOND + (uint64_t)time.tv_nsec;
}

static void happen(struct subscription *subscription, enum wasi_errno error)
{
    subscription->happened = true;
    subscription->error = error;
}

/* ---- Subscriptions ---------------------------------------------------------------------------
 */

/* A relative time passes at the same pace for both clocks, even while one of them is set. */
static void parse_clock(struct subscription *out, const uint8_t *in)
{
    uint32_t id = take_u32(in + 16);
    uint64_t timeout = take_u64(in + 24);
    bool absolute = in[40] & SUBSCRIPTION_CLOCK_ABSTIME;
    if (id != CLOCK_ID_REALTIME && id != CLOCK_ID_MONOTONIC) {
        happen(out, id < CLOCK_ID_COUNT ? WASI_NOTSUP : WASI_INVAL);
        return;
    }
    out->clock = absolute && id == CLOCK_ID_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    out->deadline = timeout;
    if (!absolute && __builtin_add_overflow(now(CLOCK_MONOTONIC), timeout, &out->deadline))
        out->deadline = FOREVER;
}

static enum wasi_errno parse(struct wasi_call *call, struct subscription *out, const uint8_t *guest)
{
    uint8_t in[SUBSCRIPTION_SIZE];
    memcpy(in, guest, sizeof(in));
    out->userdata = take_u64(in);
    out->kind = in[8];
    if (out->kind > EVENT_FD_WRITE)
        return WASI_INVAL;
    if (out->kind == EVENT_CLOCK) {
        parse_clock(out, in);
        return WASI_SUCCESS;
    }
    enum wasi_errno error =
        descriptor_find(call->wasi, take_u32(in + 16), RIGHT_POLL_FD_READWRITE, &out->at);
    if (error)
        happen(out, error);
    return WASI_SUCCESS;
}

/* ---- Waiting ---------------------------------------------------------------------------------
 */

/* Notes what has happened already and what is to be polled. Returns whether something has. */
static bool look(struct waiting *waiting)
{
    bool any = false;
    for (uint32_t i = 0; i < waiting->count; i++) {
        struct subscription *subscription = &waiting->list[i];
        const struct wasi_file *file = subscription->at.file;
        waiting->polls[i] = (struct pollfd){.fd = -1};
        if (subscription->happened) {
        } else if (subscription->kind == EVENT_CLOCK) {
            if (now(subscription->clock) >= subscription->deadline)
                happen(subscription, WASI_SUCCESS);
        } else if (!file->ops->ready) {
            happen(subscription, WASI_NOTSUP);
        } else {
            struct wasi_readiness *readiness = &subscription->readiness;
            file->ops->ready(subscription->at.file, subscription->kind == EVENT_FD_WRITE,
                             readiness);
            waiting->polls[i].fd = readiness->ready ? -1 : readiness->fd;
            waiting->polls[i].events = readiness->events;
            if (readiness->ready)
                happen(subscription, WASI_SUCCESS);
            subscription->bytes = readiness->bytes;
        }
        any |= subscription->happened;
    }
    return any;
}

/* Nanoseconds until a subscription has to be looked at anew, whatever happens to descriptors: a
 * clock, from time to time if it can be set, or a file that said so. */
static uint64_t time_left(const struct subscription *subscription)
{
    const struct wasi_readiness *readiness = &subscription->readiness;
    if (subscription->kind != EVENT_CLOCK)
        return readiness->ask_again && readiness->milliseconds >= 0
                   ? (uint64_t)readiness->milliseconds * (SECOND / 1000)
                   : FOREVER;
    uint64_t time = now(subscription->clock);
    uint64_t left = subscription->deadline > time ? subscription->deadline - time : 0;
    if (subscription->clock == CLOCK_REALTIME && left > REALTIME_SLICE)
        left = REALTIME_SLICE;
    return left;
}

static uint64_t next_look(const struct waiting *waiting)
{
    uint64_t least = FOREVER;
    for (uint32_t i = 0; i < waiting->count; i++) {
        const struct subscription *subscription = &waiting->list[i];
        uint64_t left = subscription->happened ? FOREVER : time_left(subscription);
        least = left < least ? left : least;
    }
    return least;
}

static bool has_polls(const struct waiting *waiting)
{
    for (uint32_t i = 0; i < waiting->count; i++) {
        if (waiting->polls[i].fd >= 0)
            return true;
    }
    return false;
}

static void rest(uint64_t nanoseconds)
{
    uint64_t end;
    if (__builtin_add_overflow(now(CLOCK_MONOTONIC), nanoseconds, &end) || end > INT64_MAX)
        end = INT64_MAX;
    struct timespec until = {.tv_sec = (time_t)(end / SECOND), .tv_nsec = (long)(end % SECOND)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

/* poll(2) counts milliseconds: rounded up, so that a clock never rings early. */
static int milliseconds(uint64_t nanoseconds)
{
    if (nanoseconds == FOREVER)
        return -1;
    uint64_t result = nanoseconds / 1000000 + (nanoseconds % 1000000 ? 1 : 0);
    return result > 60000 ? 60000 : (int)result;
}

static void judge(struct subscription *subscription, struct pollfd *poll)
{
    if (!poll->revents || subscription->readiness.ask_again)
        return;
    struct wasi_readiness after = subscription->readiness;
    struct wasi_file *file = subscription->at.file;
    if (subscription->kind == EVENT_FD_READ)
        file->ops->ready(file, false, &after);
    subscription->bytes = after.bytes;
    if (poll->revents & (POLLHUP | POLLERR))
        subscription->flags = EVENT_FLAG_HANGUP;
    happen(subscription, poll->revents & POLLNVAL ? WASI_BADF : WASI_SUCCESS);
}

static enum wasi_errno wait_for_events(struct waiting *waiting)
{
    for (;;) {
        bool any = look(waiting);
        uint64_t time = any ? 0 : next_look(waiting);
        if (!has_polls(waiting)) {
            if (any)
                return WASI_SUCCESS;
            rest(time);
            continue;
        }
        int result = poll(waiting->polls, waiting->count, milliseconds(time));
        if (result < 0 && errno != EINTR)
            return wasi_errno_of(errno);
        for (uint32_t i = 0; i < waiting->count && result > 0; i++) {
            if (waiting->polls[i].fd >= 0)
                judge(&waiting->list[i], &waiting->polls[i]);
            any |= waiting->list[i].happened;
        }
        if (any)
            return WASI_SUCCESS;
    }
}

/* ---- The call --------------------------------------------------------------------------------
 */

static uint32_t put_events(uint8_t *out, const struct waiting *waiting)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < waiting->count; i++) {
        const struct subscription *subscription = &waiting->list[i];
        if (!subscription->happened)
            continue;
        uint8_t *event = out + (size_t)count++ * EVENT_SIZE;
        memset(event, 0, EVENT_SIZE);
        put_u64(event, subscription->userdata);
        event[8] = (uint8_t)subscription->error;
        event[10] = subscription->kind;
        put_u64(event + 16, subscription->bytes);
        event[24] = (uint8_t)subscription->flags;
    }
    return count;
}

static enum wasi_errno run(struct wasi_call *call, struct waiting *waiting)
{
    /* The events may overlap the subscriptions: all of these are parsed first. */
    const uint8_t *in =
        guest_range(&call->memory, call->args[0].u32, (uint64_t)waiting->count * SUBSCRIPTION_SIZE);
    uint8_t *out =
        guest_range(&call->memory, call->args[1].u32, (uint64_t)waiting->count * EVENT_SIZE);
    if (!in || !out || !guest_range(&call->memory, call->args[3].u32, 4))
        return WASI_FAULT;
    for (uint32_t i = 0; i < waiting->count; i++) {
        enum wasi_errno error = parse(call, &waiting->list[i], in + (size_t)i * SUBSCRIPTION_SIZE);
        if (error)
            return error;
    }
    enum wasi_errno error = wait_for_events(waiting);
    if (error)
        return error;
    return guest_put_u32(&call->memory, call->args[3].u32, put_events(out, waiting));
}

enum wasi_errno wasi_poll_oneoff(struct wasi_call *call)
{
    struct waiting waiting = {.count = call->args[2].u32};
    if (waiting.count == 0 || waiting.count > SUBSCRIPTIONS_MAX)
        return WASI_INVAL;
    waiting.list = calloc(waiting.count, sizeof(*waiting.list));
    waiting.polls = calloc(waiting.count, sizeof(*waiting.polls));
    enum wasi_errno error = WASI_NOMEM;
    if (waiting.list && waiting.polls)
        error = run(call, &waiting);
    for (uint32_t i = 0; i < waiting.count && waiting.list; i++)
        descriptor_release(&waiting.list[i].at);
    free(waiting.list);
    free(waiting.polls);
    return error;
}
