/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that Enarx.toml names. Keep side. */
#pragma once

#include "exec/config.h"
#include "exec/control.h"

/*
 * Binds and listens (FILE_LISTEN) or connects (FILE_CONNECT). Hosts are literal IPv4 or IPv6
 * addresses, "localhost", which is 127.0.0.1, or, to connect to, names whose addresses the host
 * gave. Returns an owned descriptor, close-on-exec and blocking, or -errno with *err filled.
 */
int socket_open(const struct config_file *file, const struct control *control, struct err *err);

/* A connection to a host and port, likewise. */
int socket_connect(const char *host, uint16_t port, const struct control *control, struct err *err);
