/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of files whose contents, names and sizes a host keeps but cannot read, and cannot change
 * without being found out. docs/adr/0013-sealed-storage.md has the reasons and what the host sees.
 *
 * Keep side. The host's directory holds one file, SEALED_LOG: what is in it is described in
 * journal.h. Names, sizes and where everything is are in the Keep's memory; contents are read when
 * they are wanted, and authenticated each time. Changes are collected and written as a whole: at a
 * sealed_sync, at sealed_close, and when the memory for them is used up. After a crash all that
 * was synchronized is there; of what came later, a beginning that ended at such a point.
 *
 *     struct sealed *store;
 *     if (sealed_open(directory_fd, key, NULL, &store, err) < 0)
 *         …
 *     sealed_find(store, SEALED_ROOT, "notes", SEALED_CREATE, &node);
 *     sealed_write(store, node, &iov, 1, 0, &done);
 *     sealed_sync(store);
 *     sealed_release(store, node);
 *     status = sealed_close(store);
 *
 * Functions return 0 or -errno. -EIO: the host refused, or answered something else than was once
 * written; the latter is logged. After an -EIO of sealed_sync nothing can be changed any more.
 * Any thread may call; one lock is held meanwhile.
 *
 * Limits, and what is answered beyond them: SEALED_NODES_MAX files and directories, and
 * SEALED_BLOCKS_MAX blocks of contents (-ENOSPC); SEALED_FILE_MAX bytes a file (-EFBIG).
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <time.h>

#define SEALED_LOG "sealed.log"
#define SEALED_NEW "sealed.new" /* while the log is written anew */

enum {
    SEALED_KEY_SIZE = 32,
    SEALED_DIGEST_SIZE = 16,
    SEALED_BLOCK = 4096,
    SEALED_NODES_MAX = 1 << 20,
    SEALED_BLOCKS_MAX = 1 << 22, /* 16 GiB */
    SEALED_NAME_MAX = 255,
    SEALED_LINKS_MAX = 1 << 16,
};
#define SEALED_FILE_MAX ((uint64_t)1 << 40)
#define SEALED_ROOT     ((uint64_t)1)
/* As an offset: at the end of the file. */
#define SEALED_APPEND UINT64_MAX

struct sealed;

struct sealed_options {
    bool read_only;
    uint64_t minimum;     /* a log of an older version is refused */
    uint32_t cache_pages; /* blocks kept in memory; 0: 1024 */
    uint64_t slack;       /* bytes of the log that may be of no use any more before it is written
                             anew, beside twice what is of use; 0: 16 MiB */
};

/*
 * Opens what is in a directory of the host, or begins it if there is nothing, and locks out
 * everybody else who locks. `directory` is borrowed as long as the store is open; `key` is copied.
 * The sentence in `err` says what was found and is of class ERR_IO. -EKEYREJECTED: it was sealed
 * with another key. -EBADMSG: it is not what a Keep has written. -ESTALE: its version is below the
 * minimum. -EBUSY: somebody else has it open.
 */
__attribute__((warn_unused_result)) int sealed_open(int directory,
                                                    const uint8_t key[SEALED_KEY_SIZE],
                                                    const struct sealed_options *options,
                                                    struct sealed **store, struct err *err);
/* Writes what is left, wipes the keys. NULL is accepted. */
int sealed_close(struct sealed *store);

/* Counts the changes that were written, over the whole life of the store; and what names this one:
 * the tag of the log's last record. An older copy of the log has a lower version. */
uint64_t sealed_version(struct sealed *store, uint8_t digest[SEALED_DIGEST_SIZE]);

/* ---- Files and directories ---------------------------------------------------------------------
 * A node is known by its number, and held from sealed_find to sealed_release: while it is, it can
 * be used even if it has no name any more. Paths are relative to a held directory and lead nowhere
 * above it: -EPERM.
 */

struct sealed_stat {
    uint64_t inode, links, size;
    uint64_t accessed, modified, changed; /* nanoseconds since 1970 */
    bool is_directory;
};

enum sealed_find { SEALED_CREATE = 1, SEALED_EXCLUSIVE = 2, SEALED_TRUNCATE = 4 };

/* Looks a path up, or creates a file there. `how` is of enum sealed_find. */
int sealed_find(struct sealed *store, uint64_t directory, const char *path, unsigned how,
                uint64_t *node);
void sealed_release(struct sealed *store, uint64_t node);

int sealed_stat(struct sealed *store, uint64_t node, struct sealed_stat *stat);
int sealed_stat_at(struct sealed *store, uint64_t directory, const char *path,
                   struct sealed_stat *stat);
/* As utimensat(2) has them: accessed, modified. */
int sealed_set_times(struct sealed *store, uint64_t node, const struct timespec times[2]);
int sealed_set_times_at(struct sealed *store, uint64_t directory, const char *path,
                        const struct timespec times[2]);

/* Both may do less than was asked for, but never nothing without a reason. */
int sealed_read(struct sealed *store, uint64_t node, const struct iovec *iovs, int count,
                uint64_t offset, size_t *done);
/* *end is the offset behind what was written. */
int sealed_write(struct sealed *store, uint64_t node, const struct iovec *iovs, int count,
                 uint64_t offset, size_t *done, uint64_t *end);
int sealed_resize(struct sealed *store, uint64_t node, uint64_t size);
/* Everything that was changed so far is on the host's disk, as far as the host tells the truth. */
int sealed_sync(struct sealed *store);

int sealed_mkdir(struct sealed *store, uint64_t directory, const char *path);
int sealed_unlink(struct sealed *store, uint64_t directory, const char *path);
int sealed_rmdir(struct sealed *store, uint64_t directory, const char *path);
int sealed_link(struct sealed *store, uint64_t directory, const char *path, uint64_t to,
                const char *to_path);
int sealed_rename(struct sealed *store, uint64_t directory, const char *path, uint64_t to,
                  const char *to_path);

/* Takes an entry; `next` is the cookie of what follows. False: no more room. */
typedef bool (*sealed_sink)(void *env, uint64_t next, uint64_t inode, bool is_directory,
                            const char *name, size_t length);
/* The entries from a cookie on, 0 for the first; no "." and "..". */
int sealed_list(struct sealed *store, uint64_t directory, uint64_t cookie, sealed_sink sink,
                void *env);
