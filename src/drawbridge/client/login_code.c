// SPDX-License-Identifier: Apache-2.0
/* The authorization code flow with PKCE: RFC 6749 section 4.1, RFC 7636, RFC 8252 section 7.3. */
#include "base/cleanup.h"
#include "codec/base64.h"
#include "codec/url.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"
#include "drawbridge/client/login_internal.h"
#include "drawbridge/client/remote.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { RANDOM_SIZE = 32, RANDOM_TEXT = 44, CODE_MAX = 4096, READ_SECONDS = 5, BACKLOG = 8 };

struct return_trip {
    char redirect[64];
    char verifier[RANDOM_TEXT], challenge[RANDOM_TEXT], state[RANDOM_TEXT];
    char code[CODE_MAX];
    int fd; /* where the browser comes back to */
};

static int make_text(char out[RANDOM_TEXT])
{
    uint8_t bytes[RANDOM_SIZE];
    int status = crypto_random(bytes, sizeof(bytes));
    out[base64_encode(span_of(bytes, sizeof(bytes)), true, out)] = '\0';
    explicit_bzero(bytes, sizeof(bytes));
    return status;
}

static int make_secrets(struct return_trip *trip)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    int status = make_text(trip->verifier);
    if (status == 0)
        status = make_text(trip->state);
    struct span verifier = span_of(trip->verifier, strlen(trip->verifier));
    if (status == 0)
        status = crypto_hash(CRYPTO_SHA256, &verifier, 1, digest);
    if (status == 0)
        trip->challenge[base64_encode(span_of(digest, sizeof(digest)), true, trip->challenge)] =
            '\0';
    return status;
}

static int listen_locally(struct return_trip *trip)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    trip->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (trip->fd < 0 || bind(trip->fd, (struct sockaddr *)&address, size) < 0 ||
        listen(trip->fd, BACKLOG) < 0 ||
        getsockname(trip->fd, (struct sockaddr *)&address, &size) < 0)
        return -errno;
    snprintf(trip->redirect, sizeof(trip->redirect), "http://127.0.0.1:%u/callback",
             ntohs(address.sin_port));
    return 0;
}

static int tell_page(const struct login *login, const struct return_trip *trip)
{
    char query[LOGIN_FORM_MAX];
    struct text form = text_init(query, sizeof(query));
    const char *page = login->endpoints.authorization;
    login_add(&form, "response_type", "code");
    login_add(&form, "client_id", login->config->client_id);
    login_add(&form, "redirect_uri", trip->redirect);
    login_add_scopes(login, &form);
    login_add(&form, "audience", login->config->audience);
    login_add(&form, "state", trip->state);
    login_add(&form, "code_challenge", trip->challenge);
    login_add(&form, "code_challenge_method", "S256");
    if (form.overflow)
        return err_set(login->err, ERR_USAGE, 0, "what the OpenID provider is asked is too long");
    fprintf(login->config->out, "Open this page to log in:  %s%c%s\n", page,
            strchr(page, '?') ? '&' : '?', query);
    fflush(login->config->out);
    return 0;
}

/* ---- the browser comes back ------------------------------------------------------------------ */

/* The value of a member of a query, decoded, with a NUL; false if it is not there. */
static bool find_value(struct span query, const char *name, char *out, size_t room)
{
    size_t name_size = strlen(name), size = 0;
    while (query.size > 0) {
        const uint8_t *end = memchr(query.data, '&', query.size);
        size_t used = end ? (size_t)(end - query.data) : query.size;
        struct span pair = span_of(query.data, used);
        used += end ? 1 : 0;
        query = span_of(query.data + used, query.size - used);
        if (pair.size <= name_size || memcmp(pair.data, name, name_size) != 0 ||
            pair.data[name_size] != '=')
            continue;
        struct span value = span_of(pair.data + name_size + 1, pair.size - name_size - 1);
        if (value.size >= room || url_decode(value, (uint8_t *)out, &size) < 0 ||
            memchr(out, 0, size))
            return false;
        out[size] = '\0';
        return true;
    }
    return false;
}

static void answer(int fd, unsigned status, const char *sentence)
{
    char buffer[1024];
    struct text text = text_init(buffer, sizeof(buffer));
    http1_begin_response(&text, status);
    http1_header(&text, "Content-Type", "text/plain; charset=utf-8");
    http1_header(&text, "Connection", "close");
    http1_header_number(&text, "Content-Length", strlen(sentence));
    http1_end(&text);
    text_add(&text, sentence);
    for (size_t at = 0; at < text.size;) {
        ssize_t done = send(fd, buffer + at, text.size - at, MSG_NOSIGNAL);
        if (done <= 0)
            return; /* the browser does not want to know */
        at += (size_t)done;
    }
}

