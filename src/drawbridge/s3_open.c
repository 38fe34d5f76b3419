// SPDX-License-Identifier: Apache-2.0
/* A bucket is opened: scratch files, what the server can do, the log. */
#include "codec/base64.h"
#include "crypto/sign.h"
#include "drawbridge/s3_bucket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 60, PROBES = 6 };

#define SCRATCH_NAME "drawbridge-"

int s3_scratch_file(const struct s3_bucket *bucket)
{
    char name[S3_PATH_MAX + 16];
    snprintf(name, sizeof(name), "%s/t-XXXXXX", bucket->directory);
    int fd = mkostemp(name, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    unlink(name);
    return fd;
}

static void remove_directory(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));)
        unlinkat(fd, entry->d_name, 0);
    closedir(directory);
    unlinkat(parent, name, AT_REMOVEDIR);
}

/* Whether a directory is of a program that is no more. Who has just made his may not have locked it
 * yet. */
static bool is_stale(int parent, const char *name)
{
    struct stat status;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    bool stale = fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
                 status.st_mtim.tv_sec + STALE_SECONDS < time(NULL) &&
                 flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return stale;
}

/* What programs left that were killed. */
static void remove_stale(const char *scratch)
{
    DIR *directory = opendir(scratch);
    if (!directory)
        return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (strncmp(entry->d_name, SCRATCH_NAME, strlen(SCRATCH_NAME)) == 0 &&
            is_stale(dirfd(directory), entry->d_name))
            remove_directory(dirfd(directory), entry->d_name);
    }
    closedir(directory);
}

