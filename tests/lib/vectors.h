/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Genuine evidence for tests: tests/vectors holds some, ../shared/vectors more. Meson sets
 * VECTORS_SMALL and VECTORS_ALL to the two directories.
 */
#pragma once

#include "attest.h"

#include <stdbool.h>

struct vector {
    uint8_t *data;
    size_t size;
};

/* Reads a file by its name in the collection; false if neither directory has it. Never freed. */
bool vector_find(const char *name, struct vector *vector);
/* The same; skips the running test if it is not there. */
struct vector vector_load(const char *name);
/* The path of a file of the larger collection; skips the running test if it is not there. */
const char *vector_path(const char *name);

static inline struct attest_bytes vector_bytes(struct vector vector)
{
    return (struct attest_bytes){vector.data, vector.size};
}

/* "2026-01-02T03:04:05Z" as seconds; fails the test if it is none. */
int64_t moment(const char *text);
