// SPDX-License-Identifier: Apache-2.0
#include "vectors.h"

#include "base/date.h"
#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

static bool read_file(const char *path, struct vector *vector)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    vector->data = tap_memory(size >= 0 ? (size_t)size : 0);
    vector->size = size >= 0 ? fread(vector->data, 1, (size_t)size, file) : 0;
    fclose(file);
    return vector->size == (size_t)size;
}

static bool find_path(const char *name, char *path, size_t size)
{
    static const char *const places[] = {"VECTORS_SMALL", "VECTORS_ALL"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        const char *directory = getenv(places[i]);
        snprintf(path, size, "%s/%s", directory ? directory : ".", name);
        if (access(path, R_OK) == 0)
            return true;
    }
    return false;
}

bool vector_find(const char *name, struct vector *vector)
{
    char path[1024];
    return find_path(name, path, sizeof(path)) && read_file(path, vector);
}

struct vector vector_load(const char *name)
{
    struct vector vector = {0};
    if (!vector_find(name, &vector))
        SKIP("the file %s is not there; it is in the collection beside the source tree", name);
    return vector;
}

const char *vector_path(const char *name)
{
    static char path[1024];
    if (!find_path(name, path, sizeof(path)))
        SKIP("the file %s is not there; it is in the collection beside the source tree", name);
    return path;
}

int64_t moment(const char *text)
{
    int64_t seconds = 0;
    if (!date_parse(span_of(text, strlen(text)), &seconds))
        tap_fail(__FILE__, __LINE__, "\"%s\" is no date", text);
    return seconds;
}
