/* SPDX-License-Identifier: Apache-2.0 */
/* What `run` and `unstable exec` share: the exec image, granted directories, the start. Host side.
 */
#pragma once

#include "keep/backend.h"

/* A range of bytes of a file that holds an exec. */
struct image {
    int fd; /* owned */
    uint64_t offset, size;
};

/* The built-in exec: a part of this program's own file. */
int image_open_builtin(struct image *image, struct err *err);
/* A whole file. */
int image_open_file(struct image *image, const char *path, struct err *err);
void image_close(struct image *image);

/* One --dir of the command line. */
struct grant {
    char *host;        /* owned */
    const char *guest; /* inside `host`'s storage; NULL if there is none */
    bool read_only;
};

/* Splits HOST::GUEST[:ro], or HOST[:ro] if `with_guest` is false. Release with grant_free. */
int grant_parse(const char *text, bool with_guest, struct grant *grant, struct err *err);
void grant_free(struct grant *grant);
