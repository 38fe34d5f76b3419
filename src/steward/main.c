// SPDX-License-Identifier: Apache-2.0
/* steward: sockets, files, signals. What is answered is decided in service.c. */
#include "base/cleanup.h"
#include "base/date.h"
#include "base/log.h"
#include "http/server.h"
#include "steward/args_file.h"
#include "steward/audit.h"
#include "steward/files.h"
#include "steward/limiter.h"
#include "steward/metrics.h"
#include "steward/options.h"
#include "steward/refresh.h"
#include "steward/service.h"
#include "version.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BACKLOG = 512,
    CONNECTIONS_MAX = 1024,
    MEMORY_MAX = 64 << 20,
    METRICS_CONNECTIONS_MAX = 64,
    METRICS_MEMORY_MAX = 4 << 20,
    SECONDS = 30,
    RATE = 16 * 1024, /* bytes in a second */
    STEP_MS = 1000,
    REFRESH_HOURS_MAX = 24 * 365
};

#define PKCS11_SCHEME "pkcs11:"

/* What is read from files, and read again on SIGHUP. */
struct state {
    struct authority authority;
    struct policy_file policy;
    struct evidence_files collateral;
    struct crypto_tls_context *tls;
};

struct steward {
    struct options options;
    struct state *state;
    struct audit audit;
    struct metrics metrics;
    struct limiter limiter;
    struct refresh refresh;
    char retry_after[12]; /* of the answer at hand */
    int64_t fixed_time;
    struct http_server *server, *metrics_server; /* the second may be NULL */
};

static volatile sig_atomic_t wants_reload, wants_end;

static void on_signal(int number)
{
    if (number == SIGHUP)
        wants_reload = 1;
    else
        wants_end = 1;
}

static int64_t seconds_of(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec;
}

static int64_t current_time(const struct steward *steward)
{
    return steward->options.time ? steward->fixed_time : seconds_of(CLOCK_REALTIME);
}

static void state_free(struct state *state)
{
    if (!state)
        return;
    authority_free(&state->authority);
    policy_file_free(&state->policy);
    evidence_files_free(&state->collateral);
    crypto_tls_context_free(state->tls);
    free(state);
}

/* A token's key by its URI. What is linked statically cannot load what leads to tokens. The query
 * of a URI may hold the PIN and is not repeated. */
static int open_key(const char *uri, struct crypto_signer **key, struct err *err)
{
    int shown = (int)strcspn(uri, "?");
    if (STEWARD_STATIC)
        return err_set(err, ERR_CONFIG, 0,
                       "this steward is one file, and cannot use the token of %.*s", shown, uri);
    if (crypto_signer_open(uri, key) == 0)
        return 0;
    err_set(err, ERR_CONFIG, 0, "there is no key on P-256 or P-384 at %.*s", shown, uri);
    err_hint(err, "PKCS11_MODULE_PATH names the token's module for OpenSSL's engine pkcs11.");
    return -EINVAL;
}

static int load_key(const char *path, struct crypto_signer **key, struct err *err)
{
    struct evidence_files files = {0};
    struct attest_bytes text;
    if (strncmp(path, PKCS11_SCHEME, strlen(PKCS11_SCHEME)) == 0)
        return open_key(path, key, err);
    int status = evidence_files_read_plain(&files, path, &text, err);
    if (status == 0 && crypto_signer_read(span_of(text.data, text.size), key) < 0) {
        status = err_set(err, ERR_CONFIG, 0, "the key of the Steward in %s cannot be read", path);
        err_hint(err, "It has to be a key on P-256 or P-384 in PEM, without a password.");
    }
    evidence_files_wipe(&files);
    return status;
}

