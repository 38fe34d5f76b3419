// SPDX-License-Identifier: Apache-2.0
#include "exec/sealing.h"

#include "crypto/seal.h"
#include "shim/vm/syscalls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DEVELOPMENT "This is no secret: a development key of Enarx, for Keeps that protect nothing."
#define PURPOSE     "enarx sealing key of a workload"

_Static_assert((int)SEALING_KEY_SIZE == (int)SEAL_KEY_SIZE, "a sealing key seals");

/* Whether the Keep has a secret of its own. Where it is a mere process there is no such call. */
static bool has_secret(void)
{
    uint8_t secret[64];
    bool none = syscall(SYSCALL_GET_KEY, secret, sizeof(secret)) <= 0;
    explicit_bzero(secret, sizeof(secret));
    return !none;
}

int sealing_key(const uint8_t workload[WORKLOAD_DIGEST_SIZE], uint8_t key[SEALING_KEY_SIZE],
                bool *development, struct err *err)
{
    uint8_t info[sizeof(PURPOSE) + WORKLOAD_DIGEST_SIZE];
    *development = true;
    if (has_secret())
        return err_set(err, ERR_INTERNAL, ENOTSUP, "the sealing key of this kind of Keep");
    memcpy(info, PURPOSE, sizeof(PURPOSE));
    memcpy(info + sizeof(PURPOSE), workload, WORKLOAD_DIGEST_SIZE);
    int status = seal_derive(SPAN_LITERAL(DEVELOPMENT), span_of(NULL, 0),
                             span_of(info, sizeof(info)), key, SEALING_KEY_SIZE);
    return status < 0 ? err_set(err, ERR_IO, -status, "make the sealing key") : 0;
}
