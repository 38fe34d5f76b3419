/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that Enarx.toml names. Keep side. */
#pragma once

#include "exec/attendant.h"
#include "exec/config.h"

/*
 * Binds and listens (FILE_LISTEN) or connects (FILE_CONNECT). Hosts are literal IPv4 or IPv6
 * addresses, "localhost", which is 127.0.0.1, or, to connect to, names, which the host looks up.
 * Returns an owned descriptor, close-on-exec and blocking, or -errno with *err filled.
 */
int socket_open(const struct config_file *file, struct attendant *attendant, struct err *err);

/* A connection to a host and port, likewise, within 30 seconds. */
int socket_connect(const char *host, uint16_t port, struct attendant *attendant, struct err *err);
