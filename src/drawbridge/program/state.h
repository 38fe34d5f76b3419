/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from files, and read again on SIGHUP: options, certificates, keys. */
#pragma once

#include "drawbridge/program/options.h"
#include "drawbridge/program/provider.h"
#include "drawbridge/service.h"

struct state {
    struct options options;
    struct service_rules rules;     /* into options */
    struct crypto_tls_context *tls; /* NULL: without */
    struct crypto_tls_config trust; /* in the provider; into `trust_text` */
    uint8_t *trust_text;
    unsigned users; /* under the daemon's mutex */
};

/* 0 or -errno. The command line has to stay where it is. */
__attribute__((warn_unused_result)) int state_load(int argc, char **argv, struct state **state,
                                                   struct err *err);
void state_free(struct state *state);
