/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing all of a range of the host's file. Internal to src/sealed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Reads up to `size` bytes; *got is less at the end of the file only. 0 or -EIO. */
__attribute__((warn_unused_result)) int host_read(int fd, uint8_t *data, size_t size, uint64_t at,
                                                  size_t *got);
/* 0, -ENOSPC if the host has no room, or -EIO. */
__attribute__((warn_unused_result)) int host_write(int fd, const uint8_t *data, size_t size,
                                                   uint64_t at);
