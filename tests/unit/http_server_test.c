// SPDX-License-Identifier: Apache-2.0
/* The server over loopback sockets: each test is client and server in turn. */
#include "base/cleanup.h"
#include "http/buffer.h"
#include "http/server.h"
#include "tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <time.h>

enum { RECEIVED_MAX = 64 * 1024, LARGE = 16 << 20 };

struct world {
    struct http_server *server;
    int listener;
    uint16_t port;
    struct http_peer peer; /* of the last request */
    size_t body_size;
    unsigned requests, releases;
};

static void release(void *context, struct http_answer *answer)
{
    struct world *world = context;
    world->releases++;
    free(answer->memory);
}

/* "/" says ok, "/wait" asks to come again, "/large" is larger than what sockets buffer. */
static void answer_request(void *context, const struct http_exchange *exchange,
                           struct http_answer *answer)
{
    struct world *world = context;
    world->requests++;
    world->peer = exchange->peer;
    world->body_size = exchange->body.size;
    answer->status = 200;
    answer->content_type = "text/plain";
    answer->body = SPAN_LITERAL("ok");
    answer->release = release;
    if (span_equal(exchange->request->target, SPAN_LITERAL("/wait"))) {
        answer->status = 429;
        answer->headers[0].name = "Retry-After";
        answer->headers[0].value = "7";
    } else if (span_equal(exchange->request->target, SPAN_LITERAL("/large"))) {
        answer->memory = calloc(1, LARGE);
        answer->body = span_of(answer->memory, answer->memory ? LARGE : 0);
    }
}

/* What tests change of it. */
static const struct http_server_config usual = {
    .body_max = 1 << 20,
    .memory_max = 64 << 20,
    .connections_max = 16,
    .client_connections_max = 16,
    .seconds = 30,
    .rate = 1 << 20,
    .answer = answer_request,
};

static void open_world(struct world *world, struct http_server_config config, int family)
{
    struct sockaddr_in6 address = {.sin6_family = (sa_family_t)family}; /* of either family */
    socklen_t size = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    *world = (struct world){.listener = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    CHECK(world->listener >= 0);
    CHECK(bind(world->listener, (struct sockaddr *)&address, size) == 0);
    CHECK(listen(world->listener, 64) == 0);
    size = sizeof(address);
    CHECK(getsockname(world->listener, (struct sockaddr *)&address, &size) == 0);
    world->port = address.sin6_port;
    config.listener = world->listener;
    config.context = world;
    world->server = http_server_new(&config);
    CHECK(world->server != NULL);
}

static void close_world(struct world *world)
{
    http_server_free(world->server);
    close(world->listener);
}

static int client_from(struct world *world, const char *source)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = world->port};
    struct sockaddr_in own = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    CHECK(inet_pton(AF_INET, source, &own.sin_addr) == 1);
    CHECK(inet_pton(AF_INET, "127.0.0.1", &server.sin_addr) == 1);
    CHECK(bind(fd, (struct sockaddr *)&own, sizeof(own)) == 0);
    CHECK(connect(fd, (struct sockaddr *)&server, sizeof(server)) == 0);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    CHECK(http_server_step(world->server, 1000) == 0);
    return fd;
}

static int client(struct world *world)
{
    return client_from(world, "127.0.0.1");
}

static void say(struct world *world, int fd, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t done = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);
        CHECK(done > 0 || errno == EAGAIN);
        if (done > 0)
            bytes = span_of(bytes.data + done, bytes.size - (size_t)done);
        CHECK(http_server_step(world->server, 10) == 0);
    }
}

/* What the server says until it waits for `wanted`, or the connection ends; whether it ended. */
static bool hear(struct world *world, int fd, char text[RECEIVED_MAX], const char *wanted)
{
    size_t size = 0;
    text[0] = '\0';
    while (!(wanted && strstr(text, wanted))) {
        CHECK(http_server_step(world->server, 10) == 0);
        ssize_t got = recv(fd, text + size, RECEIVED_MAX - 1 - size, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return true;
        if (got > 0)
            size += (size_t)got;
        text[size] = '\0';
    }
    return false;
}

TEST(peer, "limits by client would not know whom to count")
{
    char text[RECEIVED_MAX];
    struct world world;
    open_world(&world, usual, AF_INET);
    int fd = client_from(&world, "127.0.0.9");
    say(&world, fd, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, fd, text, "ok"));
    static const uint8_t expected[16] = {[10] = 0xFF, 0xFF, 127, 0, 0, 9};
    CHECK(memcmp(world.peer.address, expected, sizeof(expected)) == 0);
    CHECK_INT(world.releases, 1);
    close(fd);
    close_world(&world);
    open_world(&world, usual, AF_INET6); /* takes IPv4, too */
    fd = client_from(&world, "127.0.0.9");
    say(&world, fd, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, fd, text, "ok"));
    CHECK(memcmp(world.peer.address, expected, sizeof(expected)) == 0);
    close(fd);
    close_world(&world);
}

