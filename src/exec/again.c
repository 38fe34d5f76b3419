// SPDX-License-Identifier: Apache-2.0
#include "exec/again.h"

#include "base/log.h"

#include <errno.h>
#include <time.h>

enum { ATTEMPTS = 4 };

bool again_is_worth_http(unsigned status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

static bool may_pass(int status)
{
    static const int errors[] = {EBUSY, ETIMEDOUT,    ECONNREFUSED, ECONNRESET,
                                 EPIPE, EHOSTUNREACH, ENETUNREACH,  ECONNABORTED};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        if (status == -errors[i])
            return true;
    }
    return false;
}

int again(int (*step)(void *context, struct err *err), void *context, struct err *err)
{
    for (int attempt = 1;; attempt++) {
        struct err failure = {0};
        int status = step(context, &failure);
        if (status == 0)
            return 0;
        if (attempt == ATTEMPTS || !may_pass(status)) {
            if (err)
                *err = failure;
            return status;
        }
        log_warn("enarx::exec", "attempt %d of %d: %s", attempt, ATTEMPTS, failure.message);
        const struct timespec pause = {.tv_sec = 1 << (attempt - 1)};
        nanosleep(&pause, NULL);
    }
}
