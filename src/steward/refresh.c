// SPDX-License-Identifier: Apache-2.0
#include "steward/refresh.h"

#include "base/log.h"
#include "collateral/fetch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_NOTHING = 1, DESCRIPTORS_FIRST = 3 };

/* One round. The status is 0 if something is fresh. */
static int fetch_all(const struct refresh *refresh)
{
    struct collateral_connection connection;
    struct err err = {0};
    unsigned fetched = 0;
    if (collateral_connect(refresh->bundle, &connection, &err) < 0) {
        log_error("steward", "collateral is not fetched: %s", err.message);
        return STATUS_NOTHING;
    }
    struct collateral_source source = {
        .client = connection.client,
        .base = refresh->service,
        .directory = refresh->directory,
        .time = refresh->fixed_time ? refresh->fixed_time : (int64_t)time(NULL),
        .attempts = COLLATERAL_ATTEMPTS,
        .pause_ms = COLLATERAL_PAUSE_MS,
        .interval_ms = COLLATERAL_INTERVAL_MS,
    };
    if (collateral_refresh(&source, &fetched, &err) < 0)
        log_error("steward", "not all collateral is fresh: %s", err.message);
    collateral_disconnect(&connection);
    log_info("steward", "fetched %u pieces of collateral", fetched);
    return fetched > 0 ? 0 : STATUS_NOTHING;
}

static void start(struct refresh *refresh)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        log_error("steward", "collateral is not fetched: %s", strerror(errno));
    if (child != 0) {
        refresh->child = child > 0 ? child : 0;
        return;
    }
    /* Keeps no socket of its parent open, and does not outlive it. */
    close_range(DESCRIPTORS_FIRST, ~0U, 0);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(getppid() == parent ? fetch_all(refresh) : STATUS_NOTHING);
}

bool refresh_step(struct refresh *refresh, int64_t now)
{
    int status;
    if (refresh->hours == 0)
        return false;
    if (refresh->child == 0 && now >= refresh->next) {
        refresh->next = now + (int64_t)refresh->hours * 3600;
        start(refresh);
    }
    if (refresh->child == 0 || waitpid(refresh->child, &status, WNOHANG) != refresh->child)
        return false;
    refresh->child = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void refresh_end(struct refresh *refresh)
{
    if (refresh->child == 0)
        return;
    kill(refresh->child, SIGTERM);
    waitpid(refresh->child, NULL, 0);
    refresh->child = 0;
}
