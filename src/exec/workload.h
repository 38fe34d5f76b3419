/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a workload is called when it is proved: the SHA-256 of its package as Drawbridge keeps it. A
 * module by itself is a package of one file; with an Enarx.toml it is a directory of both. Keep
 * side.
 */
#pragma once

#include "base/span.h"

enum { WORKLOAD_DIGEST_SIZE = 32 };

/* `config`: the text of Enarx.toml; data NULL: there is none. 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int workload_digest(struct span module, struct span config,
                                                        uint8_t digest[WORKLOAD_DIGEST_SIZE]);
