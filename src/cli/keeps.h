/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deployed Keeps of a user on this host: a directory for each, in $ENARX_STATE_DIR,
 * $XDG_STATE_HOME/enarx or ~/.local/state/enarx, below keeps/. In it:
 *
 *     keep.json        what it is and how it is, replaced as a whole
 *     certificate.pem  what it proves itself with, the leaf first
 *     log              what a detached Keep writes to stdout and stderr
 *     lock             locked by the process that attends it, as long as that lives
 *
 * Host side. What stands here is for people: nobody trusts a Keep because of it.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#include <stdint.h>
#include <sys/types.h>

enum { KEEP_ID_SIZE = 9, KEEP_TEXT_SIZE = 1024 };

enum keep_state {
    KEEP_STARTING,
    KEEP_RUNNING,
    KEEP_ENDED,
    KEEP_LOST, /* whoever attended it is gone, without having said how it ended */
};

const char *keep_state_name(enum keep_state state);

struct keep_record {
    char id[KEEP_ID_SIZE]; /* eight hexadecimal digits */
    enum keep_state state;
    bool detached;
    char what[KEEP_TEXT_SIZE]; /* what was deployed, as it was written */
    char backend[16];          /* kind of the Keep */
    char workload[65];         /* "" before it runs; as are the following */
    char steward[KEEP_TEXT_SIZE];
    int64_t started, ready, expires, ended; /* seconds since 1970; 0: not yet, or none */
    int exit_status;
    pid_t pid; /* of the process that attends it */
};

/* A Keep of this process. */
struct keep_entry {
    struct keep_record record;
    int directory, lock; /* -1: none */
};

/* Makes a place for a Keep, with a new id and this process as its attendant. Release with
 * keeps_close. */
__attribute__((warn_unused_result)) int keeps_create(struct keep_entry *entry, struct err *err);
/* Writes the record as it is. */
__attribute__((warn_unused_result)) int keeps_write(const struct keep_entry *entry,
                                                    struct err *err);
/* Reads it anew. */
__attribute__((warn_unused_result)) int keeps_read(struct keep_entry *entry, struct err *err);
/* Writes another file of the Keep. */
__attribute__((warn_unused_result)) int keeps_write_file(const struct keep_entry *entry,
                                                         const char *name, const char *text,
                                                         struct err *err);
/* Opens the log, for appending. */
__attribute__((warn_unused_result)) int keeps_open_log(const struct keep_entry *entry,
                                                       struct err *err);
/* Takes what is known of the Keep away, and closes it. */
void keeps_discard(struct keep_entry *entry);
void keeps_close(struct keep_entry *entry);

/* Finds a Keep by its id, or by the beginning of one that no other has. Its directory is opened. */
__attribute__((warn_unused_result)) int keeps_find(const char *id, struct keep_entry *entry,
                                                   struct err *err);

/* Calls `each` for all Keeps, the oldest first. A user without any is no error. */
__attribute__((warn_unused_result)) int keeps_each(void (*each)(void *context,
                                                                const struct keep_record *record),
                                                   void *context, struct err *err);

/* Sends a signal to the process that attends a Keep, and to no other that has its number by now.
 * 0; -ESRCH if it is over; or -errno. */
__attribute__((warn_unused_result)) int keeps_signal(const struct keep_entry *entry, int number);

/* Whether the process that attends it still lives. */
bool keeps_alive(const struct keep_entry *entry);

/* Writes a record as a JSON object. */
void keep_record_write(const struct keep_record *record, struct text *text);
/* Reads one; false: it is none. */
bool keep_record_parse(struct span text, struct keep_record *record);
