// SPDX-License-Identifier: Apache-2.0
#include "codec/toml.h"
#include "tap.h"
#include "toml_dump.h"

#include <errno.h>
#include <stdlib.h>

static uint8_t memory[1 << 20];

static int parse(const char *text, size_t size, const struct toml_node **root,
                 struct toml_error *error)
{
    return toml_parse(span_of(text, size), memory, sizeof(memory), root, error);
}

static const struct toml_node *parse_valid(const char *text)
{
    const struct toml_node *root;
    struct toml_error error;
    if (parse(text, strlen(text), &root, &error) < 0)
        tap_fail(__FILE__, __LINE__, "%u:%u: %s", error.at.line, error.at.column, error.message);
    return root;
}

struct valid_case {
    const char *category, *text;
    size_t size;
    const char *dump;
};

static const struct valid_case valid_cases[] = {
#define VALID(category, text, dump) {category, text, sizeof(text) - 1, dump},
#include "toml_valid.inc"
};

struct invalid_case {
    const char *category, *text;
    size_t size;
    unsigned line, column;
    const char *message;
};

static const struct invalid_case invalid_cases[] = {
#define INVALID(category, text, line, column, message)                                             \
    {category, text, sizeof(text) - 1, line, column, message},
#include "toml_invalid.inc"
};

TEST(valid, "every form of the specification is read, with the right value")
{
    for (size_t i = 0; i < sizeof(valid_cases) / sizeof(valid_cases[0]); i++) {
        const struct valid_case *each = &valid_cases[i];
        const struct toml_node *root;
        struct toml_error error;
        if (parse(each->text, each->size, &root, &error) < 0)
            tap_fail(__FILE__, __LINE__, "%s: <%s>: %u:%u: %s", each->category, each->text,
                     error.at.line, error.at.column, error.message);
        char dump[2048];
        toml_dump(root, dump, sizeof(dump));
        if (strcmp(dump, each->dump) != 0)
            tap_fail(__FILE__, __LINE__, "%s: <%s> is %s, expected %s", each->category, each->text,
                     dump, each->dump);
    }
}

TEST(invalid, "what is not TOML is refused, and the place and the reason are told")
{
    for (size_t i = 0; i < sizeof(invalid_cases) / sizeof(invalid_cases[0]); i++) {
        const struct invalid_case *each = &invalid_cases[i];
        const struct toml_node *root = NULL;
        struct toml_error error;
        if (parse(each->text, each->size, &root, &error) != -EINVAL || root)
            tap_fail(__FILE__, __LINE__, "%s: <%s> was accepted", each->category, each->text);
        if (error.at.line != each->line || error.at.column != each->column ||
            strcmp(error.message, each->message) != 0)
            tap_fail(__FILE__, __LINE__, "%s: <%s> failed with %u:%u: %s, expected %u:%u: %s",
                     each->category, each->text, error.at.line, error.at.column, error.message,
                     each->line, each->column, each->message);
    }
}

TEST(every_prefix, "a document that is cut anywhere never makes the parser read or write too far")
{
    for (size_t i = 0; i < sizeof(valid_cases) / sizeof(valid_cases[0]); i++) {
        const struct valid_case *each = &valid_cases[i];
        for (size_t size = 0; size < each->size; size++) {
            char *copy = malloc(size ? size : 1); /* exact, so that a sanitizer sees the end */
            memcpy(copy, each->text, size);
            const struct toml_node *root;
            struct toml_error error;
            int status = parse(copy, size, &root, &error);
            CHECK(status == 0 || status == -EINVAL);
            free(copy);
        }
    }
}

TEST(too_little_memory, "a caller's memory is never exceeded, and the failure says so")
{
    struct span text = SPAN_LITERAL("a = [1, 'two', 3.5]\n[b.c]\n\"\\u0041\" = {d = 1e5}\n");
    const struct toml_node *root;
    struct toml_error error;
    size_t size = 0;
    int status;
    do {
        uint8_t *exact = malloc(size ? size : 1);
        status = toml_parse(text, exact, size, &root, &error);
        if (status < 0)
            CHECK_STR(error.message, "the document needs more memory than it may use");
        free(exact);
        size++;
    } while (status == -ENOMEM);
    CHECK_INT(status, 0);
    CHECK(size <= TOML_MEMORY(text.size));
}

/* The densest documents: most nodes for a byte. */
static void check_bound(const char *begin, const char *part, const char *end, size_t count)
{
    size_t size = strlen(begin) + strlen(part) * count + strlen(end);
    char *text = malloc(size + 1);
    strcpy(text, begin);
    for (size_t i = 0; i < count; i++)
        strcpy(text + strlen(begin) + i * strlen(part), part);
    strcat(text, end);

    uint8_t *block = malloc(TOML_MEMORY(size) + 1);
    const struct toml_node *root;
    struct toml_error error;
    int status = toml_parse(span_of(text, size), block + 1, TOML_MEMORY(size), &root, &error);
    if (status < 0)
        tap_fail(__FILE__, __LINE__, "%s%s%s: %s", begin, part, end, error.message);
    free(block);
    free(text);
}

