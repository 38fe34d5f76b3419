/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of drawbridge and its configuration file, which have the same names: what the
 * command line says counts more. Names of the original, and additions.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { OPTIONS_LIST_MAX = 16 };

enum options_command { COMMAND_SERVE, COMMAND_FSCK, COMMAND_COLLECT };

struct options {
    enum options_command command;
    const char *config;              /* a file */
    const char *addr, *metrics_addr; /* "IP:PORT" */
    const char *store;               /* a directory, or "s3://BUCKET[/PREFIX]" */
    const char *s3_endpoint, *s3_region, *s3_style, *s3_key_id;
    const char *s3_secret_file, *s3_ca;      /* files */
    uint64_t s3_timeout;                     /* seconds */
    const char *scratch;                     /* a directory */
    const char *cert, *key, *ca;             /* files: PEM */
    const char *oidc_issuer, *oidc_audience; /* URL; what tokens have to be for */
    const char *oidc_ca;                     /* a file: PEM, whom to believe about the provider */
    const char *technologies[OPTIONS_LIST_MAX + 1];
    uint64_t threads;
    uint64_t file_max, user_bytes_max, user_repositories_max, users_per_subject;
    uint64_t retention, care_interval, timeout; /* seconds */
    uint64_t rate;                              /* bytes in a second */
    uint64_t connections_max, client_connections_max;
    const char *log_filter, *log_format;
    bool check_config, help, version;
    void *memory; /* of values from the file */
};

/* Fills *options; ERR_USAGE for the command line, ERR_CONFIG for the file. 0 or -errno. */
__attribute__((warn_unused_result)) int options_parse(int argc, char **argv,
                                                      struct options *options, struct err *err);
bool options_store_is_s3(const struct options *options);
void options_free(struct options *options);
void options_print_help(void);
