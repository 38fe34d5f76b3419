/* SPDX-License-Identifier: Apache-2.0 */
/* Files that hold evidence and what vouches for it, read into memory; PEM is taken apart. Host. */
#pragma once

#include "attest.h"
#include "base/err.h"
#include "base/span.h"

struct evidence_block {
    void *data;
    size_t size;
};

struct evidence_files {
    struct attest_bytes items[ATTEST_COLLATERAL_MAX]; /* DER or JSON; into `blocks` */
    size_t count;
    struct evidence_block *blocks; /* what was allocated; internal */
    size_t block_count;
};

void evidence_files_free(struct evidence_files *files);
/* The same for files that hold secrets: overwrites them first. */
void evidence_files_wipe(struct evidence_files *files);

/* Reads a file whose first (or only) part is returned; further parts of a PEM file become items. */
int evidence_files_read(struct evidence_files *files, const char *path, struct attest_bytes *first,
                        struct err *err);

/* Reads a file as it is. */
int evidence_files_read_plain(struct evidence_files *files, const char *path,
                              struct attest_bytes *bytes, struct err *err);

/* Makes items of all files directly in a directory that look like certificates, revocation lists or
 * Intel's documents. Fails if there is none. */
int evidence_files_read_directory(struct evidence_files *files, const char *path, struct err *err);
