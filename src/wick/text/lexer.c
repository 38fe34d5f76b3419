// SPDX-License-Identifier: Apache-2.0
#include "wick/text/lexer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 1 << 30 };

struct lexer {
    struct span text;
    size_t at;
    struct token_list list;
    uint32_t capacity, annotation_capacity;
    uint32_t open; /* innermost open parenthesis + 1; the chain runs through `close` */
    struct err *err;
    int status; /* 0 or -errno; sticky */
};

struct text_position lexer_position(struct span text, size_t offset)
{
    struct text_position position = {1, 1};
    for (size_t i = 0; i < offset && i < text.size; i++) {
        position.column++;
        if (text.data[i] == '\n') {
            position.line++;
            position.column = 1;
        }
    }
    return position;
}

/* Length of the UTF-8 sequence at the start of `text`, 0 if it is malformed (RFC 3629). */
static size_t utf8_sequence(struct span text)
{
    const uint8_t *s = text.data;
    if (s[0] < 0x80)
        return 1;
    size_t size = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || text.size < size)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool too_large = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || too_large ? 0 : size;
}

/* Offset of the first malformed byte, or text.size. */
static size_t utf8_valid_prefix(struct span text)
{
    size_t at = 0;
    while (at < text.size) {
        size_t size = utf8_sequence(span_of(text.data + at, text.size - at));
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

bool utf8_valid(struct span text)
{
    return utf8_valid_prefix(text) == text.size;
}

static void fail(struct lexer *lexer, size_t offset, const char *message)
{
    if (lexer->status)
        return;
    struct text_position position = lexer_position(lexer->text, offset);
    lexer->status =
        err_set(lexer->err, ERR_MODULE, 0, "%u:%u: %s", position.line, position.column, message);
    lexer->at = lexer->text.size;
}

/* The byte `ahead` of the cursor; 0 past the end. */
static uint8_t look(const struct lexer *lexer, size_t ahead)
{
    return lexer->text.size - lexer->at > ahead ? lexer->text.data[lexer->at + ahead] : 0;
}

static bool at_end(const struct lexer *lexer)
{
    return lexer->at >= lexer->text.size;
}

static bool is_id_char(uint8_t c)
{
    return c > ' ' && c < 0x7f && !strchr("\"(),;[]{}", c);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Reads `{hexnum}` after `\u`. Returns the bytes consumed, 0 when it is malformed. */
static size_t scan_code_point(struct span text, uint32_t *out)
{
    if (text.size < 3 || text.data[0] != '{' || hex_digit(text.data[1]) < 0)
        return 0;
    uint32_t value = 0;
    for (size_t i = 1; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == '}') {
            *out = value;
            return value >= 0xd800 && value < 0xe000 ? 0 : i + 1;
        }
        if (c == '_' && i + 1 < text.size && hex_digit(text.data[i + 1]) >= 0)
            continue;
        if (hex_digit(c) < 0)
            return 0;
        value = value * 16 + (uint32_t)hex_digit(c);
        if (value >= 0x110000)
            return 0;
    }
    return 0;
}

static size_t put_utf8(uint32_t c, uint8_t *out)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (uint8_t)(lead[size] | c);
    return size;
}

/* Interprets the escape whose backslash starts `text`. Writes at most 4 bytes. Returns the bytes
 * consumed, 0 when it is malformed. */
static size_t scan_escape(struct span text, uint8_t *out, size_t *written)
{
    *written = 1;
    if (text.size < 2)
        return 0;
    switch (text.data[1]) {
    case 't':
        *out = '\t';
        return 2;
    case 'n':
        *out = '\n';
        return 2;
    case 'r':
        *out = '\r';
        return 2;
    case '"':
    case '\'':
    case '\\':
        *out = text.data[1];
        return 2;
    case 'u': {
        uint32_t code_point = 0;
        size_t size = scan_code_point(span_of(text.data + 2, text.size - 2), &code_point);
        *written = put_utf8(code_point, out);
        return size ? size + 2 : 0;
    }
    default:
        if (text.size < 3 || hex_digit(text.data[1]) < 0 || hex_digit(text.data[2]) < 0)
            return 0;
        *out = (uint8_t)(hex_digit(text.data[1]) * 16 + hex_digit(text.data[2]));
        return 3;
    }
}

size_t lexer_decode_string(struct span string, uint8_t *out)
{
    size_t size = 0;
    for (size_t at = 1; at + 1 < string.size;) {
        if (string.data[at] != '\\') {
            out[size++] = string.data[at++];
            continue;
        }
        size_t written;
        size_t used =
            scan_escape(span_of(string.data + at, string.size - at), out + size, &written);
        if (used == 0)
            break; /* cannot happen: the lexer has checked it */
        at += used;
        size += written;
    }
    return size;
}

/* Steps over the string at the cursor. Returns NULL or what is wrong with it; the cursor is then
 * where that is. */
static const char *skip_string(struct lexer *lexer)
{
    lexer->at++;
    while (!at_end(lexer)) {
        uint8_t c = look(lexer, 0);
        if (c == '"') {
            lexer->at++;
            return NULL;
        }
        if (c == '\n')
            return "unclosed string";
        if (c < ' ' || c == 0x7f)
            return "illegal character: control character in string";
        if (c != '\\') {
            lexer->at++;
            continue;
        }
        uint8_t scratch[4];
        size_t written;
        size_t used = scan_escape(
            span_of(lexer->text.data + lexer->at, lexer->text.size - lexer->at), scratch, &written);
        if (used == 0)
            return "illegal escape in string";
        lexer->at += used;
    }
    return "unclosed string";
}

static void skip_block_comment(struct lexer *lexer)
{
    size_t start = lexer->at;
    size_t depth = 0;
    while (!at_end(lexer)) {
        if (look(lexer, 0) == '(' && look(lexer, 1) == ';') {
            depth++;
            lexer->at += 2;
        } else if (look(lexer, 0) == ';' && look(lexer, 1) == ')') {
            depth--;
            lexer->at += 2;
            if (depth == 0)
                return;
        } else {
            lexer->at++;
        }
    }
    fail(lexer, start, "unclosed comment");
}

/* Steps over one white space or comment; false when there is none. */
static bool skip_blank(struct lexer *lexer)
{
    if (is_space(look(lexer, 0))) {
        lexer->at++;
        return true;
    }
    if (look(lexer, 0) == '(' && look(lexer, 1) == ';') {
        skip_block_comment(lexer);
        return true;
    }
    if (look(lexer, 0) == ';' && look(lexer, 1) == ';') {
        while (!at_end(lexer) && look(lexer, 0) != '\n' && look(lexer, 0) != '\r')
            lexer->at++;
        return true;
    }
    return false;
}

/* A quoted identifier: `name` is the string token, with its quotes. */
static const char *check_quoted_name(struct span name, const char *empty)
{
    if (name.size <= 2)
        return empty;
    uint8_t small[256];
    uint8_t *decoded = name.size <= sizeof(small) ? small : malloc(name.size);
    if (!decoded)
        return "out of memory";
    bool valid = utf8_valid(span_of(decoded, lexer_decode_string(name, decoded)));
    if (decoded != small)
        free(decoded);
    return valid ? NULL : "malformed UTF-8 encoding";
}

static void skip_annotation_name(struct lexer *lexer)
{
    static const char empty[] = "empty annotation id";
    size_t start = lexer->at;
    if (look(lexer, 0) != '"') {
        while (is_id_char(look(lexer, 0)))
            lexer->at++;
        if (lexer->at == start)
            fail(lexer, start, empty);
        return;
    }
    const char *wrong = skip_string(lexer);
    if (wrong)
        wrong = empty;
    else
        wrong = check_quoted_name(span_of(lexer->text.data + start, lexer->at - start), empty);
    if (wrong)
        fail(lexer, start, wrong);
}

static bool is_meaningful(struct span name)
{
    static const char *const names[] = {"custom", "name", "metadata.code.branch_hint"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (span_equal(name, span_of(names[i], strlen(names[i]))))
            return true;
    }
    return false;
}

static void add_annotation(struct lexer *lexer, struct span name, struct span content)
{
    if (lexer->status || !is_meaningful(name))
        return;
    struct token_list *list = &lexer->list;
    if (list->annotation_count == lexer->annotation_capacity) {
        uint32_t capacity = lexer->annotation_capacity ? lexer->annotation_capacity * 2 : 8;
        struct annotation *grown =
            reallocarray(list->annotations, capacity, sizeof(*list->annotations));
        if (!grown) {
            lexer->status = err_set(lexer->err, ERR_LIMIT, ENOMEM, "read the text");
            return;
        }
        list->annotations = grown;
        lexer->annotation_capacity = capacity;
    }
    list->annotations[list->annotation_count++] = (struct annotation){name, content, list->count};
}

/* `(@name …)`: anything with balanced parentheses and well-formed strings. */
static void skip_annotation(struct lexer *lexer)
{
    size_t start = lexer->at;
    lexer->at += 2;
    skip_annotation_name(lexer);
    size_t body = lexer->at;
    const uint8_t *text = lexer->text.data;
    size_t depth = 1;
    while (!at_end(lexer)) {
        if (skip_blank(lexer))
            continue;
        uint8_t c = look(lexer, 0);
        if (c == '"') {
            const char *wrong = skip_string(lexer);
            if (wrong)
                fail(lexer, lexer->at, wrong);
            continue;
        }
        if (c < ' ' || c >= 0x7f) {
            fail(lexer, lexer->at, "illegal character");
            return;
        }
        lexer->at++;
        if (c == '(')
            depth++;
        if (c == ')' && --depth == 0) {
            add_annotation(lexer, span_of(text + start + 2, body - start - 2),
                           span_of(text + body, lexer->at - 1 - body));
            return;
        }
    }
    fail(lexer, start, "unclosed annotation");
}

static struct token *add(struct lexer *lexer, enum token_kind kind, size_t offset)
{
    if (lexer->list.count == lexer->capacity) {
        uint32_t capacity = lexer->capacity ? lexer->capacity * 2 : 64;
        struct token *items = reallocarray(lexer->list.items, capacity, sizeof(*items));
        if (!items) {
            lexer->status = err_set(lexer->err, ERR_LIMIT, ENOMEM, "read the text");
            lexer->at = lexer->text.size;
            return NULL;
        }
        lexer->list.items = items;
        lexer->capacity = capacity;
    }
    struct token *token = &lexer->list.items[lexer->list.count++];
    *token = (struct token){kind, (uint32_t)offset, (uint32_t)(lexer->at - offset), 0};
    return token;
}

static void add_open(struct lexer *lexer)
{
    lexer->at++;
    struct token *token = add(lexer, TOKEN_OPEN, lexer->at - 1);
    if (!token)
        return;
    token->close = lexer->open;
    lexer->open = lexer->list.count;
}

static void add_close(struct lexer *lexer)
{
    lexer->at++;
    if (!add(lexer, TOKEN_CLOSE, lexer->at - 1) || lexer->open == 0)
        return;
    struct token *open = &lexer->list.items[lexer->open - 1];
    lexer->open = open->close;
    open->close = lexer->list.count - 1;
}

/* What a run of identifier characters and strings is. `strings` counts the strings in it, `quote`
 * is the offset of the first one. */
static void add_run(struct lexer *lexer, size_t start, size_t strings, size_t quote)
{
    static const char empty[] = "empty identifier";
    size_t size = lexer->at - start;
    const uint8_t *text = lexer->text.data + start;
    bool one_string = strings == 1 && text[size - 1] == '"';
    if (one_string && quote == start) {
        add(lexer, TOKEN_STRING, start);
        return;
    }
    if (text[0] != '$' || (strings > 0 && !(one_string && quote == start + 1))) {
        add(lexer, TOKEN_WORD, start);
        return;
    }
    const char *wrong = NULL;
    if (size == 1)
        wrong = empty;
    else if (one_string)
        wrong = check_quoted_name(span_of(text + 1, size - 1), empty);
    if (wrong)
        fail(lexer, start, wrong);
    else
        add(lexer, TOKEN_ID, start);
}

static void scan_run(struct lexer *lexer)
{
    size_t start = lexer->at;
    size_t strings = 0;
    size_t quote = start;
    while (!at_end(lexer)) {
        if (is_id_char(look(lexer, 0))) {
            lexer->at++;
            continue;
        }
        if (look(lexer, 0) != '"')
            break;
        if (strings++ == 0)
            quote = lexer->at;
        const char *wrong = skip_string(lexer);
        if (wrong && quote == start + 1 && lexer->text.data[start] == '$')
            wrong = "empty identifier";
        if (wrong) {
            fail(lexer, lexer->at, wrong);
            return;
        }
    }
    add_run(lexer, start, strings, quote);
}

static void scan_token(struct lexer *lexer)
{
    uint8_t c = look(lexer, 0);
    if (c == '(' && look(lexer, 1) == '@') {
        skip_annotation(lexer);
    } else if (c == '(') {
        add_open(lexer);
    } else if (c == ')') {
        add_close(lexer);
    } else if (c == '"' || is_id_char(c)) {
        scan_run(lexer);
    } else if (c != 0 && strchr(",;[]{}", c)) {
        lexer->at++;
        add(lexer, TOKEN_WORD, lexer->at - 1);
    } else {
        fail(lexer, lexer->at, "illegal character");
    }
}

/* Parentheses that were never closed end at TOKEN_END. */
static void close_rest(struct lexer *lexer)
{
    while (lexer->open) {
        struct token *open = &lexer->list.items[lexer->open - 1];
        lexer->open = open->close;
        open->close = lexer->list.count - 1;
    }
}

int lexer_run(struct span text, struct token_list *list, struct err *err)
{
    struct lexer lexer = {.text = text, .err = err};
    if (text.size >= TEXT_LIMIT)
        return err_set(err, ERR_LIMIT, EFBIG, "read the text");
    size_t valid = utf8_valid_prefix(text);
    if (valid < text.size)
        fail(&lexer, valid, "malformed UTF-8 encoding");
    while (!at_end(&lexer)) {
        if (!skip_blank(&lexer))
            scan_token(&lexer);
    }
    if (lexer.status == 0)
        add(&lexer, TOKEN_END, text.size);
    if (lexer.status) {
        lexer_fini(&lexer.list);
        return lexer.status;
    }
    close_rest(&lexer);
    *list = lexer.list;
    return 0;
}

void lexer_fini(struct token_list *list)
{
    free(list->items);
    free(list->annotations);
    *list = (struct token_list){0};
}
