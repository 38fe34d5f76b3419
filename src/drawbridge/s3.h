/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in object storage that speaks the protocol of S3 and honours conditional writes. Several
 * programs may use one bucket. docs/adr/0014-s3-store.md says how.
 *
 *     PREFIX/head              the log's end: the only object that changes, by compare-and-swap
 *     PREFIX/log/SEQ-NONCE     older parts of the log of changes
 *     PREFIX/snapshots/…       all records at a moment
 *     PREFIX/contents/SHA-NONCE   contents that are not small
 *     PREFIX/uploads/ID/…      what is being uploaded and can be taken up again
 *
 * A bucket is shared by the threads of a program, each of which has a store of its own.
 */
#pragma once

#include "crypto/tls.h"
#include "drawbridge/s3_sign.h"
#include "drawbridge/store.h"

struct s3_config {
    const char *endpoint; /* URL without a path: https, or http */
    const char *bucket;
    const char *prefix; /* of names, with a slash at its end; or "" */
    bool virtual_host;  /* the bucket is part of the host's name, not of the path */
    struct s3_credentials credentials;
    struct crypto_tls_context *tls; /* NULL: only http; borrowed */
    unsigned seconds;               /* without a byte moving, before an attempt is given up */
    const char *scratch;            /* a directory for files that live as long as the program */
    bool bare_etags;                /* internal: what this server wants in If-Match */
};

struct s3_bucket;

/* Opens a bucket, which has to honour conditional writes: that is tried. With `create`, one that is
 * empty becomes a store. The configuration is borrowed but for `bare_etags`. 0 or -errno. */
__attribute__((warn_unused_result)) int s3_bucket_open(const struct s3_config *config, bool create,
                                                       struct s3_bucket **bucket, struct err *err);
/* After all stores of it were closed. */
void s3_bucket_close(struct s3_bucket *bucket);

/* A store for one thread. */
__attribute__((warn_unused_result)) int store_s3_open(struct s3_bucket *bucket,
                                                      struct store **store, struct err *err);
