// SPDX-License-Identifier: Apache-2.0
#include "cli/keeps.h"

#include "base/cleanup.h"
#include "base/date.h"
#include "base/read_all.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "crypto/sign.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

enum { RECORD_MAX = 16 * 1024, PATH_SIZE = 4096, ATTEMPTS = 16 };

/* ---- Records --------------------------------------------------------------------------------- */

static const char *const state_names[] = {
    [KEEP_STARTING] = "starting",
    [KEEP_RUNNING] = "running",
    [KEEP_ENDED] = "ended",
    [KEEP_LOST] = "lost",
};
enum { STATES = sizeof(state_names) / sizeof(state_names[0]) };

const char *keep_state_name(enum keep_state state)
{
    return state_names[state];
}

static void write_time(struct json_writer *json, const char *key, int64_t seconds)
{
    char text[DATE_TEXT_SIZE];
    date_format(seconds, text);
    if (seconds > 0)
        json_string(json, key, text);
    else
        json_null(json, key);
}

static void write_text(struct json_writer *json, const char *key, const char *value)
{
    if (value[0])
        json_string(json, key, value);
    else
        json_null(json, key);
}

void keep_record_write(const struct keep_record *record, struct text *text)
{
    struct json_writer json = {.text = text};
    json_open(&json, NULL, '{');
    json_string(&json, "id", record->id);
    json_string(&json, "state", state_names[record->state]);
    json_string(&json, "what", record->what);
    json_string(&json, "backend", record->backend);
    json_bool(&json, "detached", record->detached);
    write_text(&json, "workload", record->workload);
    write_text(&json, "steward", record->steward);
    write_time(&json, "started", record->started);
    write_time(&json, "ready", record->ready);
    write_time(&json, "expires", record->expires);
    write_time(&json, "ended", record->ended);
    if (record->state == KEEP_ENDED)
        json_number(&json, "exit_status", (uint64_t)record->exit_status);
    else
        json_null(&json, "exit_status");
    json_number(&json, "pid", (uint64_t)record->pid);
    json_close(&json, '}');
}

/* What is not there is "". False: there is something else than a string that fits. */
static bool read_text(struct span object, const char *key, char *out, size_t size)
{
    struct span value, text;
    out[0] = '\0';
    if (!json_get(object, key, &value) || span_equal(value, SPAN_LITERAL("null")))
        return true;
    if (!json_string_decode(value, (uint8_t *)out, size - 1, &text))
        return false;
    out[text.size] = '\0';
    return true;
}

static bool read_time(struct span object, const char *key, int64_t *seconds)
{
    char text[DATE_TEXT_SIZE];
    *seconds = 0;
    return read_text(object, key, text, sizeof(text)) &&
           (text[0] == '\0' || date_parse(span_of(text, strlen(text)), seconds));
}

static bool read_state(struct span object, enum keep_state *state)
{
    char name[16];
    if (!read_text(object, "state", name, sizeof(name)))
        return false;
    for (size_t i = 0; i < STATES; i++) {
        *state = (enum keep_state)i;
        if (strcmp(name, state_names[i]) == 0)
            return true;
    }
    return false;
}

bool keep_record_parse(struct span text, struct keep_record *record)
{
    struct span root, detached;
    uint64_t pid = 0, status = 0;
    *record = (struct keep_record){0};
    if (json_parse(text, &root) < 0 || !json_get_uint(root, "pid", INT32_MAX, &pid) ||
        !json_get(root, "detached", &detached) || !json_boolean(detached, &record->detached))
        return false;
    if (json_get_uint(root, "exit_status", 255, &status))
        record->exit_status = (int)status;
    record->pid = (pid_t)pid;
    return read_text(root, "id", record->id, sizeof(record->id)) &&
           read_state(root, &record->state) &&
           read_text(root, "what", record->what, sizeof(record->what)) &&
           read_text(root, "backend", record->backend, sizeof(record->backend)) &&
           read_text(root, "workload", record->workload, sizeof(record->workload)) &&
           read_text(root, "steward", record->steward, sizeof(record->steward)) &&
           read_time(root, "started", &record->started) &&
           read_time(root, "ready", &record->ready) &&
           read_time(root, "expires", &record->expires) && read_time(root, "ended", &record->ended);
}

/* ---- The place ------------------------------------------------------------------------------- */

static int write_place(char path[PATH_SIZE], struct err *err)
{
    const char *own = getenv("ENARX_STATE_DIR"), *state = getenv("XDG_STATE_HOME"),
               *home = getenv("HOME");
    struct text text = text_init(path, PATH_SIZE);
    if (own && *own)
        text_printf(&text, "%s/keeps", own);
    else if (state && state[0] == '/')
        text_printf(&text, "%s/enarx/keeps", state);
    else if (home && home[0] == '/')
        text_printf(&text, "%s/.local/state/enarx/keeps", home);
    if (text.size > 0 && !text.overflow)
        return 0;
    err_set(err, ERR_IO, 0, "there is no place for what is known of Keeps");
    err_hint(err, "Set HOME, or ENARX_STATE_DIR to a directory.");
    return -EINVAL;
}

