// SPDX-License-Identifier: Apache-2.0
/* Between the server of HTTP and the service. */
#include "base/log.h"
#include "drawbridge/program/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 250, DRAIN_SECONDS = 30, MEMORY_MAX = 32 << 20 };

static void release(void *context, struct http_answer *answer)
{
    (void)context;
    service_response_free(answer->memory);
}

static ssize_t read_content(void *state, uint64_t offset, uint8_t *buffer, size_t size)
{
    ssize_t got = content_read(state, offset, buffer, size);
    if (got == -EBADMSG)
        log_error("drawbridge", "a content of the store is damaged: run drawbridge fsck");
    return got;
}

/* Names are logged, which were checked; nothing else that a client chose. */
static void log_answer(struct span method, const struct service_response *response)
{
    char verb[8], status[8], name[sizeof(response->user) + sizeof(response->repository) + 1];
    snprintf(verb, sizeof(verb), "%.*s", (int)method.size, (const char *)method.data);
    snprintf(status, sizeof(status), "%u", response->status);
    snprintf(name, sizeof(name), "%s%s%s", response->user, response->repository[0] ? "/" : "",
             response->repository);
    const struct log_field fields[] = {
        {"method", verb}, {"kind", route_name(response->kind)}, {"name", name}, {"status", status}};
    log_event(LOG_INFO, "drawbridge", "answered", fields, sizeof(fields) / sizeof(fields[0]));
}

/* Hands a response over to the server, counts it and logs it. */
static void deliver(struct worker *worker, struct span method, struct service_response *response,
                    struct http_answer *answer)
{
    if (!response) {
        *answer = (struct http_answer){.status = 503};
        return;
    }
    *answer = (struct http_answer){.status = response->status,
                                   .content_type = response->content_type,
                                   .body = response->body,
                                   .release = release,
                                   .memory = response};
    if (response->content && response->content_type)
        answer->source = (struct http_source){read_content, response->content, response->offset,
                                              response->length};
    for (size_t i = 0; i < response->header_count; i++) {
        answer->headers[i].name = response->headers[i].name;
        answer->headers[i].value = response->headers[i].value;
    }
    metrics_count(&worker->metrics, response->status, response->kind);
    log_answer(method, response);
}

static struct service_request request_of(const struct http_exchange *exchange)
{
    return (struct service_request){
        .method = exchange->request->method,
        .target = exchange->request->target,
        .head = &exchange->request->head,
        .body = exchange->body,
        .certificate = exchange->certificate,
        .now = (int64_t)time(NULL),
    };
}

/* State and keys as they are now. */
static void refresh(struct worker *worker)
{
    struct daemon *daemon = worker->daemon;
    unsigned generation = __atomic_load_n(&daemon->generation, __ATOMIC_ACQUIRE);
    unsigned keys_generation = provider_generation(daemon->provider);
    if (keys_generation != worker->keys_generation) {
        provider_keys_release(daemon->provider, worker->keys);
        worker->keys = provider_keys(daemon->provider);
        worker->service.keys = worker->keys ? &worker->keys->set : NULL;
        worker->keys_generation = keys_generation;
    }
    if (generation == worker->generation)
        return;
    daemon_release(daemon, worker->state);
    worker->state = daemon_state(daemon);
    worker->generation = generation;
    worker->service.rules = &worker->state->rules;
    http_server_set_tls(worker->server, worker->state->tls);
    http_server_set_client_connections(worker->server,
                                       (unsigned)worker->state->options.client_connections_max);
}

static const struct jwk_set *other_keys(void *context)
{
    struct worker *worker = context;
    provider_keys_release(worker->daemon->provider, worker->keys);
    worker->keys = provider_fresh_keys(worker->daemon->provider);
    worker->service.keys = worker->keys ? &worker->keys->set : NULL;
    return worker->service.keys;
}

/* Methods are what clients choose: only those that are known are logged. */
static struct span known_method(struct span method)
{
    static const char *const known[] = {"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct span each = span_of(known[i], strlen(known[i]));
        if (span_equal(method, each))
            return each;
    }
    return SPAN_LITERAL("other");
}

static void on_request(void *context, const struct http_exchange *exchange,
                       struct http_answer *answer)
{
    struct worker *worker = context;
    struct service_request request = request_of(exchange);
    struct service_response *response = service_response_new();
    refresh(worker);
    if (response)
        service_answer(&worker->service, &request, response);
    deliver(worker, known_method(request.method), response, answer);
}

/* A body on its way. */
struct transfer {
    struct finisher_job job; /* the first member */
    struct http_later *later;
    struct worker *worker;
    struct service_upload *upload;
    struct span method;
};

static int on_piece(void *state, struct span piece)
{
    struct transfer *transfer = state;
    __atomic_fetch_add(&transfer->worker->metrics.uploaded, piece.size, __ATOMIC_RELAXED);
    return service_upload_add(transfer->upload, piece);
}

static void on_finish(void *state, struct http_answer *answer)
{
    struct transfer *transfer = state;
    struct service_response *response = service_response_new();
    refresh(transfer->worker);
    if (response)
        service_upload_end(transfer->upload, response);
    else
        service_upload_drop(transfer->upload);
    deliver(transfer->worker, transfer->method, response, answer);
    free(transfer);
}

