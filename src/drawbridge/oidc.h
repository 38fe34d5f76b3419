/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an OpenID provider says about itself and about people (OpenID Connect Discovery 1.0, RFC
 * 9068): documents and tokens, without I/O.
 */
#pragma once

#include "base/err.h"
#include "jose/jws.h"

enum { OIDC_URL_MAX = 1024, OIDC_SUBJECT_MAX = 255, OIDC_LEEWAY_SECONDS = 60 };

enum scope_level { SCOPE_READ = 1, SCOPE_WRITE = 2, SCOPE_MANAGE = 4 };
enum scope_context { SCOPE_USERS, SCOPE_REPOSITORIES, SCOPE_TAGS, SCOPE_CONTEXTS };

/* "read" for SCOPE_READ …; "drawbridge_users" … */
const char *scope_level_name(enum scope_level level);
const char *scope_context_name(enum scope_context context);

struct identity {
    char subject[OIDC_SUBJECT_MAX + 1]; /* without NUL and control characters */
    unsigned scopes[SCOPE_CONTEXTS];    /* enum scope_level, or-ed */
};

/* Whether one of the levels, or manage, is there. */
bool identity_may(const struct identity *identity, unsigned levels, enum scope_context context);

struct oidc_rules {
    const char *issuer, *audience;
    int64_t now; /* seconds since 1970 */
};

enum oidc_result {
    OIDC_GOOD,
    OIDC_WRONG,       /* malformed, expired, for others, … */
    OIDC_UNKNOWN_KEY, /* perhaps the keys have changed: read them again */
};

/*
 * Checks a token. Mandatory: kid, iss, aud, exp and sub; nbf and iat are honoured; all with
 * OIDC_LEEWAY_SECONDS. `reason` is a sentence for the log of the server, without anything from the
 * token.
 */
enum oidc_result oidc_check(struct span token, const struct jwk_set *keys,
                            const struct oidc_rules *rules, struct identity *identity,
                            const char **reason);

/* Whether two issuers are the same, but for a slash at the end. */
bool oidc_same_issuer(struct span a, struct span b);

/* Takes the "jwks_uri" out of a discovery document, whose issuer has to be `issuer`. */
__attribute__((warn_unused_result)) int oidc_parse_discovery(struct span document,
                                                             const char *issuer,
                                                             char jwks_uri[OIDC_URL_MAX],
                                                             struct err *err);
