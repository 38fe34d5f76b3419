/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that read Enarx.toml share. Internal. */
#pragma once

#include "exec/config.h"

struct reader {
    const char *name;
    struct config *config;
    struct err *err;
};

/* Fills the error with "name:line:column: sentence"; always -EINVAL. */
__attribute__((format(printf, 3, 4))) int
config_fail(const struct reader *reader, struct toml_position at, const char *format, ...);

int config_read_string(const struct reader *reader, const struct toml_node *node, const char *what,
                       const char **string);

/* config_tls.c: keys of TLS and DTLS files and of the document. */
int config_read_ca(const struct reader *, const struct toml_node *, struct config_file *);
int config_read_alpn(const struct reader *, const struct toml_node *, struct config_file *);
int config_read_server_name(const struct reader *, const struct toml_node *, struct config_file *);
int config_read_min_version(const struct reader *, const struct toml_node *, struct config_file *);
int config_read_peer_workload(const struct reader *, const struct toml_node *,
                              struct config_file *);
int config_read_peer_measurement(const struct reader *, const struct toml_node *,
                                 struct config_file *);
int config_read_steward_ca(const struct reader *, const struct toml_node *);
int config_read_roots(const struct reader *, const struct toml_node *);

/* Whether the TLS keys of a file fit together and fit the file. */
int config_check_tls(const struct reader *reader, const struct toml_node *entry,
                     const struct config_file *file);
/* Whether each name that a file believes is in [roots]; when all is read. */
int config_check_roots(const struct reader *reader);
void config_free_tls(struct config_tls *tls);
