// SPDX-License-Identifier: Apache-2.0
#include "codec/url.h"
#include "tap.h"

static bool parse(const char *text, struct url *url)
{
    return url_parse(span_of(text, strlen(text)), url) == 0;
}

static bool is(struct span span, const char *text)
{
    return span_equal(span, span_of(text, strlen(text)));
}

TEST(parts, "requests would go to the wrong host, port or path")
{
    static const struct {
        const char *text, *host, *target;
        uint16_t port;
        bool secure, bracketed;
    } rows[] = {
        {"https://example.com", "example.com", "", 443, true, false},
        {"HTTP://example.com/", "example.com", "/", 80, false, false},
        {"https://kdsintf.amd.com/vcek/v1/Milan/crl?a=b%20c", "kdsintf.amd.com",
         "/vcek/v1/Milan/crl?a=b%20c", 443, true, false},
        {"http://127.0.0.1:8080?x", "127.0.0.1", "?x", 8080, false, false},
        {"https://[::1]:65535/a:b@c", "::1", "/a:b@c", 65535, true, true},
        {"https://[::ffff:1.2.3.4]", "::ffff:1.2.3.4", "", 443, true, true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct url url;
        CHECK(parse(rows[i].text, &url));
        CHECK(is(url.host, rows[i].host));
        CHECK(is(url.target, rows[i].target));
        CHECK_INT(url.port, rows[i].port);
        CHECK(url.secure == rows[i].secure && url.bracketed == rows[i].bracketed);
    }
}

TEST(refused, "a password, a line break or a host of somebody else would hide in a URL")
{
    static const char *const texts[] = {
        "",
        "https://",
        "https:///path",
        "ftp://example.com/",
        "//example.com",
        "example.com",
        "https://user:password@example.com/",
        "https://example.com@evil.example/",
        "https://example.com#x",
        "https://example.com/a#x",
        "https://example.com/a b",
        "https://example.com/a\r\nHost: evil",
        "https://example.com\\evil.example/",
        "https://example.com:/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:123456/",
        "https://example.com:443x",
        "https://[::1/",
        "https://[]/",
        "https://[::1]x/",
        "https://::1/",
        "https://ex\xC3\xA4mple.com/",
    };
    struct url url;
    CHECK(url_parse((struct span){0}, &url) < 0);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (parse(texts[i], &url))
            tap_fail(__FILE__, __LINE__, "accepted: %s", texts[i]);
    }
    char large[400] = "https://";
    memset(large + 8, 'a', 254);
    CHECK(!parse(large, &url));
    large[8 + 253] = '\0';
    CHECK(parse(large, &url));
    CHECK(url_parse(span_of("https://a/\0b", 12), &url) < 0);
}

TEST(decode, "certificates in headers of Intel's services could not be read")
{
    uint8_t out[64];
    size_t size;
    CHECK(url_decode(SPAN_LITERAL("a%20b%0A%2b+"), out, &size) == 0);
    CHECK(span_equal(span_of(out, size), SPAN_LITERAL("a b\n++")));
    CHECK(url_decode((struct span){0}, out, &size) == 0 && size == 0);
    CHECK(url_decode(SPAN_LITERAL("a%2"), out, &size) < 0);
    CHECK(url_decode(SPAN_LITERAL("a%"), out, &size) < 0);
    CHECK(url_decode(SPAN_LITERAL("%g0"), out, &size) < 0);
}

TEST(encode, "a value of a query could become another member of it")
{
    char buffer[64];
    struct text text = text_init(buffer, sizeof(buffer));
    url_encode(&text, SPAN_LITERAL("aZ09-._~ &=%+/\xFF\0"));
    CHECK(span_equal(text_span(&text), SPAN_LITERAL("aZ09-._~%20%26%3D%25%2B%2F%FF%00")));
    text = text_init(buffer, 4);
    url_encode(&text, SPAN_LITERAL("ab&"));
    CHECK(text.overflow);
}

TAP_MAIN()
