// SPDX-License-Identifier: Apache-2.0
#include "codec/json_writer.h"
#include "tap.h"

TEST(nested, "commas, line ends and indentation come by themselves")
{
    char buffer[512];
    struct text text = text_init(buffer, sizeof(buffer));
    struct json_writer json = {.text = &text};
    json_open(&json, NULL, '{');
    json_string(&json, "name", "a\"b");
    json_open(&json, "list", '[');
    json_number(&json, NULL, 18446744073709551615U);
    json_bool(&json, NULL, true);
    json_open(&json, NULL, '{');
    json_close(&json, '}');
    json_close(&json, ']');
    json_open(&json, "none", '[');
    json_close(&json, ']');
    json_close(&json, '}');
    CHECK_STR(buffer, "{\n  \"name\": \"a\\\"b\",\n  \"list\": [\n    18446744073709551615,\n"
                      "    true,\n    {}\n  ],\n  \"none\": []\n}");
}

TEST(overflow, "a text that is too long is noticed")
{
    char buffer[8];
    struct text text = text_init(buffer, sizeof(buffer));
    struct json_writer json = {.text = &text};
    json_open(&json, NULL, '[');
    json_string(&json, NULL, "too long for this");
    json_close(&json, ']');
    CHECK(text.overflow);
}

TAP_MAIN()
