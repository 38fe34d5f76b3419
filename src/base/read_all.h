/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files in memory. Both sides of the trust boundary. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Reads from a descriptor up to its end. What fstat says of the size is a guess and never trusted.
 * *data is the caller's, to be freed, and not NULL even where *size is 0.
 * -EFBIG: there are more than `limit` bytes. -EPROTO: a read answered more than was asked for.
 * Else 0 or -errno.
 */
__attribute__((warn_unused_result)) int read_all(int fd, size_t limit, uint8_t **data,
                                                 size_t *size);
