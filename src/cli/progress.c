// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include "drawbridge/client/remote.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 24, NAME_WIDTH = 30 };

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void show(void *context, const char *path, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    int64_t now = now_ms();
    if (progress->started == 0)
        progress->started = now;
    if (now - progress->started < PROGRESS_DELAY_MS ||
        (progress->visible && now - progress->shown < PROGRESS_INTERVAL_MS) ||
        !isatty(STDERR_FILENO))
        return;
    char bar[BAR_WIDTH + 1], name[NAME_WIDTH + 1];
    struct text text = text_init(name, sizeof(name));
    remote_printable(span_of(path, strlen(path)), &text);
    if (done > total) /* of a file that grows while it is read */
        total = done;
    double share = total > 0 ? (double)done / (double)total : 1;
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r\033[K%-*s %s %3d %% of %.1f MiB", NAME_WIDTH, name, bar, (int)(share * 100),
            (double)total / (1 << 20));
    fflush(stderr);
    progress->visible = true;
    progress->shown = now;
}

struct package_watch progress_watch(struct progress *progress)
{
    return (struct package_watch){show, progress};
}

void progress_end(struct progress *progress)
{
    if (progress->visible)
        fputs("\r\033[K", stderr);
    *progress = (struct progress){0};
}
