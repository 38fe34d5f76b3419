/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One module of the text format, from a parser's cursor to the binary format.
 */
#pragma once

#include "wick/text/bytes.h"
#include "wick/text/parser.h"

enum module_kind {
    MODULE_FIELDS, /* (module $id? field*) */
    MODULE_BINARY, /* (module $id? binary "…"*) */
    MODULE_QUOTE,  /* (module $id? quote "…"*): the strings are text to be parsed */
};

/* The beginning of a module form. */
struct module_head {
    enum module_kind kind;
    bool is_definition; /* (module definition …): not to be instantiated; scripts only */
    struct span id;     /* empty if there is none */
};

/* Reads `(module …` up to the fields or strings; the cursor is at the parenthesis. */
struct module_head module_parse_head(struct parser *parser);

/* Encodes the fields up to a closing parenthesis or the end of the text, and leaves the cursor
 * there. `id` is the module's name, may be empty. Failures are the parser's. */
void module_encode_fields(struct parser *parser, struct span id, struct bytes *out);

/* Is the cursor at a module field, such as `(func`? */
bool module_at_field(const struct parser *parser);
