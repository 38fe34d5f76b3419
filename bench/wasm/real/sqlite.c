// SPDX-License-Identifier: Apache-2.0
/* SQLite: its own speed test, on a database in memory; the checksum is that of all results. There
 * is no file system below it: what asks for one gets an error. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define printf(...) ((void)0)
#define main        speedtest1
#include "speedtest1.c"
#undef main
#undef printf

static int open_nothing(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got)
{
    (void)vfs, (void)name, (void)flags, (void)got;
    file->pMethods = NULL;
    return SQLITE_CANTOPEN;
}

static int randomness(sqlite3_vfs *vfs, int size, char *out)
{
    (void)vfs;
    memset(out, 7, (size_t)size);
    return size;
}

static int current_time(sqlite3_vfs *vfs, sqlite3_int64 *milliseconds)
{
    (void)vfs;
    static sqlite3_int64 ticks = 210866760000000;
    *milliseconds = ticks++;
    return SQLITE_OK;
}

int sqlite3_os_init(void)
{
    static sqlite3_vfs nothing = {.iVersion = 2,
                                  .szOsFile = sizeof(sqlite3_file),
                                  .mxPathname = 64,
                                  .zName = "nothing",
                                  .xOpen = open_nothing,
                                  .xRandomness = randomness,
                                  .xCurrentTimeInt64 = current_time};
    return sqlite3_vfs_register(&nothing, 1);
}

int sqlite3_os_end(void)
{
    return SQLITE_OK;
}

uint64_t kernel(void)
{
    char *words[] = {"speedtest1", "--memdb", "--verify", "--size", "20", NULL};
    if (speedtest1(5, words) != 0)
        abort();
    return sum_bytes(g.nResByte, g.hash.r, sizeof g.hash.r);
}
