/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/validate.h"

#include "wick/opcode.h"

#include <stdlib.h>

static void add_run(struct locals *locals, uint32_t type, uint32_t count)
{
    if (count == 0)
        return;
    struct local_run *last = locals->run_count ? &locals->runs[locals->run_count - 1] : NULL;
    if (!last || last->type != type) {
        last = &locals->runs[locals->run_count++];
        *last = (struct local_run){type, locals->count, locals->slots};
    }
    last->end += count;
    locals->count += count;
    locals->slots += count * type_slots(type);
    locals->all_defaultable = locals->all_defaultable && type_is_defaultable(type);
}

static void read_groups(struct reader *reader, const struct module *module, uint32_t groups,
                        struct locals *locals)
{
    uint64_t total = locals->count;
    for (uint32_t i = 0; i < groups; i++) {
        const uint8_t *place = reader->next;
        uint32_t count = reader_u32(reader);
        uint32_t type = read_value_type(reader, module);
        total += count;
        if (total > UINT32_MAX)
            reader_fail(reader, WICK_MALFORMED, place, "too many locals");
        if (!reader_ok(reader))
            return;
        if (total <= FUNC_LOCALS_MAX)
            add_run(locals, type, count);
    }
    if (total > FUNC_LOCALS_MAX)
        reader_fail(reader, WICK_LIMIT, reader->next, "too many locals: %llu, the limit is %u",
                    (unsigned long long)total, FUNC_LOCALS_MAX);
}

void locals_read(struct reader *reader, const struct module *module, const struct functype *type,
                 struct locals *locals)
{
    *locals = (struct locals){.all_defaultable = true};
    uint32_t groups = reader_count(reader, UINT32_MAX, "local declarations");
    locals->runs = malloc(((size_t)type->param_count + groups + 1) * sizeof(*locals->runs));
    if (!locals->runs) {
        reader_fail(reader, WICK_NO_MEMORY, reader->next, "out of memory");
        return;
    }
    for (uint32_t i = 0; i < type->param_count; i++)
        add_run(locals, type->params[i], 1);
    if (reader_ok(reader))
        read_groups(reader, module, groups, locals);
}

void locals_fini(struct locals *locals)
{
    free(locals->runs);
    locals->runs = NULL;
}

const struct local_run *locals_find(const struct locals *locals, uint32_t index, uint32_t *slot)
{
    uint32_t low = 0, high = locals->run_count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index < locals->runs[middle].end)
            high = middle;
        else
            low = middle + 1;
    }
    const struct local_run *run = &locals->runs[low];
    uint32_t first = low ? run[-1].end : 0;
    *slot = run->slot + (index - first) * type_slots(run->type);
    return run;
}
