/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memories that several threads use at once (proposal threads), each through a struct wasm_memory_t
 * of its own store: the same base and reservation, a size that may lag behind.
 *
 * A shared memory never moves: all that it may grow to is reserved when it is made. Its size only
 * grows, so that an access within the size that a thread knows needs no more; one beyond it calls
 * memory_refresh and looks again. Plain accesses that race get some value of the bytes that were
 * written, as the proposal allows.
 */
#pragma once

#include "wick/runtime.h"

/* As memory_new, memory_grow and memory_fini, for memories that are shared and those that are not.
 */
enum wick_status memory_make(struct wasm_store_t *store, const struct memory_type *type,
                             struct wasm_memory_t **out);
int64_t memory_extend(struct wasm_memory_t *memory, uint64_t pages);
void memory_drop(struct wasm_memory_t *memory);

/* Takes over the size that another thread may have given the memory. */
void memory_refresh(struct wasm_memory_t *memory);

/* Another store's view. NULL without memory. */
struct wasm_memory_t *shared_memory_open(struct wasm_store_t *store, struct shared_memory *shared);
struct shared_memory *shared_memory_retain(struct shared_memory *shared);
void shared_memory_release(struct shared_memory *shared);

/* Waits at an address of the memory, which is aligned and in bounds, while `bytes` bytes there are
 * `expected`: until notified (0), not at all if they differ (1), or until `timeout` nanoseconds
 * passed (2; a negative timeout is none). Negative: the store was interrupted or its deadline
 * passed, as a trap kind. */
int shared_memory_wait(struct wasm_memory_t *memory, const uint8_t *at, uint64_t expected,
                       unsigned bytes, int64_t timeout);

/* Wakes at most `count` of those who wait at the address, the first ones first. How many. */
uint32_t shared_memory_notify(struct wasm_memory_t *memory, const uint8_t *at, uint32_t count);
