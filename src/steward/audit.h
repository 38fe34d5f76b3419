/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log: one line of JSON for each decision, never changed afterwards. Each line has the
 * SHA-256 of the line before it, so that nobody can take one out unnoticed. Host side.
 */
#pragma once

#include "attest.h"
#include "base/err.h"

#include <stdbool.h>

struct audit {
    int fd;           /* -1: there is no log */
    bool broken;      /* a part of a line could not be taken back: nothing is written any more */
    uint8_t last[32]; /* hash of the last line */
};

/* Opens or begins the log at `path` and finds its last line. */
__attribute__((warn_unused_result)) int audit_open(struct audit *audit, const char *path,
                                                   struct err *err);
/* The same for a log that is open: its file may have been renamed. A new one goes on where the old
 * one ended: its first line has the hash of that one's last. On failure the old one stays. */
__attribute__((warn_unused_result)) int audit_reopen(struct audit *audit, const char *path,
                                                     struct err *err);
void audit_close(struct audit *audit);

/* Appends a decision and has it written to disk. 0 or -errno; then there is no part of a line, and
 * the chain goes on when the disk does. */
__attribute__((warn_unused_result)) int audit_write(struct audit *audit,
                                                    const struct attest_verdict *verdict,
                                                    const uint8_t digest[32], int64_t now);
