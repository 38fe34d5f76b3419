/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 messages (RFC 9112): heads are read in place, bodies are decoded piece by piece, heads
 * are written.
 *
 * Both sides of the trust boundary. No I/O, no allocation, no globals.
 *
 *     struct http1_request request;
 *     int size = http1_parse_request(received, &request);
 *     if (size == 0)
 *         …                                   the head is not complete: receive more
 *     else if (size < 0)
 *         …                                   answer 400, or 431 for -EMSGSIZE, and close
 *     else
 *         …                                   the body begins at received.data + size
 *
 * Strict, so that nobody in between can understand a message differently: lines end with CR LF; no
 * line folding; no blanks around names; a token is a token; at most one Content-Length, of digits
 * only; Content-Length and Transfer-Encoding exclude each other; the only transfer coding is
 * chunked, once; HTTP/1.1 requests have exactly one Host.
 */
#pragma once

#include "base/text.h"

enum { HTTP1_HEADERS_MAX = 64, HTTP1_HEAD_MAX = 16 * 1024, HTTP1_CHUNK_LINE_MAX = 256 };

struct http1_header {
    struct span name, value; /* without blanks around them */
};

/* What heads of both kinds have. */
struct http1_head {
    unsigned minor; /* HTTP/1.minor, 0 or 1 */
    struct http1_header headers[HTTP1_HEADERS_MAX];
    size_t count;
    bool has_length, chunked;
    uint64_t length; /* Content-Length */
    bool keep_alive; /* the connection may be used again */
};

struct http1_request {
    struct http1_head head;
    struct span method, target;
    bool expect_continue; /* the body is sent after "100 Continue" */
};

struct http1_response {
    struct http1_head head;
    unsigned status; /* 100 to 599 */
    struct span reason;
};

/* Reads a head at the front of `bytes`. Returns its size with the empty line; 0 if more bytes are
 * needed; -EINVAL if it is malformed; -EMSGSIZE if it is, or will be, too large. */
__attribute__((warn_unused_result)) int http1_parse_request(struct span bytes,
                                                            struct http1_request *request);
__attribute__((warn_unused_result)) int http1_parse_response(struct span bytes,
                                                             struct http1_response *response);

/* The value of the first header with this name, in any case of letters; NULL if there is none. */
const struct span *http1_header_find(const struct http1_head *head, const char *name);
/* Whether two texts are the same but for the case of ASCII letters. */
bool http1_equal(struct span text, const char *word);

/* The decoder of chunked bodies; begins as zeros. */
struct http1_chunked {
    uint64_t rest;        /* bytes of the chunk at hand that have not come yet */
    unsigned state, line; /* internal */
    bool done;            /* the body is complete */
};

/*
 * Takes bytes from the front of *input. Returns 1 with the next piece of the body in *piece, which
 * borrows from the input; 0 if the input is used up or the body is done; -EINVAL if it is
 * malformed. Trailers are skipped.
 */
__attribute__((warn_unused_result)) int http1_chunked_next(struct http1_chunked *chunked,
                                                           struct span *input, struct span *piece);

/* A header to be written. */
struct http1_field {
    const char *name, *value;
};

/* Begins an answer or a request; then come headers, then http1_end. What would break a line is
 * recorded as overflow of the text. */
void http1_begin_response(struct text *text, unsigned status);
void http1_begin_request(struct text *text, const char *method, const char *target);
void http1_header(struct text *text, const char *name, const char *value);
void http1_header_number(struct text *text, const char *name, uint64_t value);
void http1_end(struct text *text);

/* "Not Found"; "" for a status that is not known here. */
const char *http1_reason(unsigned status);
