// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"

#include "base/text.h"
#include "tap.h"

static bool parses(const char *text)
{
    struct span value;
    return json_parse(span_of(text, strlen(text)), &value) == 0;
}

TEST(right, "texts of RFC 8259 are read")
{
    static const char *const texts[] = {
        "0",
        "-0",
        " true ",
        "false",
        "null",
        "\"\"",
        "[]",
        "{}",
        "1.5e-3",
        "-12E+2",
        "[1,[2,[3]],{}]",
        "{\"a\":1,\"b\":{\"a\":2}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
        "\t[ 1 , 2 ]\r\n",
        "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK(parses(texts[i]));
}

TEST(wrong, "everything else is refused")
{
    static const char *const texts[] = {
        "",
        " ",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "tru",
        "nul",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{\"a\":}",
        "[1 2]",
        "1 2",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\t\"",
        "]",
        "{\"a\":1,\"a\":2}", /* a name twice: one is verified, the other is used */
        "{\"a\":1,\"b\":2,\"a\":3}",
        "{\"\\u0061\":1}", /* an escaped name could hide the same */
        "\"\xC0\x80\"",
        "\"\xED\xA0\x80\"",
        "\"\xF4\x90\x80\x80\"",
        "\"\xFF\"",
        "\"\xC3\"",
        "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", /* too deep */
        "{\"a\":1}}",
        "'a'",
        "NaN",
        "[1]x",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK(!parses(texts[i]));
    struct span value;
    CHECK(json_parse(SPAN_LITERAL("\"a\0b\""), &value) < 0);
    CHECK(json_parse((struct span){0}, &value) < 0);
}

TEST(many, "an object has a bounded number of members")
{
    for (unsigned count = JSON_MEMBERS_MAX; count <= JSON_MEMBERS_MAX + 1; count++) {
        char text[JSON_MEMBERS_MAX * 16] = "{";
        for (unsigned i = 0; i < count; i++)
            sprintf(text + strlen(text), "%s\"k%u\":0", i ? "," : "", i);
        strcat(text, "}");
        CHECK(parses(text) == (count == JSON_MEMBERS_MAX));
    }
}

TEST(exact, "a member's value is the exact bytes of the text")
{
    struct span top, info, text;
    CHECK_INT(
        json_parse(SPAN_LITERAL(" {\"x\": [\"}\\\"\", 2] , \"info\":{ \"id\":\"SGX\" ,\"n\":17}"
                                ",\"s\":\"\" }\n"),
                   &top),
        0);
    CHECK(json_get(top, "info", &info));
    CHECK(span_equal(info, SPAN_LITERAL("{ \"id\":\"SGX\" ,\"n\":17}")));
    CHECK(json_get_text(info, "id", &text) && span_equal(text, SPAN_LITERAL("SGX")));
    CHECK(json_get_text(top, "s", &text) && text.size == 0);
    CHECK(!json_get(top, "id", &text));
    CHECK(!json_get_text(info, "n", &text));
    CHECK(!json_get(info, "", &text));
}

TEST(elements, "arrays are walked in order")
{
    struct span top;
    CHECK_INT(json_parse(SPAN_LITERAL("[1, {\"a\":[2,3]} ,\"4,5\", []]"), &top), 0);
    static const struct span wanted[] = {SPAN_INIT("1"), SPAN_INIT("{\"a\":[2,3]}"),
                                         SPAN_INIT("\"4,5\""), SPAN_INIT("[]")};
    struct json_member member;
    size_t count = 0;
    for (struct json_cursor cursor = json_elements(top); json_next(&cursor, &member); count++) {
        CHECK(count < 4 && span_equal(member.value, wanted[count]));
        CHECK_INT(member.key.size, 0);
    }
    CHECK_INT(count, 4);
    struct json_cursor none = json_members(top);
    CHECK(!json_next(&none, &member));
}

TEST(numbers, "numbers are digits within a limit")
{
    uint64_t number;
    CHECK(json_uint(SPAN_LITERAL("65535"), 65535, &number) && number == 65535);
    CHECK(!json_uint(SPAN_LITERAL("65536"), 65535, &number));
    CHECK(!json_uint(SPAN_LITERAL("-1"), 65535, &number));
    CHECK(!json_uint(SPAN_LITERAL("1e2"), 65535, &number));
    CHECK(!json_uint(SPAN_LITERAL("1.0"), 65535, &number));
    CHECK(json_uint(SPAN_LITERAL("18446744073709551615"), UINT64_MAX, &number));
    CHECK(!json_uint(SPAN_LITERAL("18446744073709551616"), UINT64_MAX, &number));
    CHECK(!json_uint(SPAN_LITERAL("7"), 5, &number));
    CHECK(!json_uint((struct span){0}, 5, &number));
}

static bool decodes(const char *text, const char *wanted)
{
    uint8_t out[16];
    struct span value, got;
    CHECK_INT(json_parse(span_of(text, strlen(text)), &value), 0);
    return json_string_decode(value, out, sizeof(out), &got) &&
           span_equal(got, span_of(wanted, strlen(wanted)));
}

TEST(escapes, "issuers whose library escapes slashes are understood, half characters are not")
{
    struct span got;
    uint8_t out[4];
    CHECK(decodes("\"https:\\/\\/a\"", "https://a"));
    CHECK(decodes("\"\\u0041\\u00e4\\u20AC\"", "A\xC3\xA4\xE2\x82\xAC"));
    CHECK(decodes("\"\\uD83D\\uDE00\"", "\xF0\x9F\x98\x80"));
    CHECK(decodes("\"\\b\\f\\n\\r\\t\\\"\\\\\"", "\b\f\n\r\t\"\\"));
    CHECK(!decodes("\"\\uD83D\"", ""));
    CHECK(!decodes("\"\\uD83Dx\\uDE00\"", ""));
    CHECK(!decodes("\"\\uDE00\"", ""));
    CHECK(!decodes("\"\\uD83D\\u0041\"", ""));
    CHECK(!decodes("17", ""));
    CHECK(json_string_decode(SPAN_LITERAL("\"1234\""), out, sizeof(out), &got));
    CHECK(!json_string_decode(SPAN_LITERAL("\"12345\""), out, sizeof(out), &got));
}

/* What a text is with an end behind it. */
static int parse_with(struct text text, const char *end)
{
    struct span value;
    text_add(&text, end);
    return json_parse(text_span(&text), &value);
}

TEST(wide, "an object may have any number of members if their names ascend, else 64")
{
    static char buffer[JSON_MEMBERS_MAX * 64];
    struct text text = text_init(buffer, sizeof(buffer));
    struct span value;
    for (unsigned i = 0; i < 200; i++)
        text_printf(&text, "%c\"%03u\":1", i ? ',' : '{', i);
    CHECK_INT(parse_with(text, "}"), 0);
    CHECK(parse_with(text, ",\"199\":1}") < 0);
    CHECK(parse_with(text, ",\"000\":1}") < 0);
    CHECK(parse_with(text, ",\"198a\":1}") < 0);
    CHECK(json_parse(SPAN_LITERAL("{\"b\":1,\"a\":1,\"b\":1}"), &value) < 0);
    CHECK(json_parse(SPAN_LITERAL("{\"a\":1,\"a\":1}"), &value) < 0);
    CHECK_INT(json_parse(SPAN_LITERAL("{\"a\":1,\"aa\":1,\"A\":1}"), &value), 0);
}

TAP_MAIN()