static int make_scratch(struct s3_bucket *bucket, struct err *err)
{
    const char *scratch = bucket->config.scratch;
    if (strlen(scratch) > S3_PATH_MAX - 32)
        return err_set(err, ERR_CONFIG, ENAMETOOLONG, "cannot use the scratch directory");
    if (mkdir(scratch, 0700) < 0 && errno != EEXIST)
        return err_set(err, ERR_IO, errno, "cannot make the scratch directory %s", scratch);
    remove_stale(scratch);
    snprintf(bucket->directory, sizeof(bucket->directory), "%s/" SCRATCH_NAME "XXXXXX", scratch);
    if (!mkdtemp(bucket->directory)) {
        bucket->directory[0] = '\0';
        return err_set(err, ERR_IO, errno, "cannot use the scratch directory %s", scratch);
    }
    bucket->directory_fd = open(bucket->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (bucket->directory_fd < 0 || flock(bucket->directory_fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, ERR_IO, errno, "cannot use the scratch directory %s", scratch);
    snprintf(bucket->file, sizeof(bucket->file), "%s/records.db", bucket->directory);
    return records_open(&bucket->records, bucket->file, true, false, err);
}

static int fail_probe(struct s3_bucket *bucket, int status, struct err *err)
{
    const struct err *why = s3_client_err(bucket->client);
    err_set(err, ERR_IO, 0, "the bucket %s cannot be used: %s", bucket->config.bucket,
            why->message[0] ? why->message : strerror(-status));
    return status;
}

static int refuse_server(struct s3_bucket *bucket, const char *what, struct err *err)
{
    err_set(err, ERR_CONFIG, 0, "%s %s", bucket->config.endpoint, what);
    err_hint(err, "A store needs object storage with conditional writes: PUT with If-None-Match "
                  "and If-Match.");
    return -EINVAL;
}

/* Whether If-Match is understood, with the ETag as it is or without its quotes. */
static int probe_match(struct s3_bucket *bucket, const char *name, char etag[S3_ETAG_MAX],
                       struct err *err)
{
    char wrong[S3_ETAG_MAX] = "\"00000000000000000000000000000000\"";
    int status = s3_put(bucket->client, name, SPAN_LITERAL("two"), S3_IF_MATCH, wrong);
    if (status == 0)
        return refuse_server(bucket, "writes whatever If-Match says", err);
    if (status != -EEXIST)
        return fail_probe(bucket, status, err);
    for (unsigned bare = 0; bare < 2; bare++) {
        char right[S3_ETAG_MAX];
        memcpy(right, etag, sizeof(right));
        bucket->config.bare_etags = bare == 1;
        status = s3_put(bucket->client, name, SPAN_LITERAL("three"), S3_IF_MATCH, right);
        if (status != -EEXIST)
            return status < 0 ? fail_probe(bucket, status, err) : 0;
    }
    refuse_server(bucket, "refuses what If-Match allows", err);
    return -EAGAIN; /* unless it was written, and the answer was lost */
}

/* -EAGAIN: it seems not, but answers may have been lost. */
static int probe_once(struct s3_bucket *bucket, struct err *err)
{
    uint8_t nonce[S3_NONCE];
    char name[S3_OBJECT_NAME_MAX], digits[2 * S3_NONCE + 1], etag[S3_ETAG_MAX];
    if (crypto_random(nonce, sizeof(nonce)) < 0)
        return err_set(err, ERR_IO, EIO, "there are no random bytes");
    hex_encode(span_of(nonce, sizeof(nonce)), digits);
    snprintf(name, sizeof(name), "probe/%s", digits);
    int status = s3_put(bucket->client, name, SPAN_LITERAL("one"), S3_IF_ABSENT, etag);
    if (status < 0) {
        fail_probe(bucket, status, err);
        return status == -EEXIST ? -EAGAIN : status; /* nobody else has this name */
    }
    status = s3_put(bucket->client, name, SPAN_LITERAL("one"), S3_IF_ABSENT, NULL);
    if (status == 0)
        status = refuse_server(bucket, "writes whatever If-None-Match says", err);
    else
        status = status == -EEXIST ? probe_match(bucket, name, etag, err)
                                   : fail_probe(bucket, status, err);
    int removed = s3_delete(bucket->client, name);
    return status < 0 || removed == 0 ? status : fail_probe(bucket, removed, err);
}

/* Whether conditional writes are honoured: a server that ignored the conditions would lose what was
 * acknowledged as soon as two write at once. */
static int probe(struct s3_bucket *bucket, struct err *err)
{
    int status = -EAGAIN;
    for (unsigned i = 0; status == -EAGAIN && i < PROBES; i++)
        status = probe_once(bucket, err);
    return status;
}

/* The first unit makes an empty bucket a store. */
static int create_head(struct s3_bucket *bucket)
{
    struct s3_bytes bytes = {0};
    s3_head_write(bucket->head, &bytes);
    int status = bytes.failed ? -ENOMEM
                              : s3_put(bucket->client, "head", span_of(bytes.data, bytes.size),
                                       S3_IF_ABSENT, NULL);
    s3_bytes_fini(&bytes);
    return status == -EEXIST ? 0 : status; /* another one was first */
}

static int open_log(struct s3_bucket *bucket, bool create, struct err *err)
{
    int status = s3_bucket_refresh(bucket);
    if (status == -ENODATA && !create)
        return err_set(err, ERR_CONFIG, 0, "the bucket %s has no store of a Drawbridge at \"%s\"",
                       bucket->config.bucket, bucket->config.prefix);
    if (status == -ENODATA)
        status = create_head(bucket);
    if (status == 0)
        status = s3_bucket_refresh(bucket);
    return status < 0 ? fail_probe(bucket, status, err) : 0;
}

static int open_bucket(struct s3_bucket *bucket, bool create, struct err *err)
{
    int status = make_scratch(bucket, err);
    if (status < 0)
        return status;
    bucket->client = s3_client_new(&bucket->config);
    bucket->head = calloc(1, sizeof(*bucket->head));
    bucket->next_head = calloc(1, sizeof(*bucket->next_head));
    if (!bucket->client || !bucket->head || !bucket->next_head)
        return err_set(err, ERR_CONFIG, 0, "cannot use %s as an endpoint", bucket->config.endpoint);
    status = probe(bucket, err);
    return status == 0 ? open_log(bucket, create, err) : status;
}

int s3_bucket_open(const struct s3_config *config, bool create, struct s3_bucket **opened,
                   struct err *err)
{
    struct s3_bucket *bucket = calloc(1, sizeof(*bucket));
    if (!bucket)
        return err_set(err, ERR_IO, ENOMEM, "cannot open the store");
    bucket->config = *config;
    bucket->directory_fd = -1;
    bucket->wishes_end = &bucket->wishes;
    pthread_mutex_init(&bucket->mutex, NULL);
    pthread_cond_init(&bucket->changed, NULL);
    int status = open_bucket(bucket, create, err);
    if (status < 0)
        s3_bucket_close(bucket);
    else
        *opened = bucket;
    return status;
}

void s3_bucket_close(struct s3_bucket *bucket)
{
    if (!bucket)
        return;
    records_close(&bucket->records);
    s3_client_free(bucket->client);
    if (bucket->head)
        s3_bytes_fini(&bucket->head->tail);
    if (bucket->next_head)
        s3_bytes_fini(&bucket->next_head->tail);
    free(bucket->head);
    free(bucket->next_head);
    if (bucket->directory_fd >= 0)
        close(bucket->directory_fd);
    if (bucket->directory[0])
        remove_directory(AT_FDCWD, bucket->directory);
    pthread_cond_destroy(&bucket->changed);
    pthread_mutex_destroy(&bucket->mutex);
    free(bucket);
}
