// SPDX-License-Identifier: Apache-2.0
/* enarx keep list|logs|stop|remove: the Keeps that were deployed on this host. */
#include "base/cleanup.h"
#include "base/date.h"
#include "cli/command.h"
#include "cli/keeps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FOLLOW_MILLISECONDS = 200, STOP_MILLISECONDS = 50, STOP_SECONDS_MAX = 3600 };

static void pause_for(long milliseconds)
{
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* ---- list ------------------------------------------------------------------------------------ */

struct listing {
    bool all, json, any;
};

static void write_state(const struct keep_record *record, char *text, size_t size)
{
    if (record->state == KEEP_ENDED)
        snprintf(text, size, "ended %d", record->exit_status);
    else
        snprintf(text, size, "%s", keep_state_name(record->state));
}

static void print_row(const struct keep_record *record, bool first)
{
    char started[DATE_TEXT_SIZE], state[16];
    date_format(record->started, started);
    write_state(record, state, sizeof(state));
    if (first)
        printf("%-8s  %-9s  %-7s  %-20s  %-12s  %s\n", "KEEP", "STATE", "KIND", "STARTED",
               "WORKLOAD", "WHAT");
    printf("%-8s  %-9s  %-7s  %-20s  %-12.12s  %s\n", record->id, state, record->backend, started,
           record->workload[0] ? record->workload : "-", record->what);
}

static void print_record(void *context, const struct keep_record *record)
{
    struct listing *listing = context;
    char buffer[16 * 1024];
    struct text text = text_init(buffer, sizeof(buffer));
    if (record->state >= KEEP_ENDED && !listing->all)
        return;
    if (listing->json) {
        keep_record_write(record, &text);
        printf("%s%s", listing->any ? ",\n" : "", buffer);
    } else {
        print_row(record, !listing->any);
    }
    listing->any = true;
}

int command_keep_list(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct listing listing = {.all = invocation_flag(invocation, "all"),
                              .json = invocation_flag(invocation, "json")};
    (void)exit_status;
    if (listing.json)
        fputs("[", stdout);
    int status = keeps_each(print_record, &listing, err);
    if (listing.json)
        puts("]");
    else if (status == 0 && !listing.any)
        fprintf(stderr, "No Keep runs%s.\n",
                listing.all ? ", and none has ended" : "; --all shows those that have ended");
    return status;
}

/* ---- logs ------------------------------------------------------------------------------------ */

/* Copies what there is. False: stdout takes no more. */
static bool copy_rest(int from)
{
    char bytes[16 * 1024];
    ssize_t got;
    while ((got = read(from, bytes, sizeof(bytes))) > 0) {
        if (fwrite(bytes, 1, (size_t)got, stdout) != (size_t)got)
            return false;
    }
    return fflush(stdout) == 0;
}

int command_keep_logs(const struct invocation *invocation, int *exit_status, struct err *err)
{
    struct keep_entry entry;
    (void)exit_status;
    int status = keeps_find(invocation->operands[0], &entry, err);
    if (status < 0)
        return status;
    autoclose int log = openat(entry.directory, "log", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (log < 0) {
        status = err_set(err, ERR_IO, 0, "the Keep %s has no log", entry.record.id);
        err_hint(err, "Its output goes to the terminal where it was deployed without --detach.");
    }
    bool alive = status == 0 && invocation_flag(invocation, "follow");
    while (status == 0 && copy_rest(log) && alive) {
        alive = keeps_alive(&entry);
        pause_for(alive ? FOLLOW_MILLISECONDS : 0);
    }
    keeps_close(&entry);
    return status;
}

/* ---- stop ------------------------------------------------------------------------------------ */

static int read_seconds(const struct invocation *invocation, long *seconds, struct err *err)
{
    const char *text = invocation_value(invocation, "time");
    char *end;
    *seconds = strtol(text, &end, 10);
    if (text[0] != '\0' && *end == '\0' && *seconds >= 0 && *seconds <= STOP_SECONDS_MAX)
        return 0;
    return err_set(err, ERR_USAGE, 0, "--time %s is not a number of seconds from 0 to %d", text,
                   STOP_SECONDS_MAX);
}

static bool ends_within(const struct keep_entry *entry, long seconds)
{
    for (long waited = 0; waited <= seconds * 1000; waited += STOP_MILLISECONDS) {
        if (!keeps_alive(entry))
            return true;
        pause_for(STOP_MILLISECONDS);
    }
    return !keeps_alive(entry);
}

static int stop(const char *id, long seconds, struct err *err)
{
    struct keep_entry entry;
    int status = keeps_find(id, &entry, err);
    if (status < 0)
        return status;
    status = keeps_signal(&entry, SIGTERM);
    if (status == 0 && !ends_within(&entry, seconds)) {
        fprintf(stderr, "Keep %s does not end within %ld seconds; it is killed.\n", entry.record.id,
                seconds);
        status = keeps_signal(&entry, SIGKILL);
        if (status == 0)
            ends_within(&entry, 1);
    }
    if (status == -ESRCH)
        fprintf(stderr, "Keep %s has ended already.\n", entry.record.id);
    else if (status < 0)
        err_set(err, ERR_IO, -status, "cannot stop the Keep %s", entry.record.id);
    keeps_close(&entry);
    return status == -ESRCH ? 0 : status;
}

int command_keep_stop(const struct invocation *invocation, int *exit_status, struct err *err)
{
    long seconds;
    (void)exit_status;
    int status = read_seconds(invocation, &seconds, err);
    for (size_t i = 0; status == 0 && i < invocation->operand_count; i++)
        status = stop(invocation->operands[i], seconds, err);
    return status;
}

/* ---- remove ---------------------------------------------------------------------------------- */

static int discard(const char *id, struct err *err)
{
    struct keep_entry entry;
    int status = keeps_find(id, &entry, err);
    if (status < 0)
        return status;
    if (entry.record.state >= KEEP_ENDED) {
        keeps_discard(&entry);
        return 0;
    }
    err_set(err, ERR_USAGE, 0, "the Keep %s runs", entry.record.id);
    err_hint(err, "End it first: enarx keep stop %s", entry.record.id);
    keeps_close(&entry);
    return -EBUSY;
}

static void discard_ended(void *context, const struct keep_record *record)
{
    struct err *err = context;
    if (record->state >= KEEP_ENDED && discard(record->id, err) == 0)
        puts(record->id);
}

int command_keep_remove(const struct invocation *invocation, int *exit_status, struct err *err)
{
    bool all = invocation_flag(invocation, "all");
    int status = 0;
    (void)exit_status;
    if (all == (invocation->operand_count > 0)) {
        err_set(err, ERR_USAGE, 0, "which Keeps?");
        err_hint(err, "Name them, or give --all for all that have ended.");
        return -EINVAL;
    }
    for (size_t i = 0; status == 0 && i < invocation->operand_count; i++)
        status = discard(invocation->operands[i], err);
    return all ? keeps_each(discard_ended, err, err) : status;
}
