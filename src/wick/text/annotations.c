// SPDX-License-Identifier: Apache-2.0
/*
 * Annotations with a meaning (specification 3.0, appendix 7.6): `@custom`, `@name` and, only
 * checked for its place, `@metadata.code.branch_hint`.
 */
#include "wick/text/encoder.h"

#include <string.h>

static const struct {
    const char *word;
    enum section section;
} section_words[] = {
    {"type", SECTION_TYPE},
    {"import", SECTION_IMPORT},
    {"func", SECTION_FUNC},
    {"table", SECTION_TABLE},
    {"memory", SECTION_MEMORY},
    {"tag", SECTION_TAG},
    {"global", SECTION_GLOBAL},
    {"export", SECTION_EXPORT},
    {"start", SECTION_START},
    {"elem", SECTION_ELEM},
    {"code", SECTION_CODE},
    {"data", SECTION_DATA},
    {"datacount", SECTION_DATA_COUNT},
};

/* The words before an identifier, and so before the place of a name. */
static const char *const binders[] = {
    "module", "func",  "table", "memory", "global", "tag",  "elem", "data",
    "type",   "param", "local", "field",  "block",  "loop", "if",   "try_table",
};

static bool is_named(const struct annotation *annotation, const char *name)
{
    return span_equal(annotation->name, span_of(name, strlen(name)));
}

static void fail(struct encoder *encoder, const struct annotation *annotation, const char *message)
{
    parser_fail_at(encoder->parser, annotation->token, "@%.*s annotation: %s",
                   (int)annotation->name.size, (const char *)annotation->name.data, message);
}

static void fail_misplaced(struct encoder *encoder, const struct annotation *annotation)
{
    parser_fail_at(encoder->parser, annotation->token, "misplaced @%.*s annotation",
                   (int)annotation->name.size, (const char *)annotation->name.data);
}

/* A copy that outlives the parser of the annotation's content. */
static struct span keep(struct encoder *encoder, struct span span)
{
    uint8_t *copy = parser_alloc(encoder->parser, span.size + 1);
    if (!copy)
        return span_of("", 0);
    if (span.size > 0)
        memcpy(copy, span.data, span.size);
    return span_of(copy, span.size);
}

/* ---- names ---- */

struct span annotations_take_name(struct encoder *encoder)
{
    const struct token_list *list = &encoder->parser->tokens;
    struct span name = span_of("", 0);
    uint32_t at = encoder->parser->at;
    uint32_t *next = &encoder->next_annotation;
    while (*next < list->annotation_count && list->annotations[*next].token < at)
        ++*next;
    if (*next == list->annotation_count || list->annotations[*next].token != at ||
        !is_named(&list->annotations[*next], "name"))
        return name;
    struct parser inner;
    struct err err = {0};
    if (parser_init(&inner, list->annotations[*next].content, &err) == 0)
        name = keep(encoder, parser_name(&inner));
    if (err.message[0])
        fail(encoder, &list->annotations[*next], "a name is expected");
    parser_fini(&inner);
    return name;
}

static void check_name(struct encoder *encoder, const struct annotation *annotation, uint32_t start)
{
    const struct parser *parser = encoder->parser;
    const struct token *items = parser->tokens.items;
    if (annotation->token == start) {
        const struct annotation *first = parser->tokens.annotations;
        if (annotation > first && annotation[-1].token == start && is_named(annotation - 1, "name"))
            fail(encoder, annotation, "multiple module names");
        return;
    }
    uint32_t before = annotation->token - 1;
    if (before > 0 && items[before].kind == TOKEN_ID)
        before--;
    for (size_t i = 0; i < sizeof(binders) / sizeof(binders[0]); i++) {
        if (parser_token_is(parser, &items[before], binders[i]))
            return;
    }
    fail_misplaced(encoder, annotation);
}

/* ---- custom sections ---- */

