// SPDX-License-Identifier: Apache-2.0
#include "codec/http1.h"
#include "tap.h"

#include <errno.h>

static struct http1_request request;
static struct http1_response response;

static int parse(const char *text)
{
    return http1_parse_request(span_of(text, strlen(text)), &request);
}

TEST(request, "a request is taken apart")
{
    static const char text[] = "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Type:  text/plain \r\n"
                               "content-length: 12\r\nExpect: 100-Continue\r\n\r\nbody";
    CHECK_INT(parse(text), sizeof(text) - 5);
    CHECK(span_equal(request.method, SPAN_LITERAL("POST")));
    CHECK(span_equal(request.target, SPAN_LITERAL("/a?b=c")));
    CHECK(request.head.has_length && request.head.length == 12 && !request.head.chunked);
    CHECK(request.head.keep_alive && request.expect_continue && request.head.minor == 1);
    const struct span *type = http1_header_find(&request.head, "CONTENT-TYPE");
    CHECK(type && span_equal(*type, SPAN_LITERAL("text/plain")));
    CHECK(!http1_header_find(&request.head, "content"));
}

TEST(parts, "a head that is not complete asks for more, at every length")
{
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
    for (size_t size = 0; size < sizeof(text) - 1; size++)
        CHECK_INT(http1_parse_request(span_of(text, size), &request), 0);
    CHECK_INT(parse(text), sizeof(text) - 1);
}

#define TWICE_CHUNKED                                                                              \
    "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "               \
    "chunked\r\n\r\n"

TEST(malformed, "what somebody else could understand differently is refused")
{
    static const char *const texts[] = {
        "GET / HTTP/1.1\nHost: x\n\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\n",
        "GET / HTTP/1.1\rHost: x\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET /\r\n\r\n",
        " GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", /* no Host */
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        (TWICE_CHUNKED),
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (parse(texts[i]) != -EINVAL)
            tap_fail(__FILE__, __LINE__, "%s", texts[i]);
    }
}

TEST(limits, "heads are bounded in headers and bytes, complete or not")
{
    static char text[HTTP1_HEAD_MAX + 64];
    strcpy(text, "GET / HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 1; i <= HTTP1_HEADERS_MAX; i++)
        strcat(text, "A: b\r\n");
    strcat(text, "\r\n");
    CHECK_INT(parse(text), -EMSGSIZE);
    memset(text + 5, 'a', sizeof(text) - 6);
    CHECK_INT(http1_parse_request(span_of(text, HTTP1_HEAD_MAX), &request), 0);
    CHECK_INT(http1_parse_request(span_of(text, HTTP1_HEAD_MAX + 1), &request), -EMSGSIZE);
}

TEST(connection, "whether a connection stays open follows the version and the header")
{
    static const struct {
        const char *text;
        bool keep;
    } rows[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(parse(rows[i].text) > 0);
        CHECK(request.head.keep_alive == rows[i].keep);
    }
}

TEST(response, "a response is taken apart")
{
    static const char text[] = "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: Chunked\r\n\r\n";
    CHECK_INT(http1_parse_response(span_of(text, sizeof(text) - 1), &response), sizeof(text) - 1);
    CHECK(response.status == 404 && response.head.chunked);
    CHECK(span_equal(response.reason, SPAN_LITERAL("Not Found")));
    static const char *const wrong[] = {"HTTP/1.1 99 x\r\n\r\n", "HTTP/1.1 600 x\r\n\r\n",
                                        "HTTP/1.1 2000 x\r\n\r\n", "HTTP/1.1 200\r\n\r\n",
                                        "ICY 200 OK\r\n\r\n"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_INT(http1_parse_response(span_of(wrong[i], strlen(wrong[i])), &response), -EINVAL);
}

/* Decodes a body given in pieces of `step` bytes: its text, or "refused" or "more". */
static const char *decode(const char *text, size_t step)
{
    static char out[256];
    size_t size = 0;
    struct http1_chunked chunked = {0};
    struct span rest = span_of(text, strlen(text)), piece;
    while (rest.size > 0 && !chunked.done) {
        struct span part = span_of(rest.data, rest.size < step ? rest.size : step);
        size_t given = part.size;
        int status;
        while ((status = http1_chunked_next(&chunked, &part, &piece)) > 0) {
            memcpy(out + size, piece.data, piece.size);
            size += piece.size;
        }
        if (status < 0)
            return "refused";
        rest = span_of(rest.data + given - part.size, rest.size - given + part.size);
    }
    out[size] = '\0';
    return chunked.done ? out : "more";
}

TEST(chunked, "a chunked body comes out whole, however it arrives")
{
    static const char text[] =
        "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nnext";
    for (size_t step = 1; step < sizeof(text); step++)
        CHECK_STR(decode(text, step), "abc0123456789");
    CHECK_STR(decode("0\r\n\r\n", 9), "");
    CHECK_STR(decode("3\r\nab", 9), "more");
    static const char *const wrong[] = {"\r\n",
                                        "x\r\n",
                                        "3 \r\nabc\r\n",
                                        "3\nabc\r\n",
                                        "3\r\nabcd\r\n",
                                        "3\r\nabc\n",
                                        "-1\r\n",
                                        "0x3\r\n",
                                        "10000000000000000\r\n",
                                        "0\r\n\n",
                                        "0\r\nA\x01: b\r\n\r\n",
                                        "0\r\n\rx"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_STR(decode(wrong[i], 99), "refused");
}

TEST(writing, "heads are written, and nothing that would break a line")
{
    char buffer[256];
    struct text text = text_init(buffer, sizeof(buffer));
    http1_begin_response(&text, 413);
    http1_header(&text, "Content-Type", "text/plain");
    http1_header_number(&text, "Content-Length", 12);
    http1_end(&text);
    CHECK_STR(buffer, "HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\n"
                      "Content-Length: 12\r\n\r\n");
    CHECK(!text.overflow && http1_parse_response(text_span(&text), &response) > 0);
    http1_header(&text, "X", "a\r\nSet-Cookie: b");
    CHECK(text.overflow);
    text = text_init(buffer, sizeof(buffer));
    http1_begin_request(&text, "GET", "/a b");
    CHECK(text.overflow);
    text = text_init(buffer, sizeof(buffer));
    http1_begin_request(&text, "GET", "/a");
    CHECK_STR(buffer, "GET /a HTTP/1.1\r\n");
    CHECK_STR(http1_reason(999), "");
}

TAP_MAIN()
