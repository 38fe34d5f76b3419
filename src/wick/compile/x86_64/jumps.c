/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/x86_64/emit.h"

#include <string.h>

/* From `end` on, up to that of the next shift, code has moved down by `by` bytes. */
struct shift {
    uint32_t end, by;
};

struct shifts {
    struct shift *shifts;
    uint32_t count;
    uint32_t at; /* the last that was looked at */
};

void add_jump(struct emit *e, uint32_t place, uint32_t block)
{
    arena_grow(e->code.arena, &e->jumps, e->jump_count + 1, &e->jump_capacity, sizeof(*e->jumps));
    e->jumps[e->jump_count++] = (struct block_jump){place, block};
}

void add_gap(struct emit *e)
{
    add_jump(e, e->code.size, JUMP_GAP);
    for (uint32_t i = 0; i < GAP_MOST; i++)
        code_byte(&e->code, 0xCC);
}

/* Whether 8 bits will do. A block behind the jump only comes nearer; one before it is in its place,
 * and the jump would end at `end`. */
static bool is_near(uint32_t old_end, uint32_t end, uint32_t target)
{
    return target >= old_end ? target - old_end <= INT8_MAX : end - target <= INT8_MAX + 1u;
}

/* Moves a jump down to the end of the code. */
static void move_jump(struct emit *e, struct block_jump *jump)
{
    struct code *code = &e->code;
    const uint8_t *last = code->bytes + jump->place - 1; /* byte of the opcode */
    uint32_t length = *last == 0xE9 || *last == 0xE8 ? 5 : 6;
    uint32_t old_end = jump->place + 4;
    if (jump->block != JUMP_ENTRY && is_near(old_end, code->size + 2, e->block_at[jump->block])) {
        if (length == 5)
            asm_jmp_short(code, 0);
        else
            asm_jcc_short(code, *last & 15, 0);
        jump->place = (code->size - 1) | JUMP_SHORT;
        return;
    }
    memmove(code->bytes + code->size, code->bytes + old_end - length, length);
    code->size += length;
    jump->place = code->size - 4;
}

/* Where a jump or gap begins. */
static uint32_t start_of(const struct emit *e, const struct block_jump *jump)
{
    if (jump->block == JUMP_GAP)
        return jump->place;
    uint8_t last = e->code.bytes[jump->place - 1];
    return jump->place - (last == 0xE9 || last == 0xE8 ? 1 : 2);
}

static uint32_t moved(struct shifts *shifts, uint32_t place)
{
    while (shifts->at > 0 && shifts->shifts[shifts->at].end > place)
        shifts->at--;
    while (shifts->at + 1 < shifts->count && shifts->shifts[shifts->at + 1].end <= place)
        shifts->at++;
    return place - shifts->shifts[shifts->at].by;
}

static void move_notes(struct emit *e, struct shifts *shifts)
{
    struct emitted *out = e->out;
    for (uint32_t i = 0; i < out->offset_count; i++)
        out->offsets[i].code = moved(shifts, out->offsets[i].code);
    for (uint32_t i = 0; i < out->catch_count; i++)
        out->catches[i].code = moved(shifts, out->catches[i].code);
    for (uint32_t i = 0; i < out->root_count; i++)
        out->roots[i].code = moved(shifts, out->roots[i].code);
    for (uint32_t i = 0; i < out->stub_count; i++)
        out->stubs[i].place = moved(shifts, out->stubs[i].place);
    for (uint32_t i = 0; i < e->const_fixup_count; i++)
        e->const_fixups[i].place = moved(shifts, e->const_fixups[i].place);
    for (uint32_t i = 0; i < e->table_count; i++)
        e->tables[i].place = moved(shifts, e->tables[i].place);
    for (uint32_t i = 0; i < e->cold_count; i++) {
        e->cold[i].jump = moved(shifts, e->cold[i].jump);
        e->cold[i].back = moved(shifts, e->cold[i].back);
    }
}

/* Blocks up to `end`, of those that have not moved yet. */
static void move_blocks(struct emit *e, uint32_t *next, uint32_t end, uint32_t by)
{
    for (; *next < e->order_count && e->block_at[e->order[*next]] <= end; ++*next)
        e->block_at[e->order[*next]] -= by;
}

void shorten_jumps(struct emit *e)
{
    struct code *code = &e->code;
    uint32_t size = code->size, from = 0, block = 0;
    struct shifts shifts = {
        .shifts = arena_take(code->arena, (e->jump_count + 1) * sizeof(*shifts.shifts))};
    shifts.shifts[shifts.count++] = (struct shift){0};
    code->size = 0;
    for (uint32_t i = 0; i < e->jump_count; i++) {
        struct block_jump *jump = &e->jumps[i];
        uint32_t start = start_of(e, jump);
        uint32_t end = jump->block == JUMP_GAP ? jump->place + GAP_MOST : jump->place + 4;
        move_blocks(e, &block, start, from - code->size);
        memmove(code->bytes + code->size, code->bytes + from, start - from);
        code->size += start - from;
        if (jump->block == JUMP_GAP)
            code_align_nops(code, 16, GAP_MOST);
        else
            move_jump(e, jump);
        from = end;
        shifts.shifts[shifts.count++] = (struct shift){end, end - code->size};
    }
    move_blocks(e, &block, size, from - code->size);
    memmove(code->bytes + code->size, code->bytes + from, size - from);
    code->size += size - from;
    move_notes(e, &shifts);
}

void patch_jumps(struct emit *e)
{
    for (uint32_t i = 0; i < e->jump_count; i++) {
        if (e->jumps[i].block == JUMP_GAP)
            continue;
        uint32_t place = e->jumps[i].place & ~(uint32_t)JUMP_SHORT;
        uint32_t target =
            e->jumps[i].block == JUMP_ENTRY ? e->out->entry : e->block_at[e->jumps[i].block];
        if (e->jumps[i].place & JUMP_SHORT)
            e->code.bytes[place] = (uint8_t)(target - (place + 1));
        else
            asm_patch(&e->code, place, target);
    }
}
