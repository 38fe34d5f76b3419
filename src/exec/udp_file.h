/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the program for datagrams that are not protected: of one peer, and listeners, which give
 * a file for each peer that sends something. Keep side.
 */
#pragma once

#include "base/err.h"
#include "exec/config.h"
#include "exec/file_stream.h"

/* Makes a file of a socket that socket_open gave, which it takes, also on failure. */
__attribute__((warn_unused_result)) int udp_file_open(const struct config_file *file, int fd,
                                                      struct file_stream *out, struct err *err);
