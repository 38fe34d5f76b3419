/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets that Enarx.toml names. Keep side. */
#pragma once

#include "exec/config.h"

/*
 * Binds and listens (FILE_LISTEN) or connects (FILE_CONNECT). Hosts are literal IPv4 or IPv6
 * addresses or "localhost", which is 127.0.0.1. Returns an owned descriptor, close-on-exec and
 * blocking, or -errno with *err filled.
 */
int socket_open(const struct config_file *file, struct err *err);
