/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the Keep runs: a module and its Enarx.toml, handed over by the host, or fetched by the Keep
 * itself. Keep side.
 *
 * A package is called by a digest, which is what is proved: the SHA-256 of its root as Drawbridge
 * keeps it. A module by itself is a package of one file; with an Enarx.toml it is a directory.
 */
#pragma once

#include "exec/attendant.h"
#include "exec/config.h"
#include "exec/control.h"
#include "exec/identity.h"

enum { WORKLOAD_DIGEST_SIZE = 32, WORKLOAD_MODULE_MAX = 1 << 30 };

struct workload {
    struct span module; /* owned */
    struct span config; /* Enarx.toml; data NULL: there is none; owned */
    uint8_t digest[WORKLOAD_DIGEST_SIZE];
};

/* The digest of a module and an Enarx.toml (data NULL: none). 0 or -ENOMEM. */
__attribute__((warn_unused_result)) int workload_digest(struct span module, struct span config,
                                                        uint8_t digest[WORKLOAD_DIGEST_SIZE]);

/* Reads what the host opened for us. Class ERR_MODULE or ERR_CONFIG. */
__attribute__((warn_unused_result)) int workload_read(const struct control *control,
                                                      struct workload *workload, struct err *err);

/* How a Keep fetches its package. Everything is borrowed. */
struct workload_source {
    const struct control_package *wanted;
    struct span roots;               /* PEM: who vouches for the server */
    const struct identity *identity; /* shown to it; without a signer: nobody */
    struct attendant *attendant;     /* for addresses */
};

/*
 * Fetches a package over HTTP(S): the URL's content is a module, or a directory as Drawbridge has
 * them, of main.wasm and Enarx.toml. The root is compared with the digest that is wanted, where one
 * is, each file with what the directory says of it, and nothing is used before. Steps that fail for
 * reasons that may pass are repeated. Class ERR_IO; the sentence says what is wrong on which URL.
 */
__attribute__((warn_unused_result)) int workload_fetch(const struct workload_source *source,
                                                       struct workload *workload, struct err *err);

/* Empties; an empty package is accepted. */
void workload_free(struct workload *workload);
