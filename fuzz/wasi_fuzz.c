/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of WASI's functions with arguments and memory from the input, over a small memory and a
 * directory in memory. Looks for accesses outside of the memory and for broken bookkeeping.
 *
 * A call is one byte (which function), then for each parameter a byte that says how the number is
 * made: small, near an end of the memory, or the next bytes as they are. What would block or end
 * the process does not happen: descriptors are in memory or null, and times are cut.
 */
#include "wick/wasi/context.h"

#include <stdlib.h>

enum { MEMORY_SIZE = 4096, CALLS_MAX = 256 };

struct input {
    const uint8_t *data;
    size_t size;
};

static uint64_t take(struct input *input, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && input->size; i++) {
        value |= (uint64_t)*input->data++ << 8 * i;
        input->size--;
    }
    return value;
}

static uint64_t make_argument(struct input *input, bool wide)
{
    uint64_t how = take(input, 1);
    switch (how & 3) {
    case 0:
        return how >> 2 & 7;
    case 1:
        return how << 4; /* an address inside */
    case 2:
        return MEMORY_SIZE - (how >> 2);
    default:
        return take(input, wide ? 8 : 4);
    }
}

/* poll_oneoff with all clocks at once: nothing is waited for long. */
static void cut_times(struct guest_memory *memory, const wick_value_t *args)
{
    for (uint32_t i = 0; i < args[2].u32 && i < MEMORY_SIZE / SUBSCRIPTION_SIZE; i++) {
        uint8_t *in = guest_range(memory, args[0].u32 + i * SUBSCRIPTION_SIZE, SUBSCRIPTION_SIZE);
        if (in && in[8] == EVENT_CLOCK)
            memset(in + 24, 0, 8);
    }
}

static void call(struct wick_wasi *wasi, struct guest_memory memory, struct input *input)
{
    wick_value_t slots[9] = {0};
    const struct wasi_function *function = &wasi_functions[take(input, 1) % WASI_FUNCTION_COUNT];
    for (size_t i = 0; function->parameters[i]; i++)
        slots[i].u64 = make_argument(input, function->parameters[i] == 'I');
    /* Some bytes of the input go where the first address points. */
    uint64_t count = take(input, 1) % 64;
    uint8_t *bytes = guest_range(&memory, slots[1].u32, count);
    for (uint64_t i = 0; i < count && bytes; i++)
        bytes[i] = (uint8_t)take(input, 1);
    if (function->run == wasi_poll_oneoff)
        cut_times(&memory, slots);
    struct wasi_call frame = {.wasi = wasi, .memory = memory, .args = slots};
    if (function->run(&frame) > WASI_NOTCAPABLE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    struct guest_memory memory = {calloc(1, MEMORY_SIZE), MEMORY_SIZE};
    struct wick_wasi *wasi = wick_wasi_new();
    if (memory.base && wasi && !wick_wasi_add_null(wasi, 0) && !wick_wasi_add_arg(wasi, "fuzz") &&
        !wick_wasi_add_memory_dir(wasi, 1, "/", 1 << 16) &&
        !wick_wasi_add_memory_dir(wasi, 2, "/2", 1 << 12)) {
        for (int i = 0; i < CALLS_MAX && input.size; i++)
            call(wasi, memory, &input);
    }
    wick_wasi_delete(wasi);
    free(memory.base);
    return 0;
}
