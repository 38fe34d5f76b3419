// SPDX-License-Identifier: Apache-2.0
#include "steward/audit.h"

#include "base/date.h"
#include "base/text.h"
#include "codec/base64.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_SIZE = 2048 };

/* Hashes the last line of the file, without its line feed. A line that was cut off by a crash is an
 * error: whoever runs the Steward has to look at it. */
static int find_last(struct audit *audit, const char *path, struct err *err)
{
    char tail[LINE_MAX_SIZE + 2];
    off_t end = lseek(audit->fd, 0, SEEK_END);
    if (end <= 0)
        return end < 0 ? err_set(err, ERR_IO, errno, "cannot read %s", path) : 0;
    off_t from = end > (off_t)sizeof(tail) ? end - (off_t)sizeof(tail) : 0;
    ssize_t size = pread(audit->fd, tail, sizeof(tail), from);
    if (size <= 0 || tail[size - 1] != '\n')
        return err_set(err, ERR_CONFIG, 0, "the last line of the audit log %s is not complete",
                       path);
    ssize_t first = size - 1;
    while (first > 0 && tail[first - 1] != '\n')
        first--;
    struct span line = span_of(tail + first, (size_t)(size - 1 - first));
    if (crypto_hash(CRYPTO_SHA256, &line, 1, audit->last) < 0)
        return err_set(err, ERR_INTERNAL, 0, "the audit log cannot be hashed");
    return 0;
}

int audit_open(struct audit *audit, const char *path, struct err *err)
{
    *audit = (struct audit){.fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
    if (audit->fd < 0)
        return err_set(err, ERR_IO, errno, "cannot open the audit log %s", path);
    return find_last(audit, path, err);
}

int audit_reopen(struct audit *audit, const char *path, struct err *err)
{
    struct audit fresh;
    int status = audit_open(&fresh, path, err);
    if (status < 0) {
        audit_close(&fresh);
        return status;
    }
    if (lseek(fresh.fd, 0, SEEK_END) == 0)
        memcpy(fresh.last, audit->last, sizeof(fresh.last));
    audit_close(audit);
    *audit = fresh;
    return 0;
}

void audit_close(struct audit *audit)
{
    if (audit->fd >= 0)
        close(audit->fd);
    audit->fd = -1;
}

static void put_pair(struct text *text, const char *key, const char *value)
{
    text_add_quoted(text, key);
    text_add(text, ":");
    text_add_quoted(text, value);
    text_add(text, ",");
}

static void put_hex(struct text *text, const char *key, const uint8_t *bytes, size_t size)
{
    char digits[2 * 64 + 1];
    hex_encode(span_of(bytes, size), digits);
    put_pair(text, key, digits);
}

/* Appends all of a line, or nothing. */
static int append(struct audit *audit, struct span line)
{
    off_t end = lseek(audit->fd, 0, SEEK_END);
    if (end < 0)
        return -errno;
    ssize_t done = write(audit->fd, line.data, line.size);
    if (done == (ssize_t)line.size)
        return 0;
    int status = done < 0 ? -errno : -ENOSPC;
    if (done > 0 && ftruncate(audit->fd, end) < 0)
        audit->broken = true;
    return status;
}

int audit_write(struct audit *audit, const struct attest_verdict *verdict, const uint8_t digest[32],
                int64_t now)
{
    char buffer[LINE_MAX_SIZE], time[DATE_TEXT_SIZE];
    struct text text = text_init(buffer, sizeof(buffer));
    uint8_t hash[sizeof(audit->last)];
    if (audit->fd < 0)
        return 0;
    if (audit->broken)
        return -EIO;
    date_format(now, time);
    text_add(&text, "{");
    put_pair(&text, "time", time);
    put_pair(&text, "code", attest_code_name(verdict->code));
    put_pair(&text, "technology", attest_technology_name(verdict->technology));
    put_pair(&text, "product", verdict->product);
    put_hex(&text, "measurement", verdict->measurement, verdict->measurement_size);
    put_hex(&text, "workload", verdict->workload.digest, verdict->workload.bound ? 32 : 0);
    put_hex(&text, "request", digest, 32);
    put_hex(&text, "previous", audit->last, sizeof(audit->last));
    text.size--; /* the last comma */
    text_add(&text, "}\n");
    struct span line = span_of(buffer, text.size - 1);
    if (text.overflow || crypto_hash(CRYPTO_SHA256, &line, 1, hash) < 0)
        return -EOVERFLOW;
    int status = append(audit, text_span(&text));
    if (status < 0)
        return status;
    memcpy(audit->last, hash, sizeof(hash));
    return fdatasync(audit->fd) < 0 ? -errno : 0;
}
