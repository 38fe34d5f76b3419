// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/program/stores.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "drawbridge/s3.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { NAME_MAX_S3 = 64, PREFIX_MAX = 64, SECRET_MAX = 128, CA_MAX = 4 << 20 };

#define ALPHANUMERIC "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct stores {
    char *path; /* of a directory; NULL: object storage */
    struct s3_config config;
    char bucket_name[NAME_MAX_S3], prefix[PREFIX_MAX + 1], secret[SECRET_MAX + 1];
    char *texts[4]; /* copies of options */
    struct s3_bucket *bucket;
};

/* Names are made of characters that need no encoding anywhere. */
static bool take_name(const char *text, size_t size, const char *others, size_t max)
{
    char allowed[128];
    snprintf(allowed, sizeof(allowed), ALPHANUMERIC "%s", others);
    return text && size > 0 && size < max && strspn(text, allowed) >= size && text[0] != '/' &&
           text[0] != '.' && !memmem(text, size, "//", 2) && !memmem(text, size, "..", 2);
}

/* "s3://BUCKET[/PREFIX[/]]" */
static int split_name(struct stores *stores, const char *name, struct err *err)
{
    const char *bucket = name + strlen("s3://"), *prefix = strchr(bucket, '/');
    size_t size = prefix ? (size_t)(prefix - bucket) : strlen(bucket);
    prefix = prefix ? prefix + 1 : "";
    size_t prefix_size = strlen(prefix);
    prefix_size -= prefix_size > 0 && prefix[prefix_size - 1] == '/';
    if (!take_name(bucket, size, "-.", sizeof(stores->bucket_name)) ||
        (*prefix && !take_name(prefix, prefix_size, "-._/", PREFIX_MAX)))
        return err_set(err, ERR_CONFIG, 0, "\"%s\" is not s3://BUCKET[/PREFIX]", name);
    snprintf(stores->bucket_name, sizeof(stores->bucket_name), "%.*s", (int)size, bucket);
    if (*prefix)
        snprintf(stores->prefix, sizeof(stores->prefix), "%.*s/", (int)prefix_size, prefix);
    return 0;
}

static int read_secret_file(const char *path, char *secret, struct err *err)
{
    struct stat status;
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return err_set(err, ERR_CONFIG, errno, "cannot read %s", path);
    if (status.st_mode & (S_IRWXG | S_IRWXO)) {
        err_set(err, ERR_CONFIG, 0, "others can read or write the secret in %s", path);
        err_hint(err, "chmod 600 %s", path);
        return -EINVAL;
    }
    ssize_t size = read(fd, secret, SECRET_MAX + 1);
    if (size < 0)
        return err_set(err, ERR_CONFIG, errno, "cannot read %s", path);
    secret[size <= SECRET_MAX ? size : 0] = '\0';
    secret[strcspn(secret, "\r\n")] = '\0';
    return 0;
}

static int read_secret(struct stores *stores, const char *path, struct err *err)
{
    const char *environment = getenv("AWS_SECRET_ACCESS_KEY");
    int status = 0;
    if (path)
        status = read_secret_file(path, stores->secret, err);
    else if (environment && strlen(environment) <= SECRET_MAX)
        memcpy(stores->secret, environment, strlen(environment) + 1);
    if (status < 0 || stores->secret[0])
        return status;
    err_set(err, ERR_CONFIG, 0, "there is no secret of the access key of the object storage");
    err_hint(err, "Name a file with --s3-secret-file, or set AWS_SECRET_ACCESS_KEY.");
    return -EINVAL;
}

static int make_tls(struct stores *stores, const char *path, struct err *err)
{
    autofree uint8_t *text = NULL;
    size_t size = 0;
    struct crypto_tls_config config = {.system_trust = !path};
    autoclose int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    int status = !path ? 0 : fd < 0 ? -errno : read_all(fd, CA_MAX, &text, &size);
    if (status < 0)
        return err_set(err, ERR_CONFIG, -status, "cannot read %s", path);
    config.trust = span_of(text, size);
    if (crypto_tls_context_new(CRYPTO_TLS_CLIENT, &config, &stores->config.tls) < 0)
        return err_set(err, ERR_CONFIG, 0, "%s has no certificates", path ? path : "the system");
    return 0;
}

static char *copy(struct stores *stores, size_t number, const char *text)
{
    return stores->texts[number] = strdup(text);
}

/* Without TLS everybody on the way could read what is private and change the head. */
static bool is_allowed(const char *endpoint)
{
    static const char *const allowed[] = {"https://", "http://127.", "http://localhost",
                                          "http://[::1]"};
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (strncmp(endpoint, allowed[i], strlen(allowed[i])) == 0)
            return true;
    }
    return false;
}

static int fill_config(struct stores *stores, const struct options *options, struct err *err)
{
    struct s3_config *config = &stores->config;
    if (!is_allowed(options->s3_endpoint))
        return err_set(err, ERR_CONFIG, 0,
                       "--s3-endpoint has to be https, or http on this machine, not \"%s\"",
                       options->s3_endpoint);
    *config = (struct s3_config){
        .endpoint = copy(stores, 0, options->s3_endpoint),
        .bucket = stores->bucket_name,
        .prefix = stores->prefix,
        .virtual_host = strcmp(options->s3_style, "virtual") == 0,
        .credentials = {copy(stores, 1, options->s3_key_id), stores->secret,
                        copy(stores, 2, options->s3_region)},
        .seconds = (unsigned)options->s3_timeout,
        .scratch = copy(stores, 3, options->scratch),
    };
    if (!config->endpoint || !config->credentials.key_id || !config->credentials.region ||
        !config->scratch)
        return err_set(err, ERR_IO, ENOMEM, "cannot start");
    return 0;
}

static int fill(struct stores *stores, const struct options *options, struct err *err)
{
    if (!options_store_is_s3(options)) {
        stores->path = strdup(options->store);
        return stores->path ? 0 : err_set(err, ERR_IO, ENOMEM, "cannot start");
    }
    int status = split_name(stores, options->store, err);
    if (status == 0)
        status = fill_config(stores, options, err);
    if (status == 0)
        status = read_secret(stores, options->s3_secret_file, err);
    if (status == 0 && strncmp(options->s3_endpoint, "https", 5) == 0)
        status = make_tls(stores, options->s3_ca, err);
    return status;
}

int stores_new(const struct options *options, struct stores **made, struct err *err)
{
    struct stores *stores = calloc(1, sizeof(*stores));
    if (!stores)
        return err_set(err, ERR_IO, ENOMEM, "cannot start");
    int status = fill(stores, options, err);
    if (status < 0)
        stores_free(stores);
    else
        *made = stores;
    return status;
}

int stores_start(struct stores *stores, bool create, struct err *err)
{
    struct store *store;
    if (!stores->path)
        return s3_bucket_open(&stores->config, create, &stores->bucket, err);
    int status = store_local_open(stores->path, create, &store, err);
    if (status == 0)
        store_close(store);
    return status;
}

int stores_open(struct stores *stores, struct store **store, struct err *err)
{
    return stores->path ? store_local_open(stores->path, false, store, err)
                        : store_s3_open(stores->bucket, store, err);
}

void stores_free(struct stores *stores)
{
    if (!stores)
        return;
    s3_bucket_close(stores->bucket);
    crypto_tls_context_free(stores->config.tls);
    for (size_t i = 0; i < sizeof(stores->texts) / sizeof(stores->texts[0]); i++)
        free(stores->texts[i]);
    free(stores->path);
    explicit_bzero(stores->secret, sizeof(stores->secret));
    free(stores);
}
