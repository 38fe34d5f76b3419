// SPDX-License-Identifier: Apache-2.0
#include "collateral/fetch.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/url.h"
#include "steward/files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { ITEMS_MAX = 512 };

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void sleep_ms(int64_t milliseconds)
{
    struct timespec rest = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (milliseconds > 0 && nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

/* The pause before the next attempt: doubled each time, and up to half of it more by chance, so
 * that many who failed together do not come together again. */
static int64_t back_off(const struct collateral_source *source, unsigned attempt)
{
    int64_t pause = (int64_t)source->pause_ms << attempt;
    uint16_t chance = 0;
    if (getrandom(&chance, sizeof(chance), 0) < 0)
        return pause;
    return pause + pause * chance / (2 * UINT16_MAX);
}

/* Seconds of Retry-After, or -1. */
static int64_t retry_after(const struct http_reply *reply)
{
    const struct span *value = http1_header_find(&reply->head.head, "retry-after");
    int64_t seconds = 0;
    if (!value || value->size == 0 || value->size > 6)
        return -1;
    for (size_t i = 0; i < value->size; i++) {
        if (value->data[i] < '0' || value->data[i] > '9')
            return -1; /* a date, which says no more than the pauses do */
        seconds = seconds * 10 + (value->data[i] - '0');
    }
    return seconds;
}

static bool is_temporary(unsigned status)
{
    return status == 429 || status >= 500;
}

/* One request; 1 if it is worth another attempt after *pause milliseconds. */
static int attempt(struct collateral_source *source, const char *url, unsigned count,
                   struct http_reply *reply, int64_t *pause, struct err *err)
{
    const struct http_call call = {.method = "GET", .url = url};
    sleep_ms(source->last + source->interval_ms - now_ms());
    int status = http_client_call(source->client, &call, reply, err);
    source->last = now_ms();
    *pause = back_off(source, count);
    if (status < 0)
        return err->class == ERR_USAGE || status == -EACCES ? status : 1;
    if (reply->head.status == 200)
        return 0;
    unsigned code = reply->head.status;
    int64_t seconds = is_temporary(code) ? retry_after(reply) : -1;
    http_reply_free(reply);
    if (code == 404) {
        err_set(err, ERR_IO, 0, "%s: the service does not have it", url);
        return -ENOENT;
    }
    err_set(err, ERR_IO, 0, "%s: the service answers with status %u", url, code);
    if (seconds > COLLATERAL_RETRY_AFTER_MAX)
        return err_set(err, ERR_IO, 0, "%s: the service asks to come again in %lld seconds", url,
                       (long long)seconds);
    if (seconds >= 0)
        *pause = seconds * 1000;
    return is_temporary(code) ? 1 : -EPROTO;
}

static int get(struct collateral_source *source, const char *url, struct http_reply *reply,
               struct err *err)
{
    int64_t pause = 0;
    for (unsigned count = 0;; count++) {
        struct err failure = {0};
        int status = attempt(source, url, count, reply, &pause, &failure);
        if (status <= 0 || count + 1 >= source->attempts) {
            if (status != 0)
                *err = failure;
            return status > 0 ? -EIO : status;
        }
        log_info("collateral", "%s; again in %lld ms", failure.message, (long long)pause);
        sleep_ms(pause);
    }
}

/* The certificates of a header: PEM with percent-encoding. `memory` takes both steps. */
static int read_chain(const struct span *header, uint8_t *memory, struct collateral_answer *answer)
{
    struct pem_block block;
    size_t size;
    int more;
    if (url_decode(*header, memory, &size) < 0)
        return -EINVAL;
    struct span text = span_of(memory, size);
    uint8_t *at = memory + header->size;
    while ((more = pem_next(&text, &block)) > 0 && answer->chain_count < COLLATERAL_CHAIN_MAX) {
        struct attest_bytes *item = &answer->chain[answer->chain_count++];
        item->data = at;
        if (base64_decode(block.body, at, &item->size) < 0)
            return -EINVAL;
        at += item->size;
    }
    return more == 0 ? 0 : -EINVAL;
}

int collateral_fetch(struct collateral_source *source, const struct collateral_item *item,
                     struct err *err)
{
    char url[COLLATERAL_URL_MAX];
    struct http_reply reply;
    struct collateral_answer answer = {0};
    if (collateral_url(item, source->base, url) < 0)
        return err_set(err, ERR_USAGE, 0, "the URL of the service is too long");
    int status = get(source, url, &reply, err);
    if (status < 0)
        return status;
    const char *name = collateral_chain_header(item);
    const struct span *header = name ? http1_header_find(&reply.head.head, name) : NULL;
    autofree uint8_t *memory = header ? malloc(2 * header->size + 1) : NULL;
    answer.body = (struct attest_bytes){reply.body.data, reply.body.size};
    if (header && (!memory || read_chain(header, memory, &answer) < 0))
        status =
            err_set(err, ERR_IO, 0, "%s: the header %s is not a chain of certificates", url, name);
    else
        status = collateral_store(source->directory, item, &answer, source->time, err);
    http_reply_free(&reply);
    return status;
}

/* What of the directory changes with time. */
static int list_items(const char *path, struct collateral_item items[ITEMS_MAX], size_t *count,
                      struct err *err)
{
    DIR *directory = opendir(path);
    if (!directory)
        return err_set(err, ERR_IO, errno, "cannot open the directory %s", path);
    *count = 0;
    for (struct dirent *entry; *count < ITEMS_MAX && (entry = readdir(directory));)
        *count += collateral_of_name(entry->d_name, &items[*count]);
    closedir(directory);
    return 0;
}

int collateral_refresh(struct collateral_source *source, unsigned *fetched, struct err *err)
{
    size_t count = 0;
    int first = 0;
    *fetched = 0;
    autofree struct collateral_item *items = calloc(ITEMS_MAX, sizeof(*items));
    if (!items)
        return err_set(err, ERR_IO, ENOMEM, "cannot refresh collateral");
    int status = list_items(source->directory, items, &count, err);
    if (status < 0)
        return status;
    /* The root's list is needed to judge the rest. */
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            struct err failure = {0};
            if ((items[i].kind == COLLATERAL_INTEL_ROOT_CRL) != (pass == 0))
                continue;
            status = collateral_fetch(source, &items[i], &failure);
            *fetched += status == 0;
            if (status < 0)
                log_error("collateral", "%s", failure.message);
            if (status < 0 && first == 0) {
                first = status;
                if (err)
                    *err = failure;
            }
        }
    }
    return first;
}

