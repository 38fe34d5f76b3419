// SPDX-License-Identifier: Apache-2.0
/* drawbridge: sockets, threads, signals. What is answered is decided in ../service.c. */
#include "base/cleanup.h"
#include "base/log.h"
#include "drawbridge/program/daemon.h"
#include "version.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 512, STEP_MS = 250, METRICS_CONNECTIONS_MAX = 32, METRICS_MEMORY = 4 << 20 };

struct program {
    int argc;
    char **argv;
    struct daemon daemon;
    struct worker *workers;
    size_t worker_count;
    struct http_server *metrics_server;
    int metrics_listener;
    pthread_t care;
};

static volatile sig_atomic_t wants_reload, wants_end;

static void on_signal(int number)
{
    if (number == SIGHUP)
        wants_reload = 1;
    else
        wants_end = 1;
}

struct state *daemon_state(struct daemon *daemon)
{
    pthread_mutex_lock(&daemon->mutex);
    struct state *state = daemon->state;
    state->users++;
    pthread_mutex_unlock(&daemon->mutex);
    return state;
}

void daemon_release(struct daemon *daemon, struct state *state)
{
    pthread_mutex_lock(&daemon->mutex);
    bool last = --state->users == 0;
    pthread_mutex_unlock(&daemon->mutex);
    if (last)
        state_free(state);
}

/* "IP:PORT", IPv6 in brackets. */
static bool parse_address(const char *text, struct sockaddr_storage *address, socklen_t *size)
{
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    char host[64] = "", *end;
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
    if (length == 0 || length >= sizeof(host))
        return false;
    memcpy(host, brackets ? text + 1 : text, brackets ? length - 2 : length);
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (colon[1] < '0' || colon[1] > '9' || *end || port > UINT16_MAX)
        return false;
    memset(address, 0, sizeof(*address));
    if (brackets) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
        *size = sizeof(*six);
        return inet_pton(AF_INET6, host, &six->sin6_addr) == 1;
    }
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    *size = sizeof(*four);
    return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

/* A listening socket; several may have the same address, and with port 0 the first finds a port for
 * those that come after it in *address. */
static int listen_on(const char *text, struct sockaddr_storage *address, socklen_t *size,
                     int *listener, struct err *err)
{
    const int on = 1;
    autoclose int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0 ||
        bind(fd, (struct sockaddr *)address, *size) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)address, size) < 0)
        return err_set(err, ERR_IO, errno, "cannot listen on %s", text);
    *listener = take_fd(&fd);
    return 0;
}

static int resolve(const char *text, struct sockaddr_storage *address, socklen_t *size,
                   struct err *err)
{
    if (parse_address(text, address, size))
        return 0;
    return err_set(err, ERR_USAGE, 0, "\"%s\" is not an address and a port, IP:PORT", text);
}

static void announce(const char *what, const struct sockaddr_storage *address)
{
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    printf("%s on port %u\n", what, ntohs(four->sin_port)); /* at the same place for both */
    fflush(stdout);
}

static int start_workers(struct program *program, struct err *err)
{
    const struct options *options = &program->daemon.state->options;
    struct sockaddr_storage address;
    socklen_t size;
    int status = resolve(options->addr, &address, &size, err);
    size_t wanted = (size_t)options->threads;
    program->workers = calloc(wanted, sizeof(*program->workers));
    if (status == 0 && !program->workers)
        status = err_set(err, ERR_IO, ENOMEM, "cannot start");
    while (status == 0 && program->worker_count < wanted) {
        int listener = -1;
        status = listen_on(options->addr, &address, &size, &listener, err);
        if (status == 0)
            status = worker_start(&program->workers[program->worker_count++], &program->daemon,
                                  listener, err);
    }
    if (status == 0)
        announce("listening", &address);
    return status;
}

static void on_metrics_release(void *context, struct http_answer *answer)
{
    (void)context;
    free(answer->memory);
}

