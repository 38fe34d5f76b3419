/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 (RFC 3629). Freestanding. */
#pragma once

#include "base/span.h"

/* Bytes of the character at the front of `bytes`, 1 to 4; 0 if it is not well-formed (Unicode 3.9,
 * table 3-7) or cut off, or if there is none. */
size_t utf8_length(struct span bytes);
