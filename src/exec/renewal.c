// SPDX-License-Identifier: Apache-2.0
#include "exec/renewal.h"

#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { PAUSE_SECONDS = 60 }; /* between attempts */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool under_way, has_thread;

void renewal_lock(void)
{
    pthread_mutex_lock(&lock);
}

void renewal_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

bool renewal_is_under_way(void)
{
    return atomic_load(&under_way);
}

bool renewal_has_thread(void)
{
    return atomic_load(&has_thread);
}

/* Puts the new certificate in place of the old one. */
static void replace(struct identity *identity, const struct identity *fresh)
{
    renewal_lock();
    free((void *)identity->chain.data);
    free((void *)identity->trust.data);
    identity->chain = fresh->chain;
    identity->trust = fresh->trust;
    identity->not_before = fresh->not_before;
    identity->not_after = fresh->not_after;
    identity->generation++;
    renewal_unlock();
}

static void *renew(void *env)
{
    struct identity *identity = env;
    struct identity fresh = {.signer = identity->signer};
    struct err err = {0};
    if (identity_certify(&fresh, identity->renewal, time(NULL), false, &err) == 0) {
        replace(identity, &fresh);
        log_info("enarx::exec", "the certificate is renewed");
    } else {
        log_error("enarx::exec", "the certificate is not renewed: %s", err.message);
    }
    atomic_store(&under_way, false);
    return NULL;
}

static bool renew_aside(struct identity *identity)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, renew, identity) != 0)
        return false;
    atomic_store(&has_thread, true);
    pthread_detach(thread);
    return true;
}

/* Whether it is time, and nobody else is at it: then this thread has to see to it. */
static bool take_on(struct identity *identity, int64_t now)
{
    renewal_lock();
    int64_t due = identity->not_before + (identity->not_after - identity->not_before) / 3 * 2;
    bool mine = identity->renewal && now >= due && now >= identity->renewal_after &&
                !atomic_exchange(&under_way, true);
    if (mine)
        identity->renewal_after = now + PAUSE_SECONDS;
    renewal_unlock();
    return mine;
}

static bool is_valid(const struct identity *identity, int64_t now)
{
    renewal_lock();
    bool valid = now <= identity->not_after;
    renewal_unlock();
    return valid;
}

bool renewal_look(struct identity *identity, int64_t now, bool waits)
{
    if (take_on(identity, now) && ((waits && !is_valid(identity, now)) || !renew_aside(identity)))
        renew(identity);
    return !renewal_is_under_way() || is_valid(identity, now);
}
