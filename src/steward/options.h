/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of steward, and the environment variables that stand in for it. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct options {
    const char *key, *crt;         /* files: PEM of the authority */
    const char *host;              /* or: a name for which an authority is made */
    const char *san;               /* an extra DNS name in every certificate */
    const char *addr, *port;       /* where to listen */
    const char *metrics;           /* ADDRESS:PORT where to listen for metrics, or NULL */
    const char *config;            /* steward.toml */
    const char *collateral;        /* a directory */
    const char *refresh;           /* hours after which it is fetched again */
    const char *service;           /* a mirror of the vendors' services */
    const char *ca_bundle;         /* a file: PEM of roots that vouch for it */
    const char *audit;             /* a file */
    const char *tls_key, *tls_crt; /* files: PEM, for HTTPS */
    const char *time;              /* judge as of this moment, for replays and tests */
    const char *log_filter, *log_format;
    bool check_config, help, version;
};

/* Fills *options; the class of errors is ERR_USAGE. 0 or -EINVAL. */
__attribute__((warn_unused_result)) int options_parse(int argc, char **argv,
                                                      struct options *options, struct err *err);
void options_print_help(void);
