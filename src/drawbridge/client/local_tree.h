/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file or a directory of this machine as a tree of a package: entries and digests, as
 * drawbridge/tree.h has them. Host side.
 *
 * Only regular files and directories; symbolic links are refused, except for the path itself. What
 * changes while it is read, or between being read and being uploaded, is noticed by its digests.
 */
#pragma once

#include "base/err.h"
#include "drawbridge/tree.h"

enum { LOCAL_NODES_MAX = 16384, LOCAL_DIRECTORY_MAX = 2 << 20 };

/* Tells how far something is: bytes of a node that were read, or have moved. */
struct package_watch {
    void (*moved)(void *context, const char *path, uint64_t done, uint64_t total);
    void *context;
};

struct local_node {
    char *path;         /* nodes joined by slashes; "" is the root */
    struct entry entry; /* the type is a constant */
    char *listing;      /* a directory in its canonical form; NULL for files */
};

struct local_tree {
    struct local_node *nodes; /* parents before children; the first is the root */
    size_t count;
    char *name; /* the path that was read */
    int fd;     /* of the root */
};

enum local_rules {
    LOCAL_ANY,     /* whatever names allow */
    LOCAL_PACKAGE, /* main.wasm, or a directory of main.wasm and Enarx.toml: what a Keep runs */
};

/* Reads and digests everything. On failure there is nothing to release; the class is ERR_USAGE for
 * what a package cannot have. */
__attribute__((warn_unused_result)) int local_tree_read(const char *path, enum local_rules rules,
                                                        const struct package_watch *watch,
                                                        struct local_tree *tree, struct err *err);
void local_tree_free(struct local_tree *tree);

/* Opens the file of a node for reading, at its beginning. The descriptor is the caller's. */
__attribute__((warn_unused_result)) int local_tree_open(const struct local_tree *tree,
                                                        const struct local_node *node, int *fd,
                                                        struct err *err);