static void on_metrics_request(void *context, const struct http_exchange *exchange,
                               struct http_answer *answer)
{
    struct program *program = context;
    struct metrics sum = {0};
    *answer = (struct http_answer){.status = 404};
    if (!span_equal(exchange->request->target, SPAN_LITERAL("/metrics")))
        return;
    char *memory = malloc(METRICS_TEXT_MAX);
    if (!memory)
        return;
    struct text text = text_init(memory, METRICS_TEXT_MAX);
    for (size_t i = 0; i < program->worker_count; i++)
        metrics_add(&sum, &program->workers[i].metrics);
    struct provider_stats provider = provider_stats(program->daemon.provider);
    pthread_mutex_lock(&program->daemon.mutex);
    struct care_stats care = program->daemon.care;
    pthread_mutex_unlock(&program->daemon.mutex);
    metrics_write(&sum, &provider, &care, &text);
    *answer = (struct http_answer){.status = 200,
                                   .content_type = "text/plain; version=0.0.4",
                                   .body = text_span(&text),
                                   .release = on_metrics_release,
                                   .memory = memory};
}

static int start_metrics(struct program *program, struct err *err)
{
    const struct options *options = &program->daemon.state->options;
    struct sockaddr_storage address;
    socklen_t size;
    if (!options->metrics_addr)
        return 0;
    int status = resolve(options->metrics_addr, &address, &size, err);
    if (status == 0)
        status = listen_on(options->metrics_addr, &address, &size, &program->metrics_listener, err);
    if (status < 0)
        return status;
    struct http_server_config config = {
        .listener = program->metrics_listener,
        .memory_max = METRICS_MEMORY,
        .connections_max = METRICS_CONNECTIONS_MAX,
        .client_connections_max = METRICS_CONNECTIONS_MAX,
        .seconds = (unsigned)options->timeout,
        .rate = (unsigned)options->rate,
        .answer = on_metrics_request,
        .context = program,
    };
    program->metrics_server = http_server_new(&config);
    if (!program->metrics_server)
        return err_set(err, ERR_IO, ENOMEM, "cannot serve metrics");
    announce("metrics", &address);
    return 0;
}

static void count_care(struct daemon *daemon, int status, uint64_t removed)
{
    pthread_mutex_lock(&daemon->mutex);
    daemon->care.runs++;
    daemon->care.failed += status < 0;
    daemon->care.removed += removed;
    pthread_mutex_unlock(&daemon->mutex);
}

/* Takes care of the store now and then. */
static void *run_care(void *argument)
{
    struct daemon *daemon = argument;
    struct service service = {0};
    int64_t next = 0;
    while (!daemon_ends(daemon)) {
        struct timespec pause = {.tv_nsec = STEP_MS * 1000000L};
        int64_t now = (int64_t)time(NULL);
        nanosleep(&pause, NULL);
        if (now < next)
            continue;
        struct state *state = daemon_state(daemon);
        uint64_t removed = 0;
        service.rules = &state->rules;
        int status = service.store ? 0 : stores_open(daemon->stores, &service.store, NULL);
        if (status == 0)
            status = store_refresh(service.store);
        if (status == 0)
            status = service_care(&service, now, &removed);
        if (status < 0)
            log_error("drawbridge", "garbage cannot be removed: %s", strerror(-status));
        count_care(daemon, status, removed);
        next = now + (int64_t)state->options.care_interval;
        daemon_release(daemon, state);
    }
    store_close(service.store);
    return NULL;
}

static void reload(struct program *program)
{
    struct daemon *daemon = &program->daemon;
    struct state *fresh, *old;
    struct err err = {0};
    wants_reload = 0;
    if (state_load(program->argc, program->argv, &fresh, &err) < 0) {
        log_error("drawbridge", "not reloaded: %s", err.message);
        return;
    }
    if (!fresh->tls != !daemon->state->tls) {
        log_error("drawbridge", "not reloaded: HTTPS cannot be switched on or off while it runs");
        state_free(fresh);
        return;
    }
    fresh->users = 1;
    pthread_mutex_lock(&daemon->mutex);
    old = daemon->state;
    daemon->state = fresh;
    pthread_mutex_unlock(&daemon->mutex);
    __atomic_fetch_add(&daemon->generation, 1, __ATOMIC_RELEASE);
    daemon_release(daemon, old);
    log_info("drawbridge", "reloaded");
}

static void serve(struct program *program)
{
    while (!wants_end) {
        if (wants_reload)
            reload(program);
        if (!program->metrics_server)
            poll(NULL, 0, STEP_MS);
        else if (http_server_step(program->metrics_server, STEP_MS) < 0)
            log_error("drawbridge", "cannot wait for requests of metrics");
    }
    log_info("drawbridge", "draining");
}

/* Connections are descriptors: as many as the system gives. What is in the store is nobody else's.
 */
