/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process on the host that attends this Keep: it hands the control document over, looks names
 * up, and is told how far the Keep is. Keep side.
 *
 * Nothing that it says is believed: a wrong address leads to a server without the right
 * certificate.
 */
#pragma once

#include "exec/message.h"

#include <pthread.h>

struct attendant {
    struct message_reader reader;
    pthread_mutex_t lock; /* of a question and its answer */
};

#define ATTENDANT(fd_, limit_)                                                                     \
    {                                                                                              \
        .reader = {.fd = (fd_), .limit = (limit_)}, .lock = PTHREAD_MUTEX_INITIALIZER              \
    }

/* Asks for the addresses of a name, and waits up to 30 seconds. Class ERR_CONFIG (-ENOTSUP) if the
 * host knows none, else ERR_IO or ERR_PROTOCOL. */
__attribute__((warn_unused_result)) int attendant_lookup(struct attendant *attendant,
                                                         const char *name,
                                                         struct message_addresses *addresses,
                                                         struct err *err);
/* Tells it something that needs no answer. A host that does not listen is logged. */
void attendant_tell(struct attendant *attendant, const struct text *text);
