/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the program that are protected by TLS or DTLS: listeners, and connections of both
 * directions.
 *
 * Keep side. The sockets are the host's, so that it may read, change, delay and cut what travels;
 * it learns sizes and times and can end connections, no more. Handshakes happen when the program
 * reads, writes or polls a connection: who is slow with one keeps nobody else waiting.
 */
#pragma once

#include "exec/config.h"
#include "exec/file_stream.h"
#include "exec/identity.h"

/*
 * Makes a file of a socket that socket_open gave, which it takes, also on failure. A connection
 * has its handshake here, within 30 seconds: a peer that is not believed is an error before the
 * program starts. Config, file and identity live as long as the program; a listener has the
 * certificate renewed when a client comes and the time for it has come. Class ERR_CONFIG if what
 * the file believes cannot be used, else ERR_IO.
 */
__attribute__((warn_unused_result)) int tls_file_open(const struct config *config,
                                                      const struct config_file *file,
                                                      struct identity *identity, int fd,
                                                      struct file_stream *out, struct err *err);