static void prepare_process(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct rlimit limit;
    sigaction(SIGPIPE, &ignore, NULL);
    umask(077);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static int start(struct program *program, struct err *err)
{
    struct daemon *daemon = &program->daemon;
    struct provider_config config = {daemon->state->options.oidc_issuer, daemon->state->trust};
    int status = stores_start(daemon->stores, true, err);
    if (status < 0)
        return status;
    catch_signals();
    status = provider_new(&config, &daemon->provider, err);
    if (status == 0)
        status = start_workers(program, err);
    if (status == 0)
        status = start_metrics(program, err);
    if (status == 0 && pthread_create(&program->care, NULL, run_care, daemon) != 0)
        status = err_set(err, ERR_IO, EAGAIN, "cannot start a thread");
    return status;
}

static void stop(struct program *program)
{
    __atomic_store_n(&program->daemon.ending, true, __ATOMIC_RELEASE);
    for (size_t i = 0; i < program->worker_count; i++)
        worker_join(&program->workers[i]);
    if (program->care)
        pthread_join(program->care, NULL);
    http_server_free(program->metrics_server);
    if (program->metrics_listener >= 0)
        close(program->metrics_listener);
    provider_free(program->daemon.provider);
    free(program->workers);
}

static void print_problem(void *context, const char *problem)
{
    unsigned *count = context;
    printf("%s\n", problem);
    ++*count;
}

static int check_store(struct store *store, struct err *err)
{
    unsigned problems = 0;
    uint64_t contents;
    int status = service_check(store, print_problem, &problems, &contents);
    if (status < 0)
        return err_set(err, ERR_IO, -status, "the store cannot be checked");
    printf("%llu contents, %u problems\n", (unsigned long long)contents, problems);
    return problems ? err_set(err, ERR_IO, 0, "the store has problems") : 0;
}

static int collect_garbage(struct store *store, const struct state *state, struct err *err)
{
    struct service service = {.store = store, .rules = &state->rules};
    uint64_t removed;
    int status = service_care(&service, (int64_t)time(NULL), &removed);
    if (status < 0)
        return err_set(err, ERR_IO, -status, "garbage cannot be removed");
    printf("%llu contents removed\n", (unsigned long long)removed);
    return 0;
}

/* fsck and collect: also while a server has the store open. */
static int run_offline(struct stores *stores, const struct state *state, struct err *err)
{
    struct store *store;
    int status = stores_start(stores, false, err);
    if (status == 0)
        status = stores_open(stores, &store, err);
    if (status < 0)
        return status;
    status = state->options.command == COMMAND_FSCK ? check_store(store, err)
                                                    : collect_garbage(store, state, err);
    store_close(store);
    return status;
}

static int run(struct program *program, struct err *err)
{
    struct state *state = program->daemon.state;
    const struct options *options = &state->options;
    if (options->help) {
        options_print_help();
        return 0;
    }
    if (options->version) {
        printf("drawbridge %s\n", ENARX_VERSION);
        return 0;
    }
    log_init(options->log_filter, STDERR_FILENO);
    log_set_format(strcmp(options->log_format, "json") == 0 ? LOG_JSON : LOG_TEXT);
    struct daemon *daemon = &program->daemon;
    int status = stores_new(options, &daemon->stores, err);
    if (status < 0 || options->check_config) {
        stores_free(daemon->stores);
        return status;
    }
    if (options->command != COMMAND_SERVE) {
        status = run_offline(daemon->stores, state, err);
    } else {
        status = start(program, err);
        if (status == 0)
            serve(program);
        stop(program);
    }
    stores_free(daemon->stores);
    return status;
}

int main(int argc, char **argv)
{
    struct program program = {.argc = argc, .argv = argv, .metrics_listener = -1};
    struct err err = {0};
    prepare_process();
    pthread_mutex_init(&program.daemon.mutex, NULL);
    int status = state_load(argc, argv, &program.daemon.state, &err);
    if (status == 0) {
        program.daemon.state->users = 1;
        status = run(&program, &err);
        daemon_release(&program.daemon, program.daemon.state);
    }
    if (status == 0)
        return 0;
    fprintf(stderr, "Error: %s\n", err.message);
    if (err.hint[0])
        fprintf(stderr, "Hint: %s\n", err.hint);
    return err.class ? (int)err.class : ERR_INTERNAL;
}
