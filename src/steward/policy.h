/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy file steward.toml: which evidence is acceptable. docs/evidence.md describes every key.
 *
 * The schema of the original, with additions. Strict: a key that is not known, a value of the wrong
 * kind or size, and a table that constrains nothing are errors. Host side; allocates.
 */
#pragma once

#include "attest.h"
#include "base/err.h"
#include "base/span.h"

/* What one client may take: an address of IPv4, or the first 64 bits of one of IPv6. */
struct policy_limits {
    uint32_t certifications_per_minute; /* 0: no limit */
    uint32_t burst;                     /* of them at once, from 1 */
    uint32_t connections;               /* from 1 */
};

struct policy_file {
    struct attest_policy policy;   /* points into what is allocated here */
    uint32_t certificate_lifetime; /* seconds */
    struct policy_limits limits;
    void **blocks;
    size_t block_count;
};

enum {
    POLICY_LIFETIME_DEFAULT = 28 * 24 * 3600,
    POLICY_CERTIFICATIONS_DEFAULT = 600,
    POLICY_BURST_DEFAULT = 200,
    POLICY_CONNECTIONS_DEFAULT = 64
};

/* Parses a text; `path` is for messages, and simulation roots are relative to its directory.
 * On failure the class is ERR_CONFIG. Release with policy_file_free either way. */
__attribute__((warn_unused_result)) int
policy_file_parse(struct span text, const char *path, struct policy_file *file, struct err *err);
/* The same for the file at `path`; for "-" from standard input, to its end. */
__attribute__((warn_unused_result)) int policy_file_load(const char *path, struct policy_file *file,
                                                         struct err *err);
void policy_file_free(struct policy_file *file);

/* A requirement on versions as Cargo writes it ("*", "1.0", ">=1.51, <2"), as lowest and highest
 * major << 8 | minor. -EINVAL if it cannot be understood or nothing satisfies it. */
__attribute__((warn_unused_result)) int policy_parse_version(struct span text, uint16_t *min,
                                                             uint16_t *max);
