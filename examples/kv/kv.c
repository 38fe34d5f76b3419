// SPDX-License-Identifier: Apache-2.0
/*
 * A key-value store. Each value is a file of a directory that Enarx.toml seals: the host keeps it
 * and can neither read nor change it. README.md describes what clients say.
 *
 * A change is acknowledged when fsync has returned, and is there after every crash from then on. A
 * new value becomes the old one's file by one rename: after a crash it is the one or the other.
 */
#include "../clients/clients.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_SIZE_MAX = 100,
    VALUE_SIZE_MAX = 64 * 1024,
    KEYS_MAX = 10000,
    KEYS_SHOWN = 100,
    LINE_SIZE_MAX = 256,
    WORDS_MAX = 3,
};

static int directory;
static char keys[KEYS_MAX][KEY_SIZE_MAX + 1]; /* sorted */
static size_t key_count;
static char value[VALUE_SIZE_MAX];

/* ---- The index: which keys there are --------------------------------------------------------- */

static int compare_keys(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* Where the key is, or would be. */
static size_t find_key(const char *key)
{
    size_t low = 0, high = key_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(keys[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_key(const char *key)
{
    size_t at = find_key(key);
    return at < key_count && strcmp(keys[at], key) == 0;
}

static void index_add(const char *key)
{
    size_t at = find_key(key);
    memmove(keys[at + 1], keys[at], (key_count++ - at) * sizeof(keys[0]));
    strcpy(keys[at], key); /* is_key has looked at its length */
}

static void index_remove(const char *key)
{
    size_t at = find_key(key);
    memmove(keys[at], keys[at + 1], (--key_count - at) * sizeof(keys[0]));
}

/* A key is the name of its file; none begins like ".new". */
static bool is_key(const char *text)
{
    size_t size = strlen(text);
    return size > 0 && size <= KEY_SIZE_MAX && *text != '.' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") ==
               size;
}

static bool index_load(void)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing)
        return false;
    for (struct dirent *entry; (entry = readdir(listing)) && key_count < KEYS_MAX;) {
        if (is_key(entry->d_name))
            strcpy(keys[key_count++], entry->d_name);
    }
    closedir(listing);
    qsort(keys, key_count, sizeof(keys[0]), compare_keys);
    return true;
}

/* ---- The files ------------------------------------------------------------------------------- */

/* Reads the value; its size, or -1. */
static ssize_t load(const char *key)
{
    int fd = openat(directory, key, O_RDONLY);
    if (fd < 0)
        return -1;
    ssize_t got, size = 0;
    while ((got = read(fd, value + size, sizeof(value) - (size_t)size)) > 0)
        size += got;
    close(fd);
    return got < 0 ? -1 : size;
}

static bool write_new(const char *bytes, size_t size)
{
    int fd = openat(directory, ".new", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        return false;
    bool good = true;
    for (size_t done = 0; good && done < size;) {
        ssize_t written = write(fd, bytes + done, size - done);
        good = written > 0;
        done += good ? (size_t)written : 0;
    }
    good = good && fsync(fd) == 0;
    return close(fd) == 0 && good;
}

static bool store(const char *key, const char *bytes, size_t size)
{
    if (!write_new(bytes, size) || renameat(directory, ".new", directory, key) || fsync(directory))
        return false;
    if (!has_key(key))
        index_add(key);
    return true;
}

/* ---- Requests -------------------------------------------------------------------------------- */

/* The store no longer knows what is on disk: it ends, and begins again with what is there. */
static void fail(void)
{
    perror("kv: the directory fails");
    exit(1);
}

static void answer_value(struct client *client, size_t size)
{
    client_print(client, "VALUE %zu\n", size);
    client_send(client, value, size);
    client_send(client, "\n", 1);
}

static void set(struct client *client, const char *key, const char *bytes, size_t size)
{
    if (key_count == KEYS_MAX && !has_key(key)) {
        client_print(client, "ERROR there are %d keys already\n", KEYS_MAX);
        return;
    }
    if (!store(key, bytes, size))
        fail();
    client_print(client, "OK\n");
}

static void get(struct client *client, const char *key)
{
    if (!has_key(key)) {
        client_print(client, "NONE\n");
        return;
    }
    ssize_t size = load(key);
    if (size < 0)
        fail();
    answer_value(client, (size_t)size);
}

static void delete (struct client *client, const char *key)
{
    if (!has_key(key)) {
        client_print(client, "NONE\n");
        return;
    }
    if (unlinkat(directory, key, 0) || fsync(directory))
        fail();
    index_remove(key);
    client_print(client, "OK\n");
}

static void increment(struct client *client, const char *key)
{
    char text[24] = "0", *end = text + 1;
    if (key_count == KEYS_MAX && !has_key(key)) {
        client_print(client, "ERROR there are %d keys already\n", KEYS_MAX);
        return;
    }
    if (has_key(key)) {
        ssize_t size = load(key);
        if (size < 0)
            fail();
        end = text + ((size_t)size < sizeof(text) ? (size_t)size : 0);
        memcpy(text, value, (size_t)(end - text));
        *end = '\0';
    }
    char *after;
    errno = 0;
    int64_t number = strtoll(text, &after, 10);
    if (errno || end == text || after != end || number == INT64_MAX) {
        client_print(client, "ERROR the value is no number that can grow\n");
        return;
    }
    int size = snprintf(value, sizeof(value), "%" PRId64, number + 1);
    if (!store(key, value, (size_t)size))
        fail();
    answer_value(client, (size_t)size);
}

static void show_keys(struct client *client, const char *after)
{
    size_t begin = find_key(after);
    if (begin < key_count && strcmp(keys[begin], after) == 0)
        begin++;
    size_t count = key_count - begin < KEYS_SHOWN ? key_count - begin : KEYS_SHOWN;
    client_print(client, "KEYS %zu\n", count);
    for (size_t i = begin; i < begin + count; i++)
        client_print(client, "%s\n", keys[i]);
}

static size_t refuse(struct client *client, const char *why, size_t size)
{
    client_print(client, "ERROR %s\n", why);
    client_end(client);
    return size;
}

/* SET key size, a line feed, the bytes, a line feed. */
static size_t take_set(struct client *client, char **words, const char *bytes, size_t line,
                       size_t size)
{
    char *end;
    unsigned long length = strtoul(words[2], &end, 10);
    if (*words[2] < '0' || *words[2] > '9' || *end || length > VALUE_SIZE_MAX)
        return refuse(client, "a value has up to 65536 bytes", size);
    if (size - line < length + 1)
        return 0;
    if (bytes[line + length] != '\n')
        return refuse(client, "the value is longer than was said", size);
    set(client, words[1], bytes + line, length);
    return line + length + 1;
}

static const struct command {
    const char *name;
    int words_min, words_max;
    void (*run)(struct client *client, const char *key); /* NULL: take_set */
} commands[] = {
    {"SET", 3, 3, NULL},       {"GET", 2, 2, get},        {"DEL", 2, 2, delete},
    {"INCR", 2, 2, increment}, {"KEYS", 1, 2, show_keys},
};

/* Takes one request. */
static size_t take(struct client *client, const char *bytes, size_t size)
{
    char line[LINE_SIZE_MAX], *words[WORDS_MAX + 1] = {NULL}, *rest = line;
    const char *end = memchr(bytes, '\n', size < LINE_SIZE_MAX ? size : LINE_SIZE_MAX);
    if (!end)
        return size < LINE_SIZE_MAX ? 0 : refuse(client, "the line is too long", size);
    size_t length = (size_t)(end - bytes);
    memcpy(line, bytes, length);
    line[length] = '\0';
    int count = 0;
    while (count <= WORDS_MAX && (words[count] = strtok_r(rest, " \r", &rest)))
        count++;
    if (count > 1 && !is_key(words[1]))
        return refuse(client, "a key has 1 to 100 letters, digits, or . _ : - (none begins with .)",
                      size);
    for (size_t i = 0; count > 0 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *command = &commands[i];
        if (strcmp(words[0], command->name) || count < command->words_min ||
            count > command->words_max)
            continue;
        if (!command->run)
            return take_set(client, words, bytes, length + 1, size);
        command->run(client, count > 1 ? words[1] : "");
        return length + 1;
    }
    return refuse(client, "SET key size, GET key, DEL key, INCR key and KEYS [key] are known",
                  size);
}

int main(void)
{
    static const struct service kv = {
        .clients_max = 64,
        .input_max = LINE_SIZE_MAX + VALUE_SIZE_MAX + 1,
        .output_max = LINE_SIZE_MAX + VALUE_SIZE_MAX + 1,
        .idle_seconds = 600,
        .take = take,
    };
    directory = find_file("/data");
    if (directory < 0)
        return 1;
    if (!index_load())
        fail();
    return clients_serve("kv", &kv);
}