/* Receives the head of a request; false if there is none in time. */
static bool receive_head(int fd, uint8_t *buffer, size_t room, struct http1_request *request)
{
    const struct timeval patience = {READ_SECONDS, 0};
    size_t size = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
        return false;
    for (int64_t end = login_now() + READ_SECONDS; size < room && login_now() <= end;) {
        ssize_t got = recv(fd, buffer + size, room - size, 0);
        if (got <= 0)
            return false;
        size += (size_t)got;
        int parsed = http1_parse_request(span_of(buffer, size), request);
        if (parsed != 0)
            return parsed > 0;
    }
    return false;
}

/* Whether the issuer in an answer, where there is one, is the provider (RFC 9207). */
static bool is_from_issuer(const struct login *login, struct span query)
{
    char issuer[OIDC_URL_MAX];
    const char *wanted = login->config->issuer;
    return !find_value(query, "iss", issuer, sizeof(issuer)) ||
           oidc_same_issuer(span_of(issuer, strlen(issuer)), span_of(wanted, strlen(wanted)));
}

/* Looks at one request: 0 with the code, 1 if it was something else, or a negative errno. */
static int take_request(const struct login *login, struct return_trip *trip, int fd)
{
    static const char path[] = "/callback?";
    uint8_t buffer[HTTP1_HEAD_MAX];
    struct http1_request request;
    char state[RANDOM_TEXT + 1], error[256], said[256];
    if (!receive_head(fd, buffer, sizeof(buffer), &request))
        return 1;
    struct span target = request.target;
    if (target.size < strlen(path) || memcmp(target.data, path, strlen(path)) != 0) {
        answer(fd, 404, "There is nothing here.\n");
        return 1;
    }
    struct span query = span_of(target.data + strlen(path), target.size - strlen(path));
    if (!find_value(query, "state", state, sizeof(state)) || strlen(state) != strlen(trip->state) ||
        !crypto_equal((uint8_t *)state, (uint8_t *)trip->state, strlen(state)) ||
        !is_from_issuer(login, query)) {
        answer(fd, 400, "This is not the login that enarx waits for.\n");
        return 1;
    }
    if (find_value(query, "code", trip->code, sizeof(trip->code))) {
        answer(fd, 200, "You are logged in. This page can be closed.\n");
        return 0;
    }
    struct text text = text_init(said, sizeof(said));
    if (find_value(query, "error", error, sizeof(error)))
        remote_printable(span_of(error, strlen(error)), &text);
    answer(fd, 200, "You are not logged in. This page can be closed.\n");
    return err_set(login->err, ERR_IO, 0, "the OpenID provider gives no code: %s", said);
}

static int await_code(const struct login *login, struct return_trip *trip)
{
    int status = 1;
    for (int64_t end = login_now() + LOGIN_SECONDS; status == 1;) {
        struct pollfd ready = {trip->fd, POLLIN, 0};
        int64_t rest = end - login_now();
        if (rest <= 0)
            return err_set(login->err, ERR_IO, ETIMEDOUT, "nobody logged in");
        if (poll(&ready, 1, (int)rest * 1000) <= 0)
            continue;
        autoclose int fd = accept4(trip->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            status = take_request(login, trip, fd);
    }
    return status;
}

static int exchange_code(const struct login *login, const struct return_trip *trip,
                         struct kept_tokens *tokens)
{
    char buffer[LOGIN_FORM_MAX];
    struct text form = text_init(buffer, sizeof(buffer));
    struct http_reply reply;
    struct span value;
    login_add(&form, "grant_type", "authorization_code");
    login_add(&form, "code", trip->code);
    login_add(&form, "redirect_uri", trip->redirect);
    login_add_client(login, &form);
    login_add(&form, "code_verifier", trip->verifier);
    int status = login_post(login, login->endpoints.token, &form, &reply, &value);
    explicit_bzero(buffer, sizeof(buffer));
    if (status < 0)
        return status;
    status = login_take_token(login, &reply, value, tokens);
    login_wipe(&reply);
    return status;
}

int login_by_code(const struct login *login, struct kept_tokens *tokens)
{
    struct return_trip trip = {.fd = -1};
    int status = make_secrets(&trip);
    if (status == 0)
        status = listen_locally(&trip);
    if (status < 0)
        err_set(login->err, ERR_IO, -status, "cannot wait for the browser");
    if (status == 0)
        status = tell_page(login, &trip);
    if (status == 0)
        status = await_code(login, &trip);
    if (status == 0)
        status = exchange_code(login, &trip, tokens);
    if (trip.fd >= 0)
        close(trip.fd);
    explicit_bzero(&trip, sizeof(trip));
    return status;
}
