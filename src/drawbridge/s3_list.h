/* SPDX-License-Identifier: Apache-2.0 */
/* What object storage answers, as XML. No I/O. Internal to the store. */
#pragma once

#include "drawbridge/s3_client.h"

enum { S3_TOKEN_MAX = 2048 };

/* One page of a list of objects (ListObjectsV2) or of uploads in parts (ListMultipartUploads). */
struct s3_page {
    bool truncated;
    char token[S3_TOKEN_MAX];                               /* of the next page, of objects */
    char key_marker[S3_TOKEN_MAX], id_marker[S3_TOKEN_MAX]; /* likewise, of uploads */
};

/* Calls for each item whose key begins with `prefix`, which is cut off. 0, -EINVAL, or what the
 * callback returned. */
__attribute__((warn_unused_result)) int s3_parse_page(struct span xml, const char *prefix,
                                                      s3_item_fn each, void *context,
                                                      struct s3_page *page);
/* The text of the first element with this name directly in the outermost one. 0; -ENOENT; -EINVAL.
 */
__attribute__((warn_unused_result)) int s3_parse_value(struct span xml, const char *name, char *out,
                                                       size_t capacity);