/* The same by the finisher's thread. */
static void finish_job(struct finisher_job *job, const struct service *service)
{
    struct transfer *transfer = (struct transfer *)job;
    struct service_response *response = service_response_new();
    struct http_answer answer;
    service_upload_move(transfer->upload, service);
    if (response)
        service_upload_end(transfer->upload, response);
    else
        service_upload_drop(transfer->upload);
    deliver(transfer->worker, transfer->method, response, &answer);
    http_later_answer(transfer->later, &answer);
    free(transfer);
}

static bool on_finish_later(void *state, struct http_later *later)
{
    struct transfer *transfer = state;
    if (!service_upload_is_long(transfer->upload))
        return false;
    transfer->job.run = finish_job;
    transfer->later = later;
    finisher_add(transfer->worker->finisher, &transfer->job);
    return true;
}

static void on_drop(void *state)
{
    struct transfer *transfer = state;
    service_upload_drop(transfer->upload);
    free(transfer);
}

static bool on_begin(void *context, const struct http_exchange *exchange, struct http_sink *sink,
                     struct http_answer *answer)
{
    struct worker *worker = context;
    struct service_request request = request_of(exchange);
    struct service_response *response = service_response_new();
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    if (!response || !transfer) {
        service_response_free(response);
        free(transfer);
        answer->status = 503;
        return false;
    }
    *transfer = (struct transfer){.worker = worker, .method = known_method(request.method)};
    refresh(worker);
    switch (service_begin(&worker->service, &request, &transfer->upload, response)) {
    case SERVICE_UPLOAD:
        service_response_free(response);
        *sink = (struct http_sink){on_piece, on_finish, on_drop, transfer, on_finish_later};
        return true;
    case SERVICE_COLLECT:
        service_response_free(response);
        break;
    case SERVICE_ANSWERED:
        deliver(worker, transfer->method, response, answer);
        break;
    }
    free(transfer);
    return false;
}

static void copy_stats(struct worker *worker)
{
    struct http_server_stats stats = http_server_stats(worker->server);
    struct http_server_stats *shown = &worker->metrics.server;
    __atomic_store_n(&shown->connections, stats.connections, __ATOMIC_RELAXED);
    __atomic_store_n(&shown->memory, stats.memory, __ATOMIC_RELAXED);
    __atomic_store_n(&shown->refused, stats.refused, __ATOMIC_RELAXED);
    __atomic_store_n(&shown->late, stats.late, __ATOMIC_RELAXED);
    __atomic_store_n(&shown->overloaded, stats.overloaded, __ATOMIC_RELAXED);
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    int status = 0;
    while (status == 0 && !daemon_ends(worker->daemon)) {
        refresh(worker);
        status = http_server_step(worker->server, STEP_MS);
        copy_stats(worker);
    }
    if (status < 0)
        log_error("drawbridge", "cannot wait for requests: %s", strerror(-status));
    http_server_drain(worker->server);
    for (int i = 0; i < DRAIN_SECONDS * 1000 / STEP_MS; i++) {
        if (http_server_stats(worker->server).connections == 0 ||
            http_server_step(worker->server, STEP_MS) < 0)
            break;
    }
    return NULL;
}

static int open_server(struct worker *worker, struct err *err)
{
    const struct options *options = &worker->state->options;
    struct http_server_config config = {
        .listener = worker->listener,
        .tls = worker->state->tls,
        .body_max = SERVICE_BODY_MAX,
        .memory_max = MEMORY_MAX,
        .connections_max = (unsigned)options->connections_max,
        .client_connections_max = (unsigned)options->client_connections_max,
        .seconds = (unsigned)options->timeout,
        .rate = (unsigned)options->rate,
        .answer = on_request,
        .begin = on_begin,
        .context = worker,
    };
    worker->server = http_server_new(&config);
    return worker->server ? 0 : err_set(err, ERR_IO, ENOMEM, "cannot serve");
}

int worker_start(struct worker *worker, struct daemon *daemon, int listener, struct err *err)
{
    *worker = (struct worker){.daemon = daemon, .listener = listener};
    worker->state = daemon_state(daemon);
    worker->service = (struct service){
        .rules = &worker->state->rules, .other_keys = other_keys, .context = worker};
    int status = stores_open(daemon->stores, &worker->service.store, err);
    if (status == 0)
        status = finisher_new(daemon, &worker->finisher, err);
    if (status == 0)
        status = open_server(worker, err);
    if (status < 0)
        return status;
    int error = pthread_create(&worker->thread, NULL, run, worker);
    return error ? err_set(err, ERR_IO, error, "cannot start a thread") : 0;
}

void worker_join(struct worker *worker)
{
    if (worker->thread)
        pthread_join(worker->thread, NULL);
    finisher_free(worker->finisher);  /* first: it answers what the server has */
    http_server_free(worker->server); /* then: its transfers use the rest */
    store_close(worker->service.store);
    if (worker->keys)
        provider_keys_release(worker->daemon->provider, worker->keys);
    if (worker->state)
        daemon_release(worker->daemon, worker->state);
    if (worker->listener >= 0)
        close(worker->listener);
}
