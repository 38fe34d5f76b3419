/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests of contents: in headers, in JSON, and computed piece by piece.
 *
 *     Content-Digest: sha-224=:B64:,sha-256=:B64:,sha-384=:B64:,sha-512=:B64:
 *     {"sha-224":"B64","sha-256":"B64","sha-384":"B64","sha-512":"B64"}
 *
 * Base64 is the standard one with padding. Written are all that are present, in this order.
 */
#pragma once

#include "base/text.h"

enum digest_algorithm { DIGEST_SHA224, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_COUNT };
enum { DIGEST_SIZE_MAX = 64, DIGEST_HEADER_MAX = 400 };

struct digests {
    bool has[DIGEST_COUNT];
    uint8_t value[DIGEST_COUNT][DIGEST_SIZE_MAX];
};

size_t digest_size(enum digest_algorithm algorithm);
/* "sha-224", … */
const char *digest_name(enum digest_algorithm algorithm);

bool digests_empty(const struct digests *digests);
/* Whether each that is in `wanted` is in `actual`, with the same value. */
bool digests_match(const struct digests *wanted, const struct digests *actual);

/* Adds what one Content-Digest line has; a later value replaces an earlier one. 0, or -EINVAL for
 * an unknown algorithm, blanks, bad base64, or nothing at all. */
__attribute__((warn_unused_result)) int digests_parse_header(struct span value,
                                                             struct digests *digests);
void digests_write_header(const struct digests *digests, struct text *text);

/* A JSON value that json_parse accepted. 0 or -EINVAL. */
__attribute__((warn_unused_result)) int digests_parse_json(struct span value,
                                                           struct digests *digests);
void digests_write_json(const struct digests *digests, struct text *text);

/* All four at once over bytes that come in pieces. */
struct digester;

/* NULL without memory. */
struct digester *digester_new(void);
void digester_free(struct digester *digester);
__attribute__((warn_unused_result)) int digester_add(struct digester *digester, struct span bytes);
/* The digests of what was added; then it begins anew. */
__attribute__((warn_unused_result)) int digester_end(struct digester *digester,
                                                     struct digests *digests);
/* All four of one range. */
__attribute__((warn_unused_result)) int digests_of(struct span bytes, struct digests *digests);
