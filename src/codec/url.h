/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The URLs that a client of HTTP takes: http and https of RFC 3986, without user information, which
 * would be a secret in the wrong place.
 *
 * Both sides of the trust boundary. No I/O, no allocation.
 */
#pragma once

#include "base/text.h"

#include <stddef.h>

enum { URL_HOST_MAX = 253 };

struct url {
    bool secure;        /* https */
    struct span host;   /* a name, an address of IPv4, or one of IPv6 without its brackets */
    bool bracketed;     /* it is one of IPv6 */
    uint16_t port;      /* 80 or 443 where none is written */
    struct span target; /* path and query, as they are sent; may be empty or begin with "?" */
};

/* Adds a value of a query or a form, percent-encoded: all but the unreserved characters of RFC 3986
 * section 2.3. */
void url_encode(struct text *text, struct span value);

/* Takes back percent-encoding. `out` has text.size bytes. 0, or -EINVAL if "%" is not followed by
 * two digits. */
__attribute__((warn_unused_result)) int url_decode(struct span text, uint8_t *out, size_t *size);

/* The parts borrow from `text`. A fragment is refused: it is never sent. 0 or -EINVAL. */
__attribute__((warn_unused_result)) int url_parse(struct span text, struct url *url);