int collateral_connect(const char *bundle, struct collateral_connection *connection,
                       struct err *err)
{
    struct evidence_files files = {0};
    struct attest_bytes roots = {0};
    *connection = (struct collateral_connection){0};
    int status = bundle ? evidence_files_read_plain(&files, bundle, &roots, err) : 0;
    struct crypto_tls_config config = {.trust = span_of(roots.data, roots.size),
                                       .system_trust = !bundle};
    if (status == 0 && crypto_tls_context_new(CRYPTO_TLS_CLIENT, &config, &connection->tls) < 0)
        status = err_set(err, ERR_CONFIG, 0, "there are no certificates of roots in %s",
                         bundle ? bundle : "the places of this system");
    if (status == 0) {
        struct http_client_config client = {
            .tls = connection->tls, .seconds = COLLATERAL_SECONDS, .body_max = COLLATERAL_BODY_MAX};
        connection->client = http_client_new(&client);
        status = connection->client ? 0 : err_set(err, ERR_IO, ENOMEM, "cannot fetch");
    }
    evidence_files_free(&files);
    if (status < 0)
        collateral_disconnect(connection);
    return status;
}

void collateral_disconnect(struct collateral_connection *connection)
{
    http_client_free(connection->client);
    crypto_tls_context_free(connection->tls);
    *connection = (struct collateral_connection){0};
}
