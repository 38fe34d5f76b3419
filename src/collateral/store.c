// SPDX-License-Identifier: Apache-2.0
#include "collateral/store.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 2 << 20, NAME_SIZE = COLLATERAL_NAME_MAX + 16, PATH_SIZE = 1024 };

/* Makes a directory and those above it. */
static int make_directory(const char *path, struct err *err)
{
    char part[PATH_SIZE];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof(part))
        return err_set(err, ERR_USAGE, ENAMETOOLONG, "cannot use the directory %s", path);
    for (size_t i = 1; i <= size; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return err_set(err, ERR_IO, errno, "cannot make the directory %s", part);
    }
    return 0;
}

/* A file of the directory, or nothing; *memory is to be freed. */
static struct attest_bytes read_file(int directory, const char *name, uint8_t **memory)
{
    struct attest_bytes none = {0};
    struct stat status;
    autoclose int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
        return none;
    *memory = malloc((size_t)status.st_size + 1);
    ssize_t got = *memory ? read(fd, *memory, (size_t)status.st_size) : -1;
    return got < 0 ? none : (struct attest_bytes){*memory, (size_t)got};
}

static int write_all(int fd, struct attest_bytes bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t got = write(fd, bytes.data + done, bytes.size - done);
        if (got < 0 && errno != EINTR)
            return -errno;
        done += got > 0 ? (size_t)got : 0;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int replace_file(int directory, const char *name, struct attest_bytes bytes, struct err *err)
{
    char fresh[NAME_SIZE];
    snprintf(fresh, sizeof(fresh), ".%.*s.new", COLLATERAL_NAME_MAX, name);
    unlinkat(directory, fresh, 0);
    autoclose int fd = openat(directory, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "cannot write %s", name);
    int status = write_all(fd, bytes);
    if (status == 0 && renameat(directory, fresh, directory, name) < 0)
        status = -errno;
    if (status == 0 && fsync(directory) < 0)
        status = -errno;
    if (status < 0)
        unlinkat(directory, fresh, 0);
    return status < 0 ? err_set(err, ERR_IO, -status, "cannot write %s", name) : 0;
}

/* What is needed beside an answer: the issuers' certificates, and the list of Intel's root. */
struct helpers {
    struct attest_bytes items[COLLATERAL_CHAIN_MAX + 1];
    size_t count;
};

static int judge(struct attest_bytes bytes, const struct helpers *helpers, int64_t time,
                 struct attest_collateral *about, struct attest_verdict *verdict)
{
    struct attest_request request = {.evidence = bytes,
                                     .collateral = helpers->items,
                                     .collateral_count = helpers->count,
                                     .time = time};
    return attest_verify_collateral(&request, about, verdict);
}

/* Whether what is there is good, and younger than what has come. */
static bool is_rollback(int directory, const char *name, const struct helpers *helpers,
                        int64_t time, const struct attest_collateral *about,
                        const struct attest_verdict *verdict)
{
    struct attest_collateral old;
    struct attest_verdict old_verdict;
    autofree uint8_t *memory = NULL;
    struct attest_bytes bytes = read_file(directory, name, &memory);
    if (bytes.size == 0 || judge(bytes, helpers, time, &old, &old_verdict) < 0)
        return false;
    return old.issued > about->issued || old_verdict.tcb_evaluation > verdict->tcb_evaluation;
}

/* Keeps the certificate of the issuer, if nobody could judge the answer without it. `list` is the
 * root's. */
static int store_issuer(int directory, const char *name, const struct collateral_answer *answer,
                        struct attest_bytes list, int64_t time, struct err *err)
{
    struct attest_collateral about;
    struct attest_verdict verdict;
    struct helpers helpers = {.items = {list}, .count = 1};
    char issuer[COLLATERAL_NAME_MAX + 8];
    if (judge(answer->body, &helpers, time, &about, &verdict) == 0)
        return 0;
    snprintf(issuer, sizeof(issuer), "%s.issuer", name);
    helpers.count = 2;
    for (size_t i = 0; i < answer->chain_count; i++) {
        helpers.items[1] = answer->chain[i];
        if (judge(answer->body, &helpers, time, &about, &verdict) == 0)
            return replace_file(directory, issuer, answer->chain[i], err);
    }
    return err_set(err, ERR_IO, 0, "%s is not kept: more than one certificate leads to the root",
                   name);
}

int collateral_store(const char *path, const struct collateral_item *item,
                     const struct collateral_answer *answer, int64_t time, struct err *err)
{
    struct collateral_item root = {.kind = COLLATERAL_INTEL_ROOT_CRL};
    struct attest_collateral about;
    struct attest_verdict verdict;
    struct helpers helpers = {.count = answer->chain_count};
    char name[COLLATERAL_NAME_MAX], root_name[COLLATERAL_NAME_MAX];
    int status = make_directory(path, err);
    if (status < 0)
        return status;
    autoclose int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return err_set(err, ERR_IO, errno, "cannot open the directory %s", path);
    collateral_name(item, name);
    collateral_name(&root, root_name);
    autofree uint8_t *memory = NULL;
    memcpy(helpers.items, answer->chain, sizeof(answer->chain));
    struct attest_bytes list = read_file(directory, root_name, &memory);
    helpers.items[helpers.count++] = list;
    if (judge(answer->body, &helpers, time, &about, &verdict) < 0)
        return err_set(err, ERR_IO, 0, "%s is not kept: %s", name, verdict.reason);
    if (!collateral_matches(item, &about, &verdict))
        return err_set(err, ERR_IO, 0, "%s is not kept: the service answered with something else",
                       name);
    if (is_rollback(directory, name, &helpers, time, &about, &verdict)) {
        err_set(err, ERR_IO, 0, "%s is not kept: it is older than what is there", name);
        return -ESTALE;
    }
    status = store_issuer(directory, name, answer, list, time, err);
    return status == 0 ? replace_file(directory, name, answer->body, err) : status;
}
