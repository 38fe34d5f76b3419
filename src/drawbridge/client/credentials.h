/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens of people, kept between commands: by a credential helper, or in files. Host side.
 *
 * A helper is a program. `HELPER insert ID` reads the token from its stdin and keeps it, `HELPER
 * show ID` writes it to stdout; ID is "PROVIDER-STORE", both hosts. Without a helper a token is a
 * file with mode 0600 in $XDG_DATA_HOME/enarx/tokens (~/.local/share without the variable), which
 * is named after the host of the Drawbridge. A token is never given to another host.
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

/* *token is the caller's, to be given to credentials_forget_text; NULL if none is kept: then the
 * result is 0. A helper that fails is an error. */
__attribute__((warn_unused_result)) int credentials_load(const struct credentials *credentials,
                                                         char **token, struct err *err);
__attribute__((warn_unused_result)) int credentials_save(const struct credentials *credentials,
                                                         const char *token, struct err *err);
/* Removes the token; *removed tells whether there was one. Helpers cannot: class ERR_USAGE. */
__attribute__((warn_unused_result)) int credentials_remove(const struct credentials *credentials,
                                                           bool *removed, struct err *err);

/* Reads a token from a file, without the white space around it. "-" is stdin. */
__attribute__((warn_unused_result)) int credentials_read(const char *path, char **token,
                                                         struct err *err);
/* Overwrites and frees; NULL is none. */
void credentials_forget_text(char *token);