/* Makes a directory and those above it. */
static int make_directories(char *path)
{
    for (char *slash = path + 1;; slash++) {
        slash += strcspn(slash, "/");
        char kept = *slash;
        *slash = '\0';
        int failed = mkdir(path, 0700) < 0 && errno != EEXIST ? errno : 0;
        *slash = kept;
        if (failed || !kept)
            return -failed;
    }
}

static int open_place(bool make, char path[PATH_SIZE], struct err *err)
{
    int status = write_place(path, err);
    if (status < 0)
        return status;
    status = make ? make_directories(path) : 0;
    int fd = status < 0 ? status : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 || (!make && errno == ENOENT))
        return fd < 0 ? -ENOENT : fd;
    return err_set(err, ERR_IO, status < 0 ? -status : errno, "cannot open the directory %s", path);
}

/* ---- One Keep -------------------------------------------------------------------------------- */

static int make_entry(struct keep_entry *entry, int place)
{
    uint8_t bytes[(KEEP_ID_SIZE - 1) / 2];
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        if (crypto_random(bytes, sizeof(bytes)) < 0)
            return -EIO;
        hex_encode(span_of(bytes, sizeof(bytes)), entry->record.id);
        if (mkdirat(place, entry->record.id, 0700) == 0)
            return 0;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

int keeps_create(struct keep_entry *entry, struct err *err)
{
    char path[PATH_SIZE];
    entry->directory = entry->lock = -1;
    autoclose int place = open_place(true, path, err);
    if (place < 0)
        return place;
    int status = make_entry(entry, place);
    if (status == 0) {
        entry->directory = openat(place, entry->record.id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        entry->lock = openat(entry->directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (entry->lock < 0 || flock(entry->lock, LOCK_EX | LOCK_NB) < 0)
            status = -errno;
    }
    if (status < 0) {
        keeps_close(entry);
        return err_set(err, ERR_IO, -status, "cannot make a place for a Keep in %s", path);
    }
    entry->record.pid = getpid();
    entry->record.started = time(NULL);
    return 0;
}

static int write_whole(int fd, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t done = write(fd, bytes.data, bytes.size);
        if (done < 0 && errno != EINTR)
            return -errno;
        size_t used = done > 0 ? (size_t)done : 0;
        bytes = span_of(bytes.data + used, bytes.size - used);
    }
    return 0;
}

int keeps_write_file(const struct keep_entry *entry, const char *name, const char *text,
                     struct err *err)
{
    char fresh[32];
    snprintf(fresh, sizeof(fresh), ".%s", name);
    autoclose int fd =
        openat(entry->directory, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int status = fd < 0 ? -errno : write_whole(fd, span_of(text, strlen(text)));
    if (status == 0 && renameat(entry->directory, fresh, entry->directory, name) < 0)
        status = -errno;
    return status < 0
               ? err_set(err, ERR_IO, -status, "cannot write %s of Keep %s", name, entry->record.id)
               : 0;
}

int keeps_write(const struct keep_entry *entry, struct err *err)
{
    char buffer[RECORD_MAX];
    struct text text = text_init(buffer, sizeof(buffer));
    keep_record_write(&entry->record, &text);
    text_add(&text, "\n");
    if (text.overflow)
        return err_set(err, ERR_IO, EMSGSIZE, "write what is known of the Keep");
    return keeps_write_file(entry, "keep.json", buffer, err);
}

int keeps_open_log(const struct keep_entry *entry, struct err *err)
{
    int fd = openat(entry->directory, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return fd < 0 ? err_set(err, ERR_IO, errno, "cannot write the log of Keep %s", entry->record.id)
                  : fd;
}

void keeps_discard(struct keep_entry *entry)
{
    static const char *const names[] = {"keep.json",        ".keep.json", "certificate.pem",
                                        ".certificate.pem", "log",        "lock"};
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlinkat(entry->directory, names[i], 0);
    autoclose int place = open_place(false, path, NULL);
    if (place >= 0)
        unlinkat(place, entry->record.id, AT_REMOVEDIR);
    keeps_close(entry);
}

void keeps_close(struct keep_entry *entry)
{
    cleanup_close(&entry->directory);
    cleanup_close(&entry->lock);
    entry->directory = entry->lock = -1;
}

/* ---- Those of others ------------------------------------------------------------------------- */

bool keeps_alive(const struct keep_entry *entry)
{
    autoclose int lock = openat(entry->directory, "lock", O_RDONLY | O_CLOEXEC);
    return lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) < 0;
}

/* The record of a Keep whose directory is open: 0 or -errno. */
static int read_record(struct keep_entry *entry)
{
    autofree uint8_t *data = NULL;
    size_t size;
    autoclose int fd = openat(entry->directory, "keep.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int status = fd < 0 ? -errno : read_all(fd, RECORD_MAX, &data, &size);
    if (status == 0 && !keep_record_parse(span_of(data, size), &entry->record))
        status = -EBADMSG;
    if (status == 0 && entry->record.state < KEEP_ENDED && !keeps_alive(entry))
        entry->record.state = KEEP_LOST;
    return status;
}

int keeps_read(struct keep_entry *entry, struct err *err)
{
    int status = read_record(entry);
    return status < 0 ? err_set(err, ERR_IO, -status, "cannot read what is known of Keep %s",
                                entry->record.id)
                      : 0;
}

/* Opens a Keep by its whole id. */
static int open_entry(int place, const char *id, struct keep_entry *entry)
{
    *entry = (struct keep_entry){
        .directory = openat(place, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
        .lock = -1};
    int status = entry->directory < 0 ? -errno : read_record(entry);
    if (status == 0 && strcmp(entry->record.id, id) != 0)
        status = -EBADMSG;
    if (status < 0)
        keeps_close(entry);
    return status;
}

/* Whether a name in the place is that of a Keep that begins so. */
static bool is_id(const char *name, const char *begin)
{
    return strlen(name) == KEEP_ID_SIZE - 1 && strspn(name, "0123456789abcdef") == strlen(name) &&
           strncmp(name, begin, strlen(begin)) == 0;
}

/* Lists the ids that begin so: an array that is the caller's. */
static int list_ids(const char *begin, char (**ids)[KEEP_ID_SIZE], size_t *count, struct err *err)
{
    char path[PATH_SIZE];
    int place = open_place(false, path, err);
    *ids = NULL;
    *count = 0;
    if (place < 0)
        return place == -ENOENT ? 0 : place;
    DIR *directory = fdopendir(place);
    for (struct dirent *each; directory && (each = readdir(directory));) {
        if (!is_id(each->d_name, begin))
            continue;
        void *more = realloc(*ids, (*count + 1) * sizeof(**ids));
        if (!more)
            break;
        *ids = more;
        memcpy((*ids)[(*count)++], each->d_name, KEEP_ID_SIZE);
    }
    if (directory)
        closedir(directory);
    return 0;
}

int keeps_find(const char *id, struct keep_entry *entry, struct err *err)
{
    char path[PATH_SIZE];
    char(*ids)[KEEP_ID_SIZE] = NULL;
    size_t count = 0;
    int status = list_ids(id, &ids, &count, err);
    autofree __attribute__((unused)) void *owned = ids;
    if (status < 0)
        return status;
    if (count != 1) {
        err_set(err, ERR_USAGE, 0,
                count == 0 ? "there is no Keep %.32s" : "there are several Keeps %.32s…", id);
        err_hint(err, "enarx keep list --all shows them.");
        return -ENOENT;
    }
    autoclose int place = open_place(false, path, err);
    if (place < 0)
        return place;
    status = open_entry(place, ids[0], entry);
    return status < 0
               ? err_set(err, ERR_IO, -status, "cannot read what is known of Keep %s", ids[0])
               : 0;
}

static int by_start(const void *a, const void *b)
{
    const struct keep_record *first = a, *second = b;
    if (first->started != second->started)
        return first->started < second->started ? -1 : 1;
    return strcmp(first->id, second->id);
}

int keeps_each(void (*each)(void *context, const struct keep_record *record), void *context,
               struct err *err)
{
    char path[PATH_SIZE];
    char(*ids)[KEEP_ID_SIZE] = NULL;
    size_t count = 0, known = 0;
    int status = list_ids("", &ids, &count, err);
    autofree __attribute__((unused)) void *owned = ids;
    if (status < 0 || count == 0)
        return status;
    autofree struct keep_record *records = calloc(count, sizeof(*records));
    autoclose int place = open_place(false, path, err);
    if (!records || place < 0)
        return records ? place : err_set(err, ERR_IO, ENOMEM, "list the Keeps");
    for (size_t i = 0; i < count; i++) {
        struct keep_entry entry;
        if (open_entry(place, ids[i], &entry) < 0)
            continue; /* it is coming, or going */
        records[known++] = entry.record;
        keeps_close(&entry);
    }
    qsort(records, known, sizeof(*records), by_start);
    for (size_t i = 0; i < known; i++)
        each(context, &records[i]);
    return 0;
}

int keeps_signal(const struct keep_entry *entry, int number)
{
    autoclose int process = (int)syscall(SYS_pidfd_open, entry->record.pid, 0);
    if (process < 0)
        return -errno;
    if (!keeps_alive(entry)) /* then the process is another one */
        return -ESRCH;
    return syscall(SYS_pidfd_send_signal, process, number, NULL, 0) < 0 ? -errno : 0;
}
