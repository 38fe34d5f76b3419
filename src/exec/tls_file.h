/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the program that are protected by TLS: listeners, and connections of both directions.
 *
 * Keep side. The sockets are the host's, so that it may read, change, delay and cut what travels;
 * it learns sizes and times and can end connections, no more. Handshakes happen when the program
 * reads, writes or polls a connection: who is slow with one keeps nobody else waiting.
 */
#pragma once

#include "exec/config.h"
#include "exec/identity.h"

struct tls_file;
struct wick_wasi_stream; /* <wick_wasi.h> */

/*
 * Makes a TLS file of a socket that socket_open gave, which it takes, also on failure. A connection
 * has its handshake here, within 30 seconds: a peer that is not believed is an error before the
 * program starts. Config, file and identity live as long as the program; a listener has the
 * certificate renewed when a client comes and the time for it has come. Class ERR_CONFIG if what
 * the file believes cannot be used, else ERR_IO.
 */
__attribute__((warn_unused_result)) int tls_file_open(const struct config *config,
                                                      const struct config_file *file,
                                                      struct identity *identity, int fd,
                                                      struct tls_file **out, struct err *err);
/* Says goodbye and closes the socket. NULL is accepted. */
void tls_file_free(struct tls_file *file);

/* What WASI does with the file; its env is the file, of which it is the owner then. */
const struct wick_wasi_stream *tls_file_stream(const struct tls_file *file);