TEST(peer_client, "a client of IPv6 would escape limits with its next address")
{
    struct http_peer peer = {{0x20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
    struct http_peer near = peer, far = peer;
    near.address[15] ^= 1;
    near.address[8] ^= 1;
    far.address[7] ^= 1;
    struct http_peer client = http_peer_client(&peer), same = http_peer_client(&near);
    struct http_peer other = http_peer_client(&far);
    CHECK(http_peer_equal(&client, &same));
    CHECK(!http_peer_equal(&client, &other));
    struct http_peer four = {{[10] = 0xFF, 0xFF, 127, 0, 0, 9}};
    client = http_peer_client(&four);
    CHECK(http_peer_equal(&client, &four));
    struct sockaddr_storage local = {.ss_family = AF_UNIX};
    peer = http_peer_of(&local);
    CHECK(http_peer_equal(&peer, &(struct http_peer){0}));
}

TEST(headers, "a client would not learn when to come again")
{
    char text[RECEIVED_MAX];
    struct world world;
    open_world(&world, usual, AF_INET);
    int fd = client(&world);
    say(&world, fd, SPAN_LITERAL("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, fd, text, "ok"));
    CHECK(strstr(text, "HTTP/1.1 429 Too Many Requests\r\n") == text);
    CHECK(strstr(text, "\r\nRetry-After: 7\r\n"));
    const char *date = strstr(text, "\r\nDate: ");
    struct tm parts = {0};
    CHECK(date != NULL);
    date = strptime(date + 8, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    CHECK(date && strncmp(date, "\r\n", 2) == 0);
    time_t now = time(NULL), said = timegm(&parts);
    CHECK(said <= now && now - said < 3600); /* a slow machine is no wrong clock */
    close(fd);
    close_world(&world);
}

TEST(client_connections, "one client would take all connections from the others")
{
    char text[RECEIVED_MAX];
    struct world world;
    struct http_server_config config = usual;
    config.client_connections_max = 2;
    open_world(&world, config, AF_INET);
    int one = client(&world), two = client(&world), three = client(&world);
    CHECK(hear(&world, three, text, NULL));
    int other = client_from(&world, "127.0.0.2");
    say(&world, other, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, other, text, "ok"));
    CHECK_INT(http_server_stats(world.server).refused, 1);
    CHECK_INT(http_server_stats(world.server).connections, 3);
    close(one);
    CHECK(http_server_step(world.server, 1000) == 0);
    close(three);
    three = client(&world);
    say(&world, three, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, three, text, "ok"));
    http_server_set_client_connections(world.server, 1);
    int four = client_from(&world, "127.0.0.2");
    CHECK(hear(&world, four, text, NULL));
    const int open[] = {two, three, four, other};
    for (size_t i = 0; i < 4; i++)
        close(open[i]);
    close_world(&world);
}

TEST(budget, "slow bodies of many connections would use up the memory of the machine")
{
    static uint8_t part[200 * 1024];
    char text[RECEIVED_MAX];
    struct world world;
    struct http_server_config config = usual;
    config.memory_max = 700 * 1024;
    open_world(&world, config, AF_INET);
    int slow[4];
    for (size_t i = 0; i < 4; i++) {
        slow[i] = client(&world);
        say(&world, slow[i],
            SPAN_LITERAL("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"));
        say(&world, slow[i], span_of(part, sizeof(part)));
        CHECK(http_server_stats(world.server).memory <= config.memory_max + 16 * 3 * BUFFER_SMALL);
    }
    /* The slowest made room for the last. */
    CHECK(hear(&world, slow[0], text, NULL));
    CHECK(strstr(text, "HTTP/1.1 503 Service Unavailable\r\n") == text);
    CHECK(strstr(text, "\r\nRetry-After: 1\r\n"));
    CHECK(http_server_stats(world.server).overloaded >= 1);
    /* And whoever comes now is served. */
    int good = client(&world);
    say(&world, good, SPAN_LITERAL("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 204800\r\n\r\n"));
    say(&world, good, span_of(part, sizeof(part)));
    CHECK(!hear(&world, good, text, "ok"));
    CHECK_INT(world.body_size, sizeof(part));
    for (size_t i = 0; i < 4; i++)
        close(slow[i]);
    close(good);
    while (http_server_stats(world.server).connections > 0)
        CHECK(http_server_step(world.server, 10) == 0);
    CHECK_INT(http_server_stats(world.server).memory, 0);
    close_world(&world);
}

TEST(budget_alone, "what is larger than the whole memory would stay without an answer")
{
    static uint8_t part[200 * 1024];
    char text[RECEIVED_MAX];
    struct world world;
    struct http_server_config config = usual;
    config.memory_max = 100 * 1024;
    open_world(&world, config, AF_INET);
    int fd = client(&world);
    say(&world, fd, SPAN_LITERAL("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 204800\r\n\r\n"));
    say(&world, fd, span_of(part, sizeof(part)));
    CHECK(hear(&world, fd, text, NULL));
    CHECK(strstr(text, "HTTP/1.1 503 ") == text);
    close(fd);
    fd = client(&world);
    say(&world, fd, SPAN_LITERAL("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(hear(&world, fd, text, NULL));
    CHECK(strstr(text, "HTTP/1.1 503 ") == text);
    CHECK_INT(world.releases, 1);
    close(fd);
    close_world(&world);
}

TEST(slow_reader, "who takes an answer byte by byte would hold a connection and its memory")
{
    char byte;
    struct world world;
    struct http_server_config config = usual;
    config.seconds = 1;
    config.rate = 64 << 20;
    open_world(&world, config, AF_INET);
    int fd = client(&world);
    say(&world, fd, SPAN_LITERAL("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
    while (http_server_stats(world.server).connections > 0) {
        CHECK(http_server_step(world.server, 1) == 0);
        CHECK(recv(fd, &byte, 1, 0) == 1);
    }
    CHECK_INT(http_server_stats(world.server).late, 1);
    close(fd);
    close_world(&world);
}

TEST(large_answer, "a reader who takes an answer at once would not get all of it")
{
    static uint8_t bytes[1 << 20];
    size_t size = 0;
    struct world world;
    open_world(&world, usual, AF_INET);
    int fd = client(&world);
    say(&world, fd, SPAN_LITERAL("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"));
    while (size < LARGE) {
        CHECK(http_server_step(world.server, 1) == 0);
        ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
        CHECK(got > 0 || (got < 0 && errno == EAGAIN));
        size += got > 0 ? (size_t)got : 0;
    }
    CHECK(size < LARGE + 1024);
    CHECK(http_server_step(world.server, 1) == 0);
    CHECK(http_server_stats(world.server).memory <= 3 * BUFFER_SMALL);
    close(fd);
    close_world(&world);
}

TEST(turns, "a client that never stops to ask would keep the server from all others")
{
    static char many[28 * 20000];
    char text[RECEIVED_MAX];
    struct world world;
    open_world(&world, usual, AF_INET);
    for (size_t i = 0; i < sizeof(many) / 28; i++)
        memcpy(many + i * 28, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 28);
    int greedy = client(&world), other = client(&world);
    ssize_t sent = send(greedy, many, sizeof(many), MSG_NOSIGNAL);
    CHECK(sent > 28 * 1000);
    CHECK(send(other, "GET /x HTTP/1.1\r\nHost: x\r\n\r\n", 29, MSG_NOSIGNAL) == 29);
    CHECK(http_server_step(world.server, 1000) == 0);
    CHECK(world.requests > 0 && world.requests < 100);
    CHECK(!hear(&world, other, text, "ok"));
    CHECK(world.requests < 1000);
    close(greedy);
    close(other);
    close_world(&world);
}

TEST(buffers, "a buffer would forget bytes, or count memory wrongly")
{
    static const uint8_t bytes[3 * BUFFER_SMALL] = {1, 2, 3};
    struct buffer_budget budget = {.max = 4 * BUFFER_SMALL};
    struct buffer one = {.limit = 10 * BUFFER_SMALL}, two = {.limit = 2 * BUFFER_SMALL};
    CHECK(buffer_append(&one, &budget, span_of(bytes, 0)) == 0);
    CHECK(buffer_append(&one, &budget, span_of(bytes, 3)) == 0);
    CHECK(buffer_append(&one, &budget, span_of(bytes, BUFFER_SMALL - 3)) == 0);
    CHECK_INT(budget.used, BUFFER_SMALL);
    CHECK(buffer_append(&two, &budget, span_of(bytes, 2 * BUFFER_SMALL + 1)) == -EMSGSIZE);
    CHECK(buffer_append(&two, &budget, span_of(bytes, 2 * BUFFER_SMALL)) == 0);
    CHECK_INT(budget.used, 3 * BUFFER_SMALL);
    CHECK(buffer_append(&one, &budget, span_of(bytes, 2 * BUFFER_SMALL)) == -ENOBUFS);
    CHECK_INT(one.size, BUFFER_SMALL);
    buffer_consume(&one, 2);
    CHECK_INT(one.size, BUFFER_SMALL - 2);
    CHECK_INT(one.data[0], 3);
    buffer_consume(&two, two.size);
    buffer_trim(&two, &budget);
    buffer_trim(&one, &budget);
    CHECK_INT(budget.used, BUFFER_SMALL);
    budget.max = 0; /* small ones grow nevertheless */
    CHECK(buffer_append(&two, &budget, span_of(bytes, 1)) == 0);
    buffer_fini(&one, &budget);
    buffer_fini(&two, &budget);
    CHECK_INT(budget.used, 0);
}

/* A sink that counts and sums, and refuses when the sum of its bytes gets too large. */
struct tub {
    struct world *world;
    uint64_t size, refuse_at;
    uint8_t sum;
    unsigned finished, dropped, begun;
};

static struct tub tub;

static int tub_take(void *state, struct span piece)
{
    (void)state;
    for (size_t i = 0; i < piece.size; i++)
        tub.sum = (uint8_t)(tub.sum * 31 + piece.data[i]);
    tub.size += piece.size;
    return tub.refuse_at && tub.size > tub.refuse_at ? -ENOSPC : 0;
}

static void tub_finish(void *state, struct http_answer *answer)
{
    (void)state;
    tub.finished++;
    answer->status = tub.refuse_at && tub.size > tub.refuse_at ? 507 : 201;
}

static void tub_drop(void *state)
{
    (void)state;
    tub.dropped++;
}

static bool begin_tub(void *context, const struct http_exchange *exchange, struct http_sink *sink,
                      struct http_answer *answer)
{
    (void)context;
    tub.begun++;
    if (span_equal(exchange->request->target, SPAN_LITERAL("/no")))
        answer->status = 401;
    if (!span_equal(exchange->request->target, SPAN_LITERAL("/tub")))
        return false;
    *sink = (struct http_sink){tub_take, tub_finish, tub_drop, NULL, NULL};
    return true;
}

static void open_tub(struct world *world, uint64_t refuse_at)
{
    struct http_server_config config = usual;
    config.begin = begin_tub;
    tub = (struct tub){.refuse_at = refuse_at};
    open_world(world, config, AF_INET);
}

TEST(sink, "bodies go to a sink piece by piece, whole, and the connection goes on")
{
    static uint8_t bytes[3 << 20];
    static char text[RECEIVED_MAX];
    struct world world;
    uint8_t sum = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 13 + i / 1000);
        sum = (uint8_t)(sum * 31 + bytes[i]);
    }
    open_tub(&world, 0);
    int fd = client(&world);
    say(&world, fd,
        SPAN_LITERAL("PUT /tub HTTP/1.1\r\nHost: x\r\nContent-Length: 3145728\r\n\r\n"));
    say(&world, fd, span_of(bytes, sizeof(bytes)));
    CHECK(!hear(&world, fd, text, "201 Created"));
    CHECK_INT(tub.size, sizeof(bytes));
    CHECK_INT(tub.sum, sum);
    /* Chunked, with another request right behind it. */
    say(&world, fd,
        SPAN_LITERAL("PUT /tub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, fd, text, "\r\n\r\nok"));
    CHECK(strstr(text, "201 Created"));
    CHECK_INT(tub.size, sizeof(bytes) + 5);
    /* What the sink does not want is collected as before. */
    say(&world, fd, SPAN_LITERAL("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"));
    say(&world, fd, SPAN_LITERAL("ab"));
    CHECK(!hear(&world, fd, text, "\r\n\r\nok"));
    CHECK_INT(world.body_size, 2);
    CHECK_INT(tub.begun, 3);
    CHECK_INT(tub.finished, 2);
    CHECK_INT(tub.dropped, 0);
    close(fd);
    close_world(&world);
}

/* Who answers later: a thread of its own, when it is told to. */
static struct http_later *later;
static unsigned released;

static bool tub_later(void *state, struct http_later *given)
{
    (void)state;
    later = given;
    return true;
}

static bool begin_later(void *context, const struct http_exchange *exchange, struct http_sink *sink,
                        struct http_answer *answer)
{
    bool begun = begin_tub(context, exchange, sink, answer);
    sink->finish_later = tub_later;
    return begun;
}

static void release_later(void *context, struct http_answer *answer)
{
    (void)context, (void)answer;
    released++;
}

static void *answer_later(void *argument)
{
    struct http_answer answer = {.status = 202, .release = release_later};
    (void)argument;
    http_later_answer(later, &answer);
    return NULL;
}

static void run_answer(void)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, answer_later, NULL), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

TEST(later, "who waits for a slow answer would hold everybody up, or lose the answer")
{
    static char text[RECEIVED_MAX];
    static const char put[] = "PUT /tub HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    struct http_server_config config = usual;
    struct world world;
    config.begin = begin_later;
    tub = (struct tub){0};
    open_world(&world, config, AF_INET);
    int fd = client(&world), other = client(&world);
    say(&world, fd, SPAN_LITERAL(put));
    say(&world, fd, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    say(&world, other, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, other, text, "\r\n\r\nok"));
    CHECK(later && tub.finished == 0);
    run_answer();
    CHECK(!hear(&world, fd, text, "\r\n\r\nok"));
    CHECK(strstr(text, "202 Accepted"));
    CHECK_INT(released, 1);
    /* A client that goes away meanwhile, and one that is not answered when the server ends. */
    later = NULL;
    say(&world, fd, SPAN_LITERAL(put));
    say(&world, other, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, other, text, "\r\n\r\nok"));
    CHECK(later);
    close(fd);
    say(&world, other, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, other, text, "\r\n\r\nok"));
    run_answer();
    say(&world, other, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(!hear(&world, other, text, "\r\n\r\nok"));
    CHECK_INT(released, 2);
    later = NULL;
    say(&world, other, SPAN_LITERAL(put));
    for (unsigned i = 0; i < 100 && !later; i++)
        (void)!http_server_step(world.server, 10);
    CHECK(later);
    run_answer();
    CHECK_INT(tub.finished + tub.dropped, 0);
    close(other);
    close_world(&world);
    CHECK_INT(released, 3);
}

TEST(sink_ends, "a sink is told when a body does not come to its end, once")
{
    static char text[RECEIVED_MAX];
    struct world world;
    open_tub(&world, 10);
    int fd = client(&world);
    say(&world, fd, SPAN_LITERAL("PUT /tub HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc"));
    close(fd);
    for (int i = 0; i < 100 && tub.dropped == 0; i++)
        CHECK(http_server_step(world.server, 10) == 0);
    CHECK_INT(tub.dropped, 1);
    fd = client(&world);
    say(&world, fd,
        SPAN_LITERAL("PUT /tub HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"));
    CHECK(hear(&world, fd, text, NULL));
    CHECK(strstr(text, "400 Bad Request"));
    CHECK_INT(tub.dropped, 2);
    close(fd);
    fd = client(&world);
    say(&world, fd,
        SPAN_LITERAL("PUT /tub HTTP/1.1\r\nHost: x\r\nContent-Length: "
                     "100\r\n\r\n01234567890123456789"));
    CHECK(hear(&world, fd, text, NULL));
    CHECK(strstr(text, " 507 "));
    CHECK_INT(tub.finished, 1);
    CHECK_INT(tub.dropped, 2);
    close(fd);
    fd = client(&world);
    say(&world, fd,
        SPAN_LITERAL("PUT /no HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                     "Content-Length: 100\r\n\r\n"));
    CHECK(hear(&world, fd, text, NULL));
    CHECK(strstr(text, "401 Unauthorized") && !strstr(text, "100 Continue"));
    close(fd);
    fd = client(&world);
    say(&world, fd,
        SPAN_LITERAL("PUT /tub HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                     "Content-Length: 3\r\n\r\n"));
    CHECK(!hear(&world, fd, text, "100 Continue\r\n\r\n"));
    tub.refuse_at = 0;
    say(&world, fd, SPAN_LITERAL("abc"));
    CHECK(!hear(&world, fd, text, "201 Created"));
    http_server_free(world.server);
    CHECK_INT(tub.dropped, 2);
    close(fd);
    close(world.listener);
}

TEST(sink_late, "a body that trickles in loses the connection")
{
    static char text[RECEIVED_MAX];
    struct http_server_config config = usual;
    struct world world;
    config.begin = begin_tub;
    config.seconds = 1;
    tub = (struct tub){0};
    open_world(&world, config, AF_INET);
    int fd = client(&world);
    say(&world, fd,
        SPAN_LITERAL("PUT /tub HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc"));
    while (tub.dropped == 0) { /* or this test takes too long */
        send(fd, "x", 1, MSG_NOSIGNAL);
        CHECK(http_server_step(world.server, 10) == 0);
        usleep(1000);
    }
    CHECK(hear(&world, fd, text, NULL));
    CHECK(tub.size < 1000000 && tub.finished == 0);
    close(fd);
    close_world(&world);
}

enum { SPRING = 5 << 20 };

static ssize_t spring_read(void *state, uint64_t offset, uint8_t *buffer, size_t size)
{
    const uint64_t *broken_at = state;
    if (size > 50000)
        size = 50000;
    for (size_t i = 0; i < size; i++)
        buffer[i] = (uint8_t)((offset + i) * 7 + (offset + i) / 256);
    return *broken_at && offset + size > *broken_at ? -EBADMSG : (ssize_t)size;
}

static uint64_t broken_at;

static void answer_spring(void *context, const struct http_exchange *exchange,
                          struct http_answer *answer)
{
    struct world *world = context;
    (void)exchange;
    world->requests++;
    *answer = (struct http_answer){.status = 206,
                                   .content_type = "a/b",
                                   .source = {spring_read, &broken_at, 1000, SPRING - 1000},
                                   .release = release};
}

/* Reads an answer's body to its end: bytes that were right. */
static uint64_t drink(struct world *world, int fd, uint64_t wanted)
{
    static uint8_t bytes[RECEIVED_MAX];
    uint64_t total = 0, head = 0;
    while (total < wanted + head || head == 0) {
        CHECK(http_server_step(world->server, 10) == 0);
        ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            break;
        if (got < 0)
            continue;
        size_t from = 0;
        if (head == 0) {
            const uint8_t *end = memmem(bytes, (size_t)got, "\r\n\r\n", 4);
            CHECK(end);
            from = head = (size_t)(end - bytes) + 4;
        }
        for (size_t i = from; i < (size_t)got; i++) {
            uint64_t at = 1000 + total + i - head;
            CHECK(bytes[i] == (uint8_t)(at * 7 + at / 256));
        }
        total += (size_t)got;
    }
    return total - head;
}

TEST(source, "an answer is taken from its source, however slowly it is read")
{
    struct http_server_config config = usual;
    struct world world;
    config.answer = answer_spring;
    config.memory_max = 0; /* nothing of it is buffered */
    open_world(&world, config, AF_INET);
    int fd = client(&world);
    for (int i = 0; i < 2; i++) {
        say(&world, fd, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        CHECK_INT(drink(&world, fd, SPRING - 1000), SPRING - 1000);
        CHECK_INT(world.releases, i + 1);
    }
    say(&world, fd, SPAN_LITERAL("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK_INT(world.releases, 3);
    broken_at = 1000000;
    close(fd);
    fd = client(&world);
    say(&world, fd, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(drink(&world, fd, SPRING - 1000) < 1000000);
    CHECK_INT(world.releases, 4);
    close(fd);
    fd = client(&world);
    broken_at = 1;
    say(&world, fd, SPAN_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    static char text[RECEIVED_MAX];
    CHECK(hear(&world, fd, text, NULL));
    CHECK(strstr(text, "500 Internal Server Error") && !strstr(text, "206"));
    close(fd);
    close_world(&world);
}

TAP_MAIN()