static int load_authority(struct steward *steward, struct state *state, struct err *err)
{
    const struct options *options = &steward->options;
    struct crypto_signer *key = NULL;
    struct attest_bytes crt;
    struct evidence_files files = {0};
    int64_t now = current_time(steward);
    if (!options->key && steward->state)
        return 0; /* the one that was made stays: reload moves it */
    if (!options->key)
        return authority_generate(&state->authority, options->host, now, err);
    int status = evidence_files_read_plain(&files, options->crt, &crt, err);
    if (status == 0)
        status = load_key(options->key, &key, err);
    if (status == 0)
        status = authority_load(&state->authority, key, span_of(crt.data, crt.size), now, err);
    evidence_files_free(&files);
    return status;
}

static int load_tls(const struct options *options, struct state *state, struct err *err)
{
    struct attest_bytes key, crt;
    struct evidence_files files = {0};
    if (!options->tls_key)
        return 0;
    int status = evidence_files_read_plain(&files, options->tls_key, &key, err);
    if (status == 0)
        status = evidence_files_read_plain(&files, options->tls_crt, &crt, err);
    struct crypto_tls_config config = {0};
    if (status == 0) {
        config.chain = span_of(crt.data, crt.size);
        config.key = span_of(key.data, key.size);
    }
    if (status == 0 && crypto_tls_context_new(CRYPTO_TLS_SERVER, &config, &state->tls) < 0)
        status = err_set(err, ERR_CONFIG, 0, "%s and %s are not a certificate and its key",
                         options->tls_crt, options->tls_key);
    evidence_files_wipe(&files);
    return status;
}

/* Standard input cannot be read again. */
static bool reads_policy_once(const struct options *options)
{
    return options->config && strcmp(options->config, "-") == 0;
}

static int load_state(struct steward *steward, struct state **loaded, struct err *err)
{
    const struct options *options = &steward->options;
    struct state *state = calloc(1, sizeof(*state));
    if (!state)
        return err_set(err, ERR_IO, ENOMEM, "cannot start");
    int status = load_authority(steward, state, err);
    bool has_policy = steward->state && reads_policy_once(options); /* reload moves it */
    if (status == 0 && !has_policy)
        status = options->config
                     ? policy_file_load(options->config, &state->policy, err)
                     : policy_file_parse((struct span){0}, "no policy", &state->policy, err);
    if (status == 0 && options->collateral)
        status = evidence_files_read_directory(&state->collateral, options->collateral, err);
    if (status == 0)
        status = load_tls(options, state, err);
    if (status < 0)
        state_free(state);
    else
        *loaded = state;
    return status;
}

/* What the service's calls back know: who asks. */
struct asking {
    struct steward *steward;
    struct http_peer client;
};

