/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key of sealed storage: of this workload, on this kind of Keep.
 *
 * Keep side. The one place that decides who may open what was sealed: exactly the workload that
 * sealed it, by its digest. Another version of it has another digest, hence another key.
 */
#pragma once

#include "base/err.h"
#include "exec/workload.h"

#include <stdbool.h>
#include <stdint.h>

enum { SEALING_KEY_SIZE = 32 };

/*
 * Makes the key for the workload of this digest (that of workload_digest), which the caller wipes.
 * Where no processor protects the Keep, there is no secret to make it of: *development is true, and
 * the key is made of a text that everybody knows. 0; -ENOTSUP if the Keep has a secret that is not
 * known here; -ENOMEM.
 */
__attribute__((warn_unused_result)) int sealing_key(const uint8_t workload[WORKLOAD_DIGEST_SIZE],
                                                    uint8_t key[SEALING_KEY_SIZE],
                                                    bool *development, struct err *err);
