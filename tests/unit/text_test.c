// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "tap.h"

TEST(adding, "pieces come one after the other")
{
    char buffer[32];
    struct text text = text_init(buffer, sizeof(buffer));
    text_add(&text, "a");
    text_printf(&text, "%d", 12);
    text_add_span(&text, SPAN_LITERAL("bc"));
    CHECK_STR(buffer, "a12bc");
    CHECK_INT(text.size, 5);
    CHECK(!text.overflow);
}

TEST(overflow, "a full buffer cuts, remembers and stays terminated")
{
    char buffer[5];
    struct text text = text_init(buffer, sizeof(buffer));
    text_add(&text, "abcd");
    CHECK(!text.overflow);
    text_add(&text, "");
    CHECK(!text.overflow);
    text_add(&text, "e");
    CHECK(text.overflow);
    text_printf(&text, "%d", 1);
    CHECK_STR(buffer, "abcd");
    char one[1];
    text = text_init(one, 1);
    text_printf(&text, "x");
    CHECK(text.overflow);
    CHECK_STR(one, "");
}

TEST(quoting, "strings survive JSON and TOML, whatever they contain")
{
    char buffer[256];
    struct text text = text_init(buffer, sizeof(buffer));
    text_add_quoted(&text, "a\"\\\n\t\x01\x7f\xC3\xA9\xF0\x9F\x98\x80");
    CHECK_STR(buffer, "\"a\\\"\\\\\\u000a\\u0009\\u0001\\u007f\xC3\xA9\xF0\x9F\x98\x80\"");
    text = text_init(buffer, sizeof(buffer));
    text_add_quoted(&text, "\xFFx\xC3");
    CHECK_STR(buffer, "\"\xEF\xBF\xBDx\xEF\xBF\xBD\"");
}

TAP_MAIN()
