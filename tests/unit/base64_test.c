// SPDX-License-Identifier: Apache-2.0
#include "codec/base64.h"
#include "tap.h"

static const char *decoded(const char *text)
{
    static uint8_t out[128];
    size_t size;
    if (base64_decode(span_of(text, strlen(text)), out, &size) < 0)
        return "refused";
    out[size] = '\0';
    return (const char *)out;
}

TEST(vectors, "the vectors of RFC 4648 section 10")
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char out[16];
        struct span bytes = span_of(pairs[i][0], strlen(pairs[i][0]));
        size_t size = base64_encode(bytes, false, out);
        CHECK(size == BASE64_ENCODED(bytes.size));
        out[size] = '\0';
        CHECK_STR(out, pairs[i][1]);
        CHECK_STR(decoded(pairs[i][1]), pairs[i][0]);
    }
    char url[8];
    url[base64_encode(SPAN_LITERAL("\xFB\xFF\xFE\xFF"), true, url)] = '\0';
    CHECK_STR(url, "-__-_w");
}

TEST(strict, "what is not base64 is refused")
{
    static const char *const wrong[] = {"Z",     "Zg",   "Zg=",    "Zg===",    "Zh==",     "Zm9=",
                                        "Zm9v=", "Z=g=", "Zm 9v!", "Zg==Zg==", "Zm9v\x01", "Z-8="};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_STR(decoded(wrong[i]), "refused");
    CHECK_STR(decoded(" Zm9v\r\nYmFy\n\t"), "foobar");
}

TEST(hex, "hexadecimal digits are exact")
{
    uint8_t bytes[3];
    char text[7];
    CHECK_INT(hex_decode(SPAN_LITERAL("00aBFf"), bytes, 3), 0);
    hex_encode(span_of(bytes, 3), text);
    CHECK_STR(text, "00abff");
    CHECK(hex_decode(SPAN_LITERAL("00aBF"), bytes, 3) < 0);
    CHECK(hex_decode(SPAN_LITERAL("00aBFfF"), bytes, 3) < 0);
    CHECK(hex_decode(SPAN_LITERAL("00aBFg"), bytes, 3) < 0);
    CHECK(hex_decode(SPAN_LITERAL("0x00aB"), bytes, 3) < 0);
}

TEST(pem, "blocks follow each other, with white space and nothing else between them")
{
    struct span text =
        SPAN_LITERAL("\n-----BEGIN A B-----\nZm9v\n-----END A B----------BEGIN C-----"
                     "\n-----END C-----\n\0");
    struct pem_block block;
    CHECK_INT(pem_next(&text, &block), 1);
    CHECK(span_equal(block.label, SPAN_LITERAL("A B")));
    uint8_t out[8];
    size_t size;
    CHECK(base64_decode(block.body, out, &size) == 0 && size == 3);
    CHECK_INT(pem_next(&text, &block), 1);
    CHECK(span_equal(block.label, SPAN_LITERAL("C")));
    CHECK_INT(pem_next(&text, &block), 0);

    static const struct span wrong[] = {
        SPAN_INIT("x"),
        SPAN_INIT("-----BEGIN A-----"),
        SPAN_INIT("-----BEGIN A-----\n-----END B-----"),
        SPAN_INIT("-----BEGIN A-----\n-----END A"),
        SPAN_INIT("comment\n-----BEGIN A-----\n-----END A-----"),
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        text = wrong[i];
        CHECK(pem_next(&text, &block) < 0);
    }
}

TEST(url, "tokens are base64url without padding and nothing else")
{
    uint8_t out[BASE64_DECODED(8)];
    size_t size;
    CHECK(base64url_decode(SPAN_LITERAL("-_-_"), out, &size) == 0 && size == 3);
    CHECK(memcmp(out, "\xFB\xFF\xBF", 3) == 0);
    CHECK(base64url_decode(SPAN_LITERAL("Zm8"), out, &size) == 0 && size == 2);
    CHECK(base64url_decode(SPAN_LITERAL("Zg"), out, &size) == 0 && size == 1);
    CHECK(base64url_decode((struct span){0}, out, &size) == 0 && size == 0);
    static const char *const wrong[] = {"Z", "Zm8=", "Zh", "Zm9", "+/+/", "Zm 8", "Zm8\n", "Zm9vZ"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK(base64url_decode(span_of(wrong[i], strlen(wrong[i])), out, &size) < 0);
}

TAP_MAIN()
