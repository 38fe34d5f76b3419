/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of requests to object storage: AWS Signature Version 4 with the Authorization header
 * and a signed payload. No I/O.
 */
#pragma once

#include "base/text.h"
#include "codec/http1.h"

enum {
    S3_DATE_SIZE = 17, /* "20130524T000000Z" and a NUL */
    S3_HASH_SIZE = 65, /* hexadecimal digits of a SHA-256 and a NUL */
    S3_AUTHORIZATION_MAX = 1024,
    S3_SIGNED_MAX = 12, /* headers of a request */
};

struct s3_credentials {
    const char *key_id, *secret, *region;
};

/* What is signed. Path and query are as they are sent: percent-encoded, and the query's parameters
 * in the order of their names, each with "=". */
struct s3_request {
    const char *method, *path, *query;
    /* All headers that are signed, names in lower case and in order; "host", "x-amz-date" and
     * "x-amz-content-sha256" are among them. */
    const struct http1_field *fields;
    size_t field_count;
    const char *date;      /* the value of x-amz-date */
    const char *body_hash; /* the value of x-amz-content-sha256 */
};

/* SHA-256 of bytes as digits. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int s3_hash(struct span bytes, char digits[S3_HASH_SIZE]);
/* The value of x-amz-date for a moment; "" if it has no date. */
void s3_date(int64_t seconds, char date[S3_DATE_SIZE]);
/* The value of Authorization. 0, -ENOMEM, or -EMSGSIZE if something does not fit. */
__attribute__((warn_unused_result)) int s3_sign(const struct s3_request *request,
                                                const struct s3_credentials *credentials,
                                                char authorization[S3_AUTHORIZATION_MAX]);
