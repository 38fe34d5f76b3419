/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields of a module other than type definitions.
 */
#pragma once

#include "wick/text/encoder.h"

/* Encodes one field into its section. The cursor is behind the opening parenthesis, and on return
 * at the closing one. */
void fields_encode(struct encoder *encoder);
