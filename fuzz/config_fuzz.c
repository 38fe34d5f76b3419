// SPDX-License-Identifier: Apache-2.0
/* libFuzzer target: any bytes as Enarx.toml and as control document, the guest that both make, and
 * as messages. */
#include "exec/guest.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_guest(const struct config *config, const struct control *control)
{
    struct guest guest;
    struct err err = {0};
    if (guest_init(&guest, config, true, control, &err) == 0)
        guest_free(&guest);
    else if (err.class == ERR_INTERNAL || !err.message[0])
        abort();
}

/* The input is both documents, separated by a NUL, which neither may contain. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t first = 0;
    while (first < size && data[first])
        first++;
    struct span second = span_of(data + first, size - first);
    if (second.size > 0)
        second = span_of(second.data + 1, second.size - 1);

    struct config config;
    struct control control;
    struct message message;
    struct message_addresses addresses;
    struct err err = {0};
    bool has_config = config_parse(span_of(data, first), "x", &config, &err) == 0;
    bool has_control = control_parse(second, &control, &err) == 0;
    if (has_config && has_control)
        try_guest(&config, &control);
    err = (struct err){0};
    if (message_parse(span_of(data, first), &message, &err) < 0 && !err.message[0])
        abort();
    if (message_parse_addresses(second, "n", &addresses, &err) == 0 &&
        addresses.count > MESSAGE_ADDRESSES_MAX)
        abort();
    message_free(&message);
    config_free(&config);
    control_free(&control);
    return 0;
}
