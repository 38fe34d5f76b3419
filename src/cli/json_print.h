/* SPDX-License-Identifier: Apache-2.0 */
/* JSON that came from elsewhere, for people: indented by two blanks, on stdout. */
#pragma once

#include "base/span.h"

/* Prints a value that json_parse accepted, and a line end. Control characters of UTF-8, which a
 * terminal would obey, are written as escapes. */
void json_print(struct span value);
