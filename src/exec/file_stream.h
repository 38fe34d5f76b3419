/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the program that are made here have in common. Keep side. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct wick_wasi_stream; /* <wick_wasi.h> */
struct wick_wasi_wait;

/* What WASI does with a file, and the file, of which it is the owner then. */
struct file_stream {
    const struct wick_wasi_stream *ops; /* NULL: there is none */
    void *env;
};

/* Closes a file that WASI does not own. */
void file_stream_close(const struct file_stream *stream);

/* Waits as it is said. 0, also when a signal or the end of the time came before an event; -errno.
 */
__attribute__((warn_unused_result)) int file_wait(const struct wick_wasi_wait *wait);
/* Whether an event is there. */
bool file_is_ready(int fd, short events);
/* CLOCK_MONOTONIC, for deadlines. */
int64_t file_milliseconds(void);
/* What is left of the time until then, from 0 up. */
int file_time_left(int64_t deadline);
