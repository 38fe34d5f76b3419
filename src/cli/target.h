/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `deploy` is to deploy: a file, a directory, a URL, or a package of a Drawbridge. Host side.
 */
#pragma once

#include "cli/command.h"

#include <stdint.h>

enum { TARGET_URL_SIZE = 4096, TARGET_DIGEST_SIZE = 65 };

struct target {
    const char *module, *config; /* paths, for what is on this machine; config may be NULL */
    char paths[2][TARGET_URL_SIZE];
    char url[TARGET_URL_SIZE];       /* of the root of a package that the Keep fetches; "" */
    char digest[TARGET_DIGEST_SIZE]; /* SHA-256 of the root in hexadecimal; "": not known */
    char steward[TARGET_URL_SIZE];   /* who certifies the Keep before it fetches; "": nobody */
    char roots[TARGET_URL_SIZE];     /* file of PEM: who vouches for servers; "" for http */
    bool yanked;
};

/*
 * Takes the first operand, the options --digest, --steward, --ca-bundle and those for a Drawbridge,
 * which is asked what everybody may know of a package: its digest and its Steward.
 */
__attribute__((warn_unused_result)) int target_find(const struct invocation *invocation,
                                                    struct target *target, struct err *err);
