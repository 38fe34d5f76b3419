// SPDX-License-Identifier: Apache-2.0
#include "wick/text/wat.h"

#include "wick/text/module.h"

#include <errno.h>
#include <stdlib.h>

static int encode(struct span text, bool may_quote, struct bytes *out, struct err *err);

/* The strings of `(module quote …)` are a text of their own. */
static void encode_quote(struct parser *parser, struct bytes *out)
{
    int status = encode(parser_strings(parser), false, out, parser->err);
    if (status == 0 || parser->failed)
        return;
    parser->failed = true;
    parser->status = status;
}

static void encode_form(struct parser *parser, bool may_quote, struct bytes *out)
{
    uint32_t token = parser->at;
    struct module_head head = module_parse_head(parser);
    if (head.is_definition || (head.kind == MODULE_QUOTE && !may_quote))
        parser_fail_at(parser, token, "unexpected token: only in scripts");
    else if (head.kind == MODULE_BINARY)
        bytes_put_span(out, parser_strings(parser));
    else if (head.kind == MODULE_QUOTE)
        encode_quote(parser, out);
    else
        module_encode_fields(parser, head.id, out);
    parser_expect_close(parser);
}

static int encode(struct span text, bool may_quote, struct bytes *out, struct err *err)
{
    struct parser parser;
    int status = parser_init(&parser, text, err);
    if (status == 0) {
        if (parser_at_open(&parser, "module"))
            encode_form(&parser, may_quote, out);
        else
            module_encode_fields(&parser, span_of("", 0), out);
        if (!parser.failed && parser_peek(&parser, 0)->kind != TOKEN_END)
            parser_unexpected(&parser, "the end of the text");
        status = parser.status;
    }
    parser_fini(&parser);
    return status;
}

int wat_encode(struct span text, struct wat_result *out, struct err *err)
{
    struct bytes bytes = {0};
    int status = encode(text, true, &bytes, err);
    if (status == 0 && bytes.failed)
        status = err_set(err, ERR_LIMIT, ENOMEM, "encode the module");
    if (status) {
        bytes_fini(&bytes);
        return status;
    }
    *out = (struct wat_result){bytes.data, bytes.size};
    return 0;
}

void wat_result_fini(struct wat_result *result)
{
    free(result->data);
    *result = (struct wat_result){0};
}