static unsigned on_admit(void *context, size_t count)
{
    const struct asking *asking = context;
    struct steward *steward = asking->steward;
    const struct policy_limits *limits = &steward->state->policy.limits;
    const struct limiter_rule rule = {limits->certifications_per_minute, limits->burst};
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t now = (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
    return limiter_take(&steward->limiter, &rule, asking->client.address, count, now);
}

static int on_decided(void *context, const struct attest_verdict *verdict, const uint8_t digest[32])
{
    const struct asking *asking = context;
    struct steward *steward = asking->steward;
    const struct log_field fields[] = {
        {"technology", attest_technology_name(verdict->technology)},
        {"code", attest_code_name(verdict->code)},
        {"reason", verdict->reason},
    };
    log_event(LOG_INFO, "steward", "judged", fields, verdict->reason[0] ? 3 : 2);
    metrics_count_decision(&steward->metrics, verdict->code);
    int status = audit_write(&steward->audit, verdict, digest, current_time(steward));
    if (status < 0)
        log_error("steward", "the audit log cannot be written: %s", strerror(-status));
    return status;
}

static void release(void *context, struct http_answer *answer)
{
    (void)context;
    free(answer->memory);
}

static bool accepts_problems(const struct http1_request *request)
{
    const struct span *accept = http1_header_find(&request->head, "accept");
    static const char wanted[] = "application/problem+json";
    return accept && memmem(accept->data, accept->size, wanted, sizeof(wanted) - 1);
}

static void log_answer(const struct http_peer *peer, unsigned status)
{
    char number[12], client[INET6_ADDRSTRLEN] = "";
    snprintf(number, sizeof(number), "%u", status);
    inet_ntop(AF_INET6, peer->address, client, sizeof(client));
    const struct log_field fields[] = {{"status", number}, {"client", client}};
    log_event(LOG_INFO, "steward", status == 200 ? "answered" : "refused", fields, 2);
}

static void on_request(void *context, const struct http_exchange *exchange,
                       struct http_answer *answer)
{
    const struct http1_request *request = exchange->request;
    struct steward *steward = context;
    const struct state *state = steward->state;
    struct asking asking = {steward, http_peer_client(&exchange->peer)};
    struct service service = {
        .authority = &state->authority,
        .policy = &state->policy,
        .collateral = state->collateral.items,
        .collateral_count = state->collateral.count,
        .dns = steward->options.san,
        .decided = on_decided,
        .admit = on_admit,
        .context = &asking,
    };
    struct service_request asked = {
        .method = request->method,
        .target = request->target,
        .content_type = http1_header_find(&request->head, "content-type"),
        .wants_reason = accepts_problems(request),
        .body = exchange->body,
        .now = current_time(steward),
    };
    struct service_response response;
    service_answer(&service, &asked, &response);
    *answer = (struct http_answer){.status = response.status,
                                   .content_type = response.content_type,
                                   .body = response.body,
                                   .release = release,
                                   .memory = response.memory};
    if (response.retry_after > 0) {
        snprintf(steward->retry_after, sizeof(steward->retry_after), "%u", response.retry_after);
        answer->headers[0] = (struct http1_field){"Retry-After", steward->retry_after};
    }
    metrics_count_answer(&steward->metrics, response.status);
    log_answer(&exchange->peer, response.status);
}

static void on_metrics_request(void *context, const struct http_exchange *exchange,
                               struct http_answer *answer)
{
    struct steward *steward = context;
    *answer = (struct http_answer){.status = 404};
    if (!span_equal(exchange->request->target, SPAN_LITERAL("/metrics")))
        return;
    char *memory = malloc(METRICS_TEXT_MAX);
    if (!memory)
        return;
    struct text text = text_init(memory, METRICS_TEXT_MAX);
    steward->metrics.server = http_server_stats(steward->server);
    steward->metrics.certificate_end = steward->state->authority.parsed.not_after;
    metrics_write(&steward->metrics, &text);
    *answer = (struct http_answer){.status = 200,
                                   .content_type = "text/plain; version=0.0.4",
                                   .body = text_span(&text),
                                   .release = release,
                                   .memory = memory};
}

static int make_listener(const char *address_text, const char *port_text, int *listener,
                         struct err *err)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    char *end;
    unsigned long port = strtoul(port_text, &end, 10);
    bool is_six = inet_pton(AF_INET6, address_text, &six.sin6_addr) == 1;
    if (*end || *port_text < '0' || *port_text > '9' || port > UINT16_MAX ||
        (!is_six && inet_pton(AF_INET, address_text, &four.sin_addr) != 1))
        return err_set(err, ERR_USAGE, 0, "\"%s\" and \"%s\" are not an IP address and a port",
                       address_text, port_text);
    six.sin6_port = four.sin_port = htons((uint16_t)port);
    autoclose int fd =
        socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    const void *address = is_six ? (const void *)&six : &four;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, address, is_six ? sizeof(six) : sizeof(four)) < 0 || listen(fd, BACKLOG) < 0)
        return err_set(err, ERR_IO, errno, "cannot listen on %s port %s", address_text, port_text);
    *listener = take_fd(&fd);
    return 0;
}