/* `(before SECTION)`, `(after SECTION)`, `(before first)` or `(after last)`; NULL or what is wrong.
 */
static const char *parse_place(struct parser *inner, struct custom_section *custom)
{
    parser_take(inner);
    custom->after = parser_at_word(inner, "after");
    if (!custom->after && !parser_at_word(inner, "before"))
        return "malformed placement";
    parser_take(inner);
    if (parser_accept_word(inner, custom->after ? "last" : "first")) {
        custom->anchor = SECTION_CUSTOM;
        return parser_accept_close(inner) ? NULL : "malformed placement";
    }
    for (size_t i = 0; i < sizeof(section_words) / sizeof(section_words[0]); i++) {
        if (!parser_accept_word(inner, section_words[i].word))
            continue;
        custom->anchor = section_words[i].section;
        return parser_accept_close(inner) ? NULL : "malformed placement";
    }
    return "malformed section kind";
}

static const char *parse_custom(struct encoder *encoder, struct parser *inner,
                                struct custom_section *custom)
{
    if (!parser_at_string(inner))
        return "missing section name";
    struct span name = parser_string(inner);
    if (!utf8_valid(name))
        return "malformed UTF-8 encoding";
    const char *wrong = parser_at_form(inner) ? parse_place(inner, custom) : NULL;
    custom->name = keep(encoder, name);
    custom->content = keep(encoder, parser_strings(inner));
    if (!wrong && parser_peek(inner, 0)->kind != TOKEN_END)
        wrong = "unexpected token";
    return wrong;
}

static void add_custom(struct encoder *encoder, const struct annotation *annotation)
{
    struct parser inner;
    struct err err = {0};
    struct custom_section *custom = parser_alloc(encoder->parser, sizeof(*custom));
    if (!custom)
        return;
    *custom = (struct custom_section){.anchor = SECTION_CUSTOM, .after = true};
    const char *wrong = parser_init(&inner, annotation->content, &err)
                            ? err.message
                            : parse_custom(encoder, &inner, custom);
    if (wrong)
        fail(encoder, annotation, wrong);
    parser_fini(&inner);
    struct custom_section **last = &encoder->customs;
    while (*last)
        last = &(*last)->next;
    *last = custom;
}

/* ---- all of them ---- */

static void check_hint(struct encoder *encoder, const struct annotation *annotation, uint32_t field)
{
    const struct parser *parser = encoder->parser;
    bool in_func = field < annotation->token &&
                   parser_token_is(parser, &parser->tokens.items[field + 1], "func");
    if (!in_func)
        fail(encoder, annotation, "not in a function");
    const struct token *target = &parser->tokens.items[annotation->token];
    if (target->kind == TOKEN_OPEN)
        target++;
    if (!parser_token_is(parser, target, "if") && !parser_token_is(parser, target, "br_if"))
        fail(encoder, annotation, "invalid target");
    const struct annotation *first = parser->tokens.annotations;
    if (annotation > first && annotation[-1].token == annotation->token &&
        span_equal(annotation[-1].name, annotation->name))
        fail(encoder, annotation, "duplicate annotation");
}

void annotations_parse(struct encoder *encoder, uint32_t start, uint32_t end)
{
    const struct token_list *list = &encoder->parser->tokens;
    uint32_t field = start; /* the field that the annotation is in or before */
    for (uint32_t i = 0; i < list->annotation_count && !encoder->parser->failed; i++) {
        const struct annotation *annotation = &list->annotations[i];
        if (annotation->token < start || annotation->token > end)
            continue;
        while (field < end && list->items[field].close < annotation->token)
            field = list->items[field].close + 1;
        if (is_named(annotation, "name"))
            check_name(encoder, annotation, start);
        else if (!is_named(annotation, "custom"))
            check_hint(encoder, annotation, field);
        else if (field == annotation->token)
            add_custom(encoder, annotation);
        else
            fail_misplaced(encoder, annotation);
    }
}
