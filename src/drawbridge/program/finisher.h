/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread that does what would hold up those who serve: the ends of large uploads, which are
 * hashed, brought to disk or sent to object storage.
 */
#pragma once

#include "drawbridge/program/stores.h"
#include "drawbridge/service.h"

struct daemon;
struct finisher;

/* Done once, in the order in which they came; the first member of what it is about. */
struct finisher_job {
    struct finisher_job *next;
    /* The service, with a store of its own, is of this thread. */
    void (*run)(struct finisher_job *job, const struct service *service);
};

/* 0 or -errno. */
__attribute__((warn_unused_result)) int finisher_new(struct daemon *daemon,
                                                     struct finisher **finisher, struct err *err);
void finisher_add(struct finisher *finisher, struct finisher_job *job);
/* Does what was added, then ends. */
void finisher_free(struct finisher *finisher);