TEST(memory_bound, "TOML_MEMORY is enough for every text, at any alignment")
{
    check_bound("a=[", "1,", "]", 5000);
    check_bound("a=[", "[],", "]", 5000);
    check_bound("a=[", "{},", "]", 5000);
    check_bound("a=[", "'',", "]", 5000);
    check_bound("a=[", "[1],", "]", 5000);
    check_bound("", "[[a]]\n", "", 5000);
    check_bound("", "", "", 1);
    check_bound("a=", "[", "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", 30);
    check_bound("a", ".a", "=1", 60);
    check_bound("[a", ".a", "]", 60);
    check_bound("a='", "x", "'", 5000);
    check_bound("a=0.", "1", "", 5000);
}

static int parse_nested(const char *begin, const char *open, size_t count, const char *close,
                        struct toml_error *error)
{
    char text[4096] = "";
    strcat(text, begin);
    for (size_t i = 0; i < count; i++)
        strcat(text, open);
    strcat(text, "1");
    for (size_t i = 0; i < count; i++)
        strcat(text, close);
    const struct toml_node *root;
    return parse(text, strlen(text), &root, error);
}

TEST(depth, "nesting is limited, so that no text can exhaust the stack")
{
    struct toml_error error;
    CHECK_INT(parse_nested("a=", "[", 64, "]", &error), 0);
    CHECK_INT(parse_nested("a=", "[", 65, "]", &error), -EINVAL);
    CHECK_STR(error.message, "tables and arrays are nested more than 64 deep");
    CHECK_INT(error.at.column, 67);
    CHECK_INT(parse_nested("a=", "{a=", 64, "}", &error), 0);
    CHECK_INT(parse_nested("a=", "{a=", 65, "}", &error), -EINVAL);
    CHECK_INT(parse_nested("a.b.c=", "[", 62, "]", &error), 0);
    CHECK_INT(parse_nested("a.b.c=", "[", 63, "]", &error), -EINVAL);
    CHECK_INT(parse_nested("[a.b]\nc=", "[", 62, "]", &error), 0);
    CHECK_INT(parse_nested("[a.b]\nc=", "[", 63, "]", &error), -EINVAL);
    CHECK_INT(parse_nested("[[a]]\nc=", "[", 62, "]", &error), 0);
    CHECK_INT(parse_nested("[[a]]\nc=", "[", 63, "]", &error), -EINVAL);
}

TEST(positions, "every node knows where it was written, in characters")
{
    const struct toml_node *root =
        parse_valid("a = 1\n'\xC3\xA9' = [2,\n  'x']\n[t.u]\n\tv = true");
    const struct toml_node *a = toml_get(root, "a");
    CHECK_INT(a->key_at.line, 1);
    CHECK_INT(a->key_at.column, 1);
    CHECK_INT(a->at.column, 5);
    const struct toml_node *array = toml_get(root, "\xC3\xA9");
    CHECK_INT(array->at.line, 2);
    CHECK_INT(array->at.column, 7);
    const struct toml_node *second = toml_first(array)->next;
    CHECK_INT(second->at.line, 3);
    CHECK_INT(second->at.column, 3);
    CHECK_INT(second->key_at.line, 0);
    const struct toml_node *u = toml_get(toml_get(root, "t"), "u");
    CHECK_INT(u->at.line, 4);
    CHECK_INT(u->at.column, 4);
    CHECK_INT(toml_get(u, "v")->at.column, 6);
}

TEST(access, "the getters tell absent from wrong, and keep their hands off then")
{
    const struct toml_node *root = parse_valid("s='x'\ni=7\nb=true\nf=1.5\na=[1,2]\n");
    struct span string = {0};
    int64_t integer = -1;
    bool boolean = false;
    CHECK_INT(toml_get_string(root, "s", &string), 0);
    CHECK(span_equal(string, SPAN_LITERAL("x")));
    CHECK_INT(string.data[string.size], 0);
    CHECK_INT(toml_get_integer(root, "nope", &integer), -ENOENT);
    CHECK_INT(toml_get_integer(root, "s", &integer), -EINVAL);
    CHECK_INT(integer, -1);
    CHECK_INT(toml_get_integer(root, "i", &integer), 0);
    CHECK_INT(integer, 7);
    CHECK_INT(toml_get_boolean(root, "b", &boolean), 0);
    CHECK(boolean);
    CHECK(!toml_get(NULL, "s"));
    CHECK(!toml_get(toml_get(root, "s"), "s"));
    CHECK(!toml_first(toml_get(root, "s")));
    CHECK_INT(toml_count(toml_get(root, "a")), 2);
    CHECK_INT(toml_count(root), 5);
    CHECK_INT(toml_count(NULL), 0);
    CHECK_STR(toml_kind_name(toml_get(root, "f")->kind), "a float");
}

TEST(many_keys, "a table with very many keys is searched quickly and keeps their order")
{
    enum { COUNT = 50000 };
    char *text = malloc(COUNT * 16);
    size_t size = 0;
    for (int i = 0; i < COUNT; i++)
        size += (size_t)sprintf(text + size, "k%d=%d\n", i, i);
    void *block = malloc(TOML_MEMORY(size));
    const struct toml_node *root;
    struct toml_error error;
    CHECK_INT(toml_parse(span_of(text, size), block, TOML_MEMORY(size), &root, &error), 0);
    int64_t expected = 0;
    for (const struct toml_node *each = toml_first(root); each; each = each->next)
        CHECK_INT(each->integer, expected++);
    CHECK_INT(expected, COUNT);
    CHECK_INT(toml_get(root, "k49999")->integer, 49999);
    CHECK(!toml_get(root, "k50000"));
    free(block);
    free(text);
}

TAP_MAIN()