/* Listens on "127.0.0.1:9100" or "[::1]:9100". */
static int make_metrics_listener(const char *endpoint, int *listener, struct err *err)
{
    char address[INET6_ADDRSTRLEN];
    const char *colon = strrchr(endpoint, ':');
    bool bracketed = endpoint[0] == '[' && colon && colon > endpoint && colon[-1] == ']';
    size_t size = colon ? (size_t)(colon - endpoint) - (bracketed ? 2 : 0) : 0;
    if (size == 0 || size >= sizeof(address) || (!bracketed && memchr(endpoint, ':', size)))
        return err_set(err, ERR_USAGE, 0, "\"%s\" is not an IP address and a port", endpoint);
    memcpy(address, endpoint + bracketed, size);
    address[size] = '\0';
    return make_listener(address, colon + 1, listener, err);
}

static void reload(struct steward *steward)
{
    struct state *fresh, *old = steward->state;
    struct err err = {0};
    wants_reload = 0;
    if (load_state(steward, &fresh, &err) < 0) {
        log_error("steward", "not reloaded: %s", err.message);
        return;
    }
    if (!steward->options.key) {
        fresh->authority = old->authority;
        old->authority = (struct authority){0};
    }
    if (reads_policy_once(&steward->options)) {
        fresh->policy = old->policy;
        old->policy = (struct policy_file){0};
    }
    http_server_set_tls(steward->server, fresh->tls);
    http_server_set_client_connections(steward->server, fresh->policy.limits.connections);
    steward->state = fresh;
    state_free(old);
    if (steward->options.audit && audit_reopen(&steward->audit, steward->options.audit, &err) < 0)
        log_error("steward", "the audit log goes on in the old file: %s", err.message);
    log_info("steward", "reloaded");
}

/* Serves both servers once. */
static int step(struct steward *steward, struct err *err)
{
    struct http_server *servers[] = {steward->server, steward->metrics_server};
    nfds_t count = steward->metrics_server ? 2 : 1;
    struct pollfd ready[2];
    for (nfds_t i = 0; i < count; i++)
        ready[i] = (struct pollfd){http_server_descriptor(servers[i]), POLLIN, 0};
    if (poll(ready, count, STEP_MS) < 0 && errno != EINTR)
        return err_set(err, ERR_IO, errno, "cannot wait for requests");
    for (nfds_t i = 0; i < count; i++) {
        int status = http_server_step(servers[i], 0);
        if (status < 0)
            return err_set(err, ERR_IO, -status, "cannot wait for requests");
    }
    return 0;
}

static int serve(struct steward *steward, struct err *err)
{
    while (!wants_end) {
        if (refresh_step(&steward->refresh, seconds_of(CLOCK_MONOTONIC)) || wants_reload)
            reload(steward);
        int status = step(steward, err);
        if (status < 0)
            return status;
    }
    log_info("steward", "draining");
    http_server_drain(steward->server);
    int64_t end = seconds_of(CLOCK_MONOTONIC) + SECONDS;
    while (http_server_stats(steward->server).connections > 0 &&
           seconds_of(CLOCK_MONOTONIC) < end) {
        int status = step(steward, err);
        if (status < 0)
            return status;
    }
    return 0;
}

