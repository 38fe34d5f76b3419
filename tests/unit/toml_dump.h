/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A canonical text of a TOML tree, for comparisons in tests:
 *     {a=1,b=[f1.5,true],c={"x y"="text"},d=1979-05-27T07:32:00Z}
 * Floats begin with f; bytes of strings other than printable ASCII are written \xHH.
 */
#pragma once

#include "codec/toml.h"

/* As snprintf: NUL-terminates, cuts what does not fit. */
void toml_dump(const struct toml_node *node, char *buffer, size_t size);
