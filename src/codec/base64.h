/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 and base64url (RFC 4648), hexadecimal digits, and the PEM armour around base64 (RFC 7468).
 *
 * Both sides of the trust boundary. No I/O, no allocation.
 */
#pragma once

#include "base/span.h"
#include "base/text.h"

/* Bytes that `size` characters of base64 become at most; characters that `size` bytes become. */
#define BASE64_DECODED(size) ((size_t)(size) / 4 * 3 + 3)
#define BASE64_ENCODED(size) (((size_t)(size) + 2) / 3 * 4)

/*
 * Decodes base64 with padding. Blanks, tabs and line ends between characters are skipped; anything
 * else that is not of the alphabet, missing padding and bits that are left over are errors. `out`
 * takes BASE64_DECODED(text.size) bytes and may be the text itself. Returns 0 or -EINVAL.
 */
__attribute__((warn_unused_result)) int base64_decode(struct span text, uint8_t *out,
                                                      size_t *out_size);

/* Decodes the alphabet for URLs without padding (RFC 7515 section 2): no blanks, no bits left over.
 * `out` takes BASE64_DECODED(text.size) bytes. Returns 0 or -EINVAL. */
__attribute__((warn_unused_result)) int base64url_decode(struct span text, uint8_t *out,
                                                         size_t *out_size);

/* Encodes with padding; with `url`, in the alphabet for URLs and without. Returns the number of
 * characters; no NUL is written. */
size_t base64_encode(struct span bytes, bool url, char *out);

/* Decodes exactly `size` bytes out of 2 * size digits of either case. Returns 0 or -EINVAL. */
__attribute__((warn_unused_result)) int hex_decode(struct span text, uint8_t *out, size_t size);
/* Writes 2 * bytes.size lower-case digits and a NUL. */
void hex_encode(struct span bytes, char *out);

/* Room for the armour around `size` bytes, with a NUL. */
#define PEM_SIZE(label, size)                                                                      \
    (2 * sizeof(label) + 34 + BASE64_ENCODED(size) + BASE64_ENCODED(size) / 64 + 2)
/* Adds bytes in their armour: lines of 64 characters that end with LF. */
void pem_write(struct text *text, const char *label, struct span bytes);

struct pem_block {
    struct span label; /* "CERTIFICATE" */
    struct span body;  /* the base64 text between the lines; for base64_decode */
};

/*
 * Takes the next block from the front of *text. What stands between blocks must be white space or
 * NUL. A block whose END line is directly followed by the next BEGIN is understood.
 *
 * Returns 1 with the block; 0 at the end; -EINVAL if something else is there.
 */
__attribute__((warn_unused_result)) int pem_next(struct span *text, struct pem_block *block);
