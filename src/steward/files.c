// SPDX-License-Identifier: Apache-2.0
#include "steward/files.h"

#include "base/cleanup.h"
#include "codec/base64.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_SIZE_MAX = 2 << 20 };

void evidence_files_free(struct evidence_files *files)
{
    for (size_t i = 0; i < files->block_count; i++)
        free(files->blocks[i].data);
    free(files->blocks);
    *files = (struct evidence_files){0};
}

void evidence_files_wipe(struct evidence_files *files)
{
    for (size_t i = 0; i < files->block_count; i++)
        explicit_bzero(files->blocks[i].data, files->blocks[i].size);
    evidence_files_free(files);
}

/* Memory that lives as long as `files`. */
static uint8_t *new_block(struct evidence_files *files, size_t size, struct err *err)
{
    struct evidence_block *blocks =
        realloc(files->blocks, (files->block_count + 1) * sizeof(*blocks));
    void *block = malloc(size + 1);
    if (blocks)
        files->blocks = blocks;
    if (!blocks || !block) {
        free(block);
        err_set(err, ERR_IO, ENOMEM, "cannot read a file of %zu bytes", size);
        return NULL;
    }
    files->blocks[files->block_count++] = (struct evidence_block){block, size};
    return block;
}

static int read_all(struct evidence_files *files, int directory, const char *path,
                    struct attest_bytes *bytes, struct err *err)
{
    autoclose int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return err_set(err, ERR_IO, errno, "cannot open %s", path);
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_SIZE_MAX)
        return err_set(err, ERR_IO, 0, "%s is not a file of at most %d bytes", path, FILE_SIZE_MAX);
    size_t size = (size_t)status.st_size, done = 0;
    uint8_t *block = new_block(files, size, err);
    if (!block)
        return -ENOMEM;
    while (done < size) {
        ssize_t got = read(fd, block + done, size - done);
        if (got < 0)
            return err_set(err, ERR_IO, errno, "cannot read %s", path);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *bytes = (struct attest_bytes){block, done};
    return 0;
}

static int add_item(struct evidence_files *files, struct attest_bytes item, struct err *err)
{
    if (files->count == ATTEST_COLLATERAL_MAX) {
        err_set(err, ERR_IO, 0, "there are more than %d certificates, lists and documents",
                ATTEST_COLLATERAL_MAX);
        err_hint(err, "Keep in the directory only what is current.");
        return -EINVAL;
    }
    files->items[files->count++] = item;
    return 0;
}

static bool is_pem(struct attest_bytes bytes)
{
    static const char begin[] = "-----BEGIN ";
    return bytes.size > sizeof(begin) && memcmp(bytes.data, begin, sizeof(begin) - 1) == 0;
}

/* Decodes the blocks of a PEM file: the first to *first, the others become items. */
static int split_pem(struct evidence_files *files, const char *path, struct attest_bytes *first,
                     struct err *err)
{
    struct span text = span_of(first->data, first->size);
    struct pem_block block;
    int more;
    for (size_t count = 0; (more = pem_next(&text, &block)) > 0; count++) {
        struct attest_bytes item;
        uint8_t *memory = new_block(files, BASE64_DECODED(block.body.size), err);
        if (!memory)
            return -ENOMEM;
        item.data = memory;
        if (base64_decode(block.body, memory, &item.size) < 0) {
            more = -EINVAL;
            break;
        }
        if (count == 0)
            *first = item;
        else if (add_item(files, item, err) < 0)
            return -EINVAL;
    }
    return more < 0 ? err_set(err, ERR_CONFIG, 0, "%s is not well-formed PEM", path) : 0;
}

int evidence_files_read_plain(struct evidence_files *files, const char *path,
                              struct attest_bytes *bytes, struct err *err)
{
    return read_all(files, AT_FDCWD, path, bytes, err);
}

int evidence_files_read(struct evidence_files *files, const char *path, struct attest_bytes *first,
                        struct err *err)
{
    int status = read_all(files, AT_FDCWD, path, first, err);
    if (status == 0 && is_pem(*first))
        status = split_pem(files, path, first, err);
    return status;
}

static int read_entry(struct evidence_files *files, int directory, const char *name,
                      struct err *err)
{
    struct attest_bytes bytes;
    struct err ignored = {0};
    /* Whatever else is in the directory is none of our business. */
    if (name[0] == '.' || read_all(files, directory, name, &bytes, &ignored) < 0)
        return 0;
    if (is_pem(bytes) && split_pem(files, name, &bytes, &ignored) < 0)
        return 0;
    bool plausible = bytes.size > 0 && (bytes.data[0] == 0x30 || bytes.data[0] == '{');
    return plausible ? add_item(files, bytes, err) : 0;
}

int evidence_files_read_directory(struct evidence_files *files, const char *path, struct err *err)
{
    DIR *directory = opendir(path);
    if (!directory)
        return err_set(err, ERR_IO, errno, "cannot open the directory %s", path);
    size_t before = files->count;
    int status = 0;
    for (struct dirent *entry; status == 0 && (entry = readdir(directory));)
        status = read_entry(files, dirfd(directory), entry->d_name, err);
    closedir(directory);
    if (status == 0 && files->count == before)
        return err_set(err, ERR_IO, 0, "there is no certificate, list or document in %s", path);
    return status;
}