static void announce(const char *what, int listener)
{
    struct sockaddr_in6 address = {0}; /* the port is at the same place for both families */
    socklen_t size = sizeof(address);
    if (getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        return;
    printf("%s on port %u\n", what, ntohs(address.sin6_port));
    fflush(stdout);
}

static int open_servers(struct steward *steward, int listeners[2], struct err *err)
{
    const struct options *options = &steward->options;
    struct http_server_config config = {
        .tls = steward->state->tls,
        .body_max = SERVICE_BODY_MAX,
        .memory_max = MEMORY_MAX,
        .connections_max = CONNECTIONS_MAX,
        .client_connections_max = steward->state->policy.limits.connections,
        .seconds = SECONDS,
        .rate = RATE,
        .answer = on_request,
        .context = steward,
    };
    int status = make_listener(options->addr, options->port, &listeners[0], err);
    if (status == 0 && options->metrics)
        status = make_metrics_listener(options->metrics, &listeners[1], err);
    if (status < 0)
        return status;
    config.listener = listeners[0];
    steward->server = http_server_new(&config);
    if (options->metrics) {
        config.listener = listeners[1];
        config.tls = NULL;
        config.body_max = 0;
        config.memory_max = METRICS_MEMORY_MAX;
        config.connections_max = config.client_connections_max = METRICS_CONNECTIONS_MAX;
        config.answer = on_metrics_request;
        steward->metrics_server = http_server_new(&config);
    }
    if (!steward->server || (options->metrics && !steward->metrics_server))
        return err_set(err, ERR_IO, ENOMEM, "cannot serve");
    return 0;
}

static int run(struct steward *steward, struct err *err)
{
    int listeners[2] = {-1, -1};
    int status = open_servers(steward, listeners, err);
    if (status == 0) {
        const struct sigaction action = {.sa_handler = on_signal};
        sigaction(SIGHUP, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        signal(SIGPIPE, SIG_IGN); /* a client that is gone is an error of its connection */
        announce("listening", listeners[0]);
        if (listeners[1] >= 0)
            announce("metrics", listeners[1]);
        if (steward->options.time)
            log_warn("steward", "judging as of %s", steward->options.time);
        status = serve(steward, err);
    }
    refresh_end(&steward->refresh);
    http_server_free(steward->server);
    http_server_free(steward->metrics_server);
    for (size_t i = 0; i < 2; i++) {
        if (listeners[i] >= 0)
            close(listeners[i]);
    }
    return status;
}

static int prepare_refresh(struct steward *steward, struct err *err)
{
    const struct options *options = &steward->options;
    char *end = NULL;
    unsigned long hours = options->refresh ? strtoul(options->refresh, &end, 10) : 0;
    if (end && (*end || hours < 1 || hours > REFRESH_HOURS_MAX))
        return err_set(err, ERR_USAGE, 0, "--refresh is from 1 to %d hours, not \"%s\"",
                       REFRESH_HOURS_MAX, options->refresh);
    steward->refresh = (struct refresh){
        .hours = (unsigned)hours,
        .directory = options->collateral,
        .service = options->service,
        .bundle = options->ca_bundle,
        .fixed_time = steward->fixed_time,
    };
    return 0;
}

static int start(struct steward *steward, struct err *err)
{
    const struct options *options = &steward->options;
    if (options->time &&
        !date_parse(span_of(options->time, strlen(options->time)), &steward->fixed_time))
        return err_set(err, ERR_USAGE, 0, "the time \"%s\" is not of the form of RFC 3339",
                       options->time);
    log_init(options->log_filter, STDERR_FILENO);
    log_set_format(strcmp(options->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT);
    int status = prepare_refresh(steward, err);
    if (status == 0)
        status = load_state(steward, &steward->state, err);
    if (status == 0 && options->check_config)
        return 0;
    if (status == 0 && options->audit)
        status = audit_open(&steward->audit, options->audit, err);
    if (status == 0 && limiter_init(&steward->limiter) < 0)
        status = err_set(err, ERR_IO, 0, "there are no random numbers");
    return status == 0 ? run(steward, err) : status;
}

int main(int argc, char **argv)
{
    static struct steward steward = {.audit.fd = -1};
    struct err err = {0};
    struct args args;
    int status = args_expand(argc, argv, &args, &err);
    if (status == 0)
        status = options_parse(args.count, args.words, &steward.options, &err);
    if (status == 0 && steward.options.help)
        options_print_help();
    else if (status == 0 && steward.options.version)
        printf("steward %s\n", ENARX_VERSION);
    else if (status == 0)
        status = start(&steward, &err);
    audit_close(&steward.audit);
    state_free(steward.state);
    args_free(&args);
    if (status == 0)
        return 0;
    fprintf(stderr, "Error: %s\n", err.message);
    if (err.hint[0])
        fprintf(stderr, "Hint: %s\n", err.hint);
    return err.class ? (int)err.class : ERR_INTERNAL;
}
