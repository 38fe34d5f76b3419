/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of people, kept between commands: by a credential helper, or in files. Host side.
 *
 * A helper is a program. `HELPER insert ID` reads the token from its stdin and keeps it, `HELPER
 * show ID` writes it to stdout; ID is "PROVIDER-STORE", both hosts. It keeps the access token only.
 *
 * Without a helper the tokens are a file with mode 0600 in $XDG_DATA_HOME/enarx/tokens
 * (~/.local/share without the variable), which is named after the host of the Drawbridge: a JSON
 * object with "access_token", "refresh_token", "issuer" and "client_id", of which only the first
 * has to be there; or an access token alone, as older versions wrote it. An access token is never
 * given to another host, a refresh token never to another provider than its issuer.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

enum { TOKEN_MAX = 16 * 1024 };

struct credentials {
    const char *helper;   /* NULL: files */
    struct span provider; /* host of the OpenID provider; only for helpers */
    struct span store;    /* host of the Drawbridge, with its port */
};

/* What a login gives. Each is NULL if it is not there. */
struct kept_tokens {
    char *access, *refresh;
    char *issuer, *client_id; /* who gave them, and to which client */
};

/* Overwrites and frees all of them, which are NULL then. */
void credentials_forget(struct kept_tokens *tokens);

/* Keeps other commands from changing what is in files until *lock is closed; waits for them. Held
 * around a load with a save behind it. For helpers there is none, and *lock is -1. */
__attribute__((warn_unused_result)) int credentials_lock(const struct credentials *credentials,
                                                         int *lock, struct err *err);

/* *tokens are the caller's, to be given to credentials_forget; without an access token if none is
 * kept: then the result is 0. A helper that fails is an error. */
__attribute__((warn_unused_result)) int credentials_load(const struct credentials *credentials,
                                                         struct kept_tokens *tokens,
                                                         struct err *err);
__attribute__((warn_unused_result)) int credentials_save(const struct credentials *credentials,
                                                         const struct kept_tokens *tokens,
                                                         struct err *err);
/* Removes the tokens; *removed tells whether there were any. Helpers cannot: class ERR_USAGE. */
__attribute__((warn_unused_result)) int credentials_remove(const struct credentials *credentials,
                                                           bool *removed, struct err *err);

/* Reads a token from a file, without the white space around it. "-" is stdin. */
__attribute__((warn_unused_result)) int credentials_read(const char *path, char **token,
                                                         struct err *err);
/* Overwrites and frees; NULL is none. */
void credentials_forget_text(char *token);
