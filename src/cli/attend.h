/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attending a Keep: it runs in a process of its own, while this one looks names up for it, hears
 * how far it is, and passes signals on. Host side; what a Keep says is hostile, and only printed.
 */
#pragma once

#include "exec/message.h"

#include <sys/types.h>

struct attend {
    int control; /* our end of the control socket; borrowed */
    /* Called when the Keep says that its program begins; may be NULL. */
    void (*ready)(void *context, const struct message_ready *ready);
    void *context;
    struct message_report report; /* what it reported in the end */
};

/*
 * Forks. In the new process it returns 0 with *exit_status untouched: run the Keep and return. In
 * the old one it attends the Keep to its end, sets *exit_status to the status of that process, or
 * to 128 and the number of the signal that killed it, and returns 1. Else -errno.
 */
__attribute__((warn_unused_result)) int attend_start(struct attend *attend, int *exit_status,
                                                     struct err *err);

/* Takes what a Keep of this very process has said, now that it is over. */
void attend_finish(struct attend *attend);
