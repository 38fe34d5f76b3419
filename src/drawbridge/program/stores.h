/* SPDX-License-Identifier: Apache-2.0 */
/* The store that the options name: opened once by the program, then by each of its threads. */
#pragma once

#include "drawbridge/program/options.h"
#include "drawbridge/store.h"

struct stores;

/* Reads what the options name, without touching the store. 0 or -errno. */
__attribute__((warn_unused_result)) int stores_new(const struct options *options,
                                                   struct stores **stores, struct err *err);
/* Opens it. With `create`, a place that is empty becomes one. 0 or -errno. */
__attribute__((warn_unused_result)) int stores_start(struct stores *stores, bool create,
                                                     struct err *err);
/* A handle for one thread. */
__attribute__((warn_unused_result)) int stores_open(struct stores *stores, struct store **store,
                                                    struct err *err);
/* After all handles were closed. */
void stores_free(struct stores *stores);
