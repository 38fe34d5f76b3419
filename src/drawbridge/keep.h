/* SPDX-License-Identifier: Apache-2.0 */
/* What the certificate of a Keep, issued by a Steward, says (docs/evidence.md). No I/O. */
#pragma once

#include "base/span.h"

enum { KEEP_NAME_MAX = 255, KEEP_TECHNOLOGY_MAX = 16 };

struct keep {
    char technology[KEEP_TECHNOLOGY_MAX + 1]; /* "snp" … */
    bool bound;                               /* it names its workload */
    uint8_t digest[32];                       /* SHA-256 of the workload */
    char package[KEEP_NAME_MAX + 1];          /* "host/user/repo:tag", or empty: it has no name */
};

/* Reads a certificate in DER, whose chain was verified, as of a moment. 0; -EINVAL if it is not one
 * of a Keep, or not valid now. */
__attribute__((warn_unused_result)) int keep_parse(struct span certificate, int64_t now,
                                                   struct keep *keep);

/* Whether the package has the name "user/repo:tag", on whatever host, or no name. */
bool keep_is_named(const struct keep *keep, struct span user, struct span repository,
                   struct span tag);
