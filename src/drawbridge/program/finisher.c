// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/program/finisher.h"

#include "drawbridge/program/daemon.h"

#include <errno.h>
#include <stdlib.h>

struct finisher {
    struct daemon *daemon;
    struct service service;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* Under the mutex: */
    struct finisher_job *jobs, **jobs_end;
    bool ending;
};

/* The next job; NULL at the end. */
static struct finisher_job *take(struct finisher *finisher)
{
    pthread_mutex_lock(&finisher->mutex);
    while (!finisher->jobs && !finisher->ending)
        pthread_cond_wait(&finisher->changed, &finisher->mutex);
    struct finisher_job *job = finisher->jobs;
    if (job)
        finisher->jobs = job->next;
    if (!finisher->jobs)
        finisher->jobs_end = &finisher->jobs;
    pthread_mutex_unlock(&finisher->mutex);
    return job;
}

static void *run(void *argument)
{
    struct finisher *finisher = argument;
    for (struct finisher_job *job; (job = take(finisher));) {
        struct state *state = daemon_state(finisher->daemon);
        finisher->service.rules = &state->rules;
        job->run(job, &finisher->service);
        daemon_release(finisher->daemon, state);
    }
    return NULL;
}

int finisher_new(struct daemon *daemon, struct finisher **made, struct err *err)
{
    struct finisher *finisher = calloc(1, sizeof(*finisher));
    if (!finisher)
        return err_set(err, ERR_IO, ENOMEM, "cannot start a thread");
    finisher->daemon = daemon;
    finisher->jobs_end = &finisher->jobs;
    pthread_mutex_init(&finisher->mutex, NULL);
    pthread_cond_init(&finisher->changed, NULL);
    int status = stores_open(daemon->stores, &finisher->service.store, err);
    if (status == 0) {
        int error = pthread_create(&finisher->thread, NULL, run, finisher);
        status = error ? err_set(err, ERR_IO, error, "cannot start a thread") : 0;
    }
    if (status < 0)
        finisher_free(finisher);
    else
        *made = finisher;
    return status;
}

void finisher_add(struct finisher *finisher, struct finisher_job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&finisher->mutex);
    *finisher->jobs_end = job;
    finisher->jobs_end = &job->next;
    pthread_cond_signal(&finisher->changed);
    pthread_mutex_unlock(&finisher->mutex);
}

void finisher_free(struct finisher *finisher)
{
    if (!finisher)
        return;
    pthread_mutex_lock(&finisher->mutex);
    finisher->ending = true;
    pthread_cond_signal(&finisher->changed);
    pthread_mutex_unlock(&finisher->mutex);
    if (finisher->thread)
        pthread_join(finisher->thread, NULL);
    store_close(finisher->service.store);
    pthread_cond_destroy(&finisher->changed);
    pthread_mutex_destroy(&finisher->mutex);
    free(finisher);
}
