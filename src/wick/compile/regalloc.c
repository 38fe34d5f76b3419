/* SPDX-License-Identifier: Apache-2.0 */
/* The scan: intervals in the order of their starts get a register, or their slot. */
#include "wick/compile/regalloc.h"

#include "base/search.h"

#include <string.h>

enum { FAR = UINT32_MAX };

/* An interval with a register, in a hole of its life until `wake`. */
struct sleeper {
    uint32_t interval, wake;
};

struct scan {
    struct allocation *a;
    uint32_t *queue; /* the first pieces, the earliest start first */
    uint32_t queue_count, queue_next;
    uint32_t *heap; /* later pieces, likewise */
    uint32_t heap_count, heap_capacity;
    uint32_t active[REG_COUNT]; /* by machine register: the interval that has it now; 0: none */
    uint32_t until[REG_COUNT];  /* and where its range ends, or it does */
    uint32_t active_mask;
    struct sleeper *sleepers;
    uint32_t sleeper_count, sleeper_capacity;
    uint32_t position;     /* start of the interval at hand */
    uint32_t next_event;   /* before it nothing changes among the active ones */
    uint32_t next_wake;    /* nor among the sleepers */
    uint32_t next_clobber; /* the first at or behind the current start */
};

static const uint8_t general_regs[] = {RAX, RCX, RDX, RBX, RSI, RDI, R8, R9, R10, RBP, R12, R13};
static const uint8_t vector_regs[] = {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30};

static struct interval *interval_at(const struct scan *s, uint32_t number)
{
    return &s->a->intervals[number];
}

static bool is_vector(const struct scan *s, const struct interval *interval)
{
    return s->a->machine->regs[interval->reg].is_vector;
}

/* ---- Ranges -----------------------------------------------------------------------------------
 */

/* interval_next at or behind the scan's position. */
static inline uint32_t next_life(const struct allocation *a, const struct interval *interval,
                                 uint32_t from)
{
    if (from < interval->start)
        from = interval->start;
    if (interval->cursor == interval->range_end)
        return interval->end;
    const struct range *range = &a->ranges[interval->cursor];
    if (range->to <= from)
        return interval_next(a, interval, from);
    uint32_t at = range->from > from ? range->from : from;
    return at < interval->end ? at : interval->end;
}

/* The first position at or behind `from` at which both live. In SSA form an interval that begins
 * with its value cannot meet one that is in a hole then, but a later piece can. */
static uint32_t intersection(const struct allocation *a, const struct interval *x,
                             const struct interval *y, uint32_t from)
{
    for (;;) {
        uint32_t at = next_life(a, x, from);
        if (at >= x->end)
            return FAR;
        from = next_life(a, y, at);
        if (from >= y->end)
            return FAR;
        if (from == at)
            return at;
    }
}

/* ---- The queue --------------------------------------------------------------------------------
 */

static bool is_before(const struct scan *s, uint32_t x, uint32_t y)
{
    return interval_at(s, x)->start < interval_at(s, y)->start;
}

static void enqueue(struct scan *s, uint32_t interval)
{
    arena_grow(s->a->arena, &s->heap, s->heap_count + 1, &s->heap_capacity, sizeof(*s->heap));
    uint32_t at = s->heap_count++;
    for (; at > 0 && is_before(s, interval, s->heap[(at - 1) / 2]); at = (at - 1) / 2)
        s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = interval;
}

static uint32_t pop_heap(struct scan *s)
{
    uint32_t first = s->heap[0], last = s->heap[--s->heap_count], at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= s->heap_count)
            break;
        if (child + 1 < s->heap_count && is_before(s, s->heap[child + 1], s->heap[child]))
            child++;
        if (!is_before(s, s->heap[child], last))
            break;
        s->heap[at] = s->heap[child];
        at = child;
    }
    s->heap[at] = last;
    return first;
}

/* The interval that begins next; 0: there are no more. */
static uint32_t dequeue(struct scan *s)
{
    bool first = s->queue_next < s->queue_count;
    if (s->heap_count && (!first || is_before(s, s->heap[0], s->queue[s->queue_next])))
        return pop_heap(s);
    return first ? s->queue[s->queue_next++] : 0;
}

/* Sorts the first pieces by counting: all of them start at even positions. */
static void fill_queue(struct scan *s)
{
    const struct allocation *a = s->a;
    uint32_t count = a->interval_count - 1, places = 2 * (a->machine->ins_count + 1);
    uint32_t *next = arena_alloc(a->arena, (places + 1) * sizeof(*next));
    s->queue = arena_take(a->arena, (count + 1) * sizeof(*s->queue));
    s->queue_count = count;
    for (uint32_t i = 1; i <= count; i++)
        next[a->intervals[i].start / 2 + 1]++;
    for (uint32_t i = 0; i < places; i++)
        next[i + 1] += next[i];
    for (uint32_t i = 1; i <= count; i++)
        s->queue[next[a->intervals[i].start / 2]++] = i;
}

/* The place of the interval's first use at or behind a position. */
static uint32_t first_use_at(const struct scan *s, const struct interval *interval, uint32_t from)
{
    if (interval->use == interval->use_end || s->a->uses[interval->use].position >= from)
        return interval->use; /* mostly */
    return SEARCH_FIRST(s->a->uses, interval->use + 1, interval->use_end, position, from);
}

/* ---- Splitting --------------------------------------------------------------------------------
 */

/* The interval has a register: it is looked at again where its range ends, or it does. */
static void watch_range(struct scan *s, uint32_t number)
{
    const struct interval *interval = interval_at(s, number);
    uint32_t reg = interval->location, to = s->a->ranges[interval->cursor].to;
    s->until[reg] = to < interval->end ? to : interval->end;
    if (s->until[reg] < s->next_event)
        s->next_event = s->until[reg];
}

static void set_end(struct scan *s, uint32_t number, uint32_t end)
{
    struct interval *interval = interval_at(s, number);
    interval->end = end;
    if (interval->location < REG_COUNT && s->active[interval->location] == number)
        watch_range(s, number);
}

/* Cuts an interval at a position inside it, even one that the scan has passed; the rest is a new
 * interval, or 0 if nothing lives behind. */
static uint32_t split(struct scan *s, uint32_t number, uint32_t position)
{
    struct allocation *a = s->a;
    bool past = position < s->position; /* behind the cursor */
    uint32_t start = past ? interval_next(a, interval_at(s, number), position)
                          : next_life(a, interval_at(s, number), position);
    if (start >= interval_at(s, number)->end) {
        set_end(s, number, position);
        return 0;
    }
    arena_grow(a->arena, &a->intervals, a->interval_count + 1, &a->interval_capacity,
               sizeof(*a->intervals));
    uint32_t rest = a->interval_count++;
    struct interval *old = interval_at(s, number), *new = interval_at(s, rest);
    *new = *old;
    new->start = start;
    new->location = NO_OPERAND;
    new->spill_first = false;
    new->use = first_use_at(s, new, position);
    if (past)
        new->cursor = new->range;
    while (a->ranges[new->cursor].to <= start)
        new->cursor++;
    old->use_end = new->use;
    new->prev = number;
    if (new->next)
        interval_at(s, new->next)->prev = rest;
    old->next = rest;
    set_end(s, number, position);
    return rest;
}

enum { SPLIT_BLOCKS = 200 }; /* how far back a better place is looked for */

/* The best place to begin in a register for what is needed at `latest`: there, or the start of a
 * block in fewer loops. A loop's own start is entered from outside of it. */
static uint32_t best_split(const struct scan *s, uint32_t earliest, uint32_t latest)
{
    const struct allocation *a = s->a;
    uint32_t place = a->block_of[latest / 4], best = latest;
    uint32_t depth = a->placed[place].depth;
    for (int steps = 0; depth > 0 && steps < SPLIT_BLOCKS; steps++, place--) {
        const struct placed_block *block = &a->placed[place];
        if (block->start < earliest || place == 0)
            break;
        if (block->outside < depth) {
            depth = block->outside;
            best = block->start;
        }
    }
    return best;
}

/* ---- Spilling ---------------------------------------------------------------------------------
 */

static bool wants_register(uint8_t kind)
{
    return kind != USE_ANY && kind != USE_PHI && kind != DEF_ANY;
}

/* The first use at or behind a position that cannot be in memory. */
static uint32_t next_register_use(const struct scan *s, const struct interval *interval,
                                  uint32_t from)
{
    for (uint32_t u = first_use_at(s, interval, from); u < interval->use_end; u++) {
        if (wants_register(s->a->uses[u].kind))
            return s->a->uses[u].position;
    }
    return FAR;
}

static uint32_t next_use(const struct scan *s, const struct interval *interval, uint32_t from)
{
    uint32_t use = first_use_at(s, interval, from);
    return use < interval->use_end ? s->a->uses[use].position : FAR;
}

/* The same without uses by phis, which a slot serves as well. */
static uint32_t next_work(const struct scan *s, const struct interval *interval, uint32_t from)
{
    uint32_t use = first_use_at(s, interval, from);
    while (use < interval->use_end && s->a->uses[use].kind == USE_PHI)
        use++;
    return use < interval->use_end ? s->a->uses[use].position : FAR;
}

/* The last call before a position, as the first position behind it; 0 if there is none. */
static uint32_t behind_last_call(const struct scan *s, uint32_t position)
{
    const struct allocation *a = s->a;
    uint32_t low = SEARCH_FIRST(a->clobbers, 0, a->clobber_count, position, position);
    while (low > 0 && a->clobbers[low - 1].mask != ALL_REGS)
        low--;
    return low ? a->clobbers[low - 1].position + 3 : 0;
}

/* Puts an interval that has not begun, or begins now, into its slot until it is needed in a
 * register. */
static void spill(struct scan *s, uint32_t number)
{
    struct interval *interval = interval_at(s, number);
    interval->location = slot_for(s->a, interval->reg);
    uint32_t use = next_register_use(s, interval, interval->start);
    if (use == FAR)
        return;
    uint32_t latest = use & ~3u, earliest = interval->start + 1;
    uint32_t call = behind_last_call(s, latest);
    if (call > earliest)
        earliest = call;
    if (s->position >= earliest)
        earliest = s->position + 1;
    uint32_t at = latest > earliest ? best_split(s, earliest, latest) : latest;
    uint32_t rest = split(s, number, at);
    if (rest)
        enqueue(s, rest);
}

/* Where an interval that loses its register at a position is better off without it already: at the
 * start of the outermost loop that it enters and does not use before. There it would only be loaded
 * again for each round. */
static uint32_t loss_before_loop(const struct scan *s, const struct interval *interval,
                                 uint32_t position)
{
    const struct graph *graph = s->a->machine->graph;
    uint32_t block = s->a->placed[s->a->block_of[position / 4]].block, best = position;
    for (uint32_t loop = graph->blocks[block].loop; loop; loop = graph->blocks[loop].parent) {
        uint32_t start = 4 * s->a->machine->blocks[loop].first;
        if (start <= interval->start || next_use(s, interval, start) < position)
            break;
        best = start;
    }
    return best;
}

/* ---- Free registers ---------------------------------------------------------------------------
 */

struct choice {
    uint32_t until[REG_COUNT]; /* by machine register */
    uint32_t call;             /* where all are lost; FAR: nowhere */
};

static uint32_t choice_until(const struct choice *choice, uint32_t reg)
{
    return choice->until[reg] < choice->call ? choice->until[reg] : choice->call;
}

/* Whether the instruction that overwrites registers at a position still needs the interval then. */
static bool is_needed_late(const struct scan *s, const struct interval *interval, uint32_t position)
{
    uint32_t u = first_use_at(s, interval, position & ~3u);
    for (; u < interval->use_end && s->a->uses[u].position < position; u++) {
        if (s->a->uses[u].kind == USE_LATE)
            return true;
    }
    return false;
}

/* The place in a->clobbers, at or behind `from`, of the first that the interval lives at; the
 * count if there is none. */
static uint32_t first_clobber(const struct scan *s, const struct interval *interval, uint32_t from)
{
    const struct allocation *a = s->a;
    uint32_t alive = interval->start; /* not before it */
    for (uint32_t i = from; i < a->clobber_count; i++) {
        uint32_t position = a->clobbers[i].position;
        if (position >= interval->end)
            break;
        if (position < alive)
            continue;
        alive = next_life(a, interval, position);
        if (alive == position)
            return i;
    }
    return a->clobber_count;
}

/* Lowers `until` to where fixed registers are overwritten while the interval lives, and finds the
 * first call, which overwrites all. */
static void apply_clobbers(const struct scan *s, const struct interval *interval,
                           struct choice *choice)
{
    const struct allocation *a = s->a;
    choice->call = FAR;
    for (uint32_t i = s->next_clobber; (i = first_clobber(s, interval, i)) < a->clobber_count;
         i++) {
        const struct clobber *clobber = &a->clobbers[i];
        uint32_t lost = clobber->position;
        if (clobber->mask == ALL_REGS) {
            choice->call = lost;
            return;
        }
        if (is_needed_late(s, interval, lost))
            lost &= ~3u;
        for (uint32_t mask = clobber->mask; mask; mask &= mask - 1) {
            uint32_t r = (uint32_t)__builtin_ctz(mask);
            choice->until[r] = choice->until[r] > lost ? lost : choice->until[r];
        }
    }
}

static const uint8_t *candidates(const struct scan *s, const struct interval *interval,
                                 uint32_t *count)
{
    bool vector = is_vector(s, interval);
    *count = vector ? sizeof(vector_regs) : sizeof(general_regs);
    return vector ? vector_regs : general_regs;
}

/* Where a virtual register that lives is at a position that the scan has passed. */
static uint32_t location_at(const struct scan *s, uint32_t reg, uint32_t position)
{
    struct interval *first = interval_at(s, s->a->piece_of[reg]);
    if (!first->next)
        return first->location;
    uint32_t at = first->recent ? first->recent : s->a->piece_of[reg];
    while (interval_at(s, at)->start > position && interval_at(s, at)->prev)
        at = interval_at(s, at)->prev;
    for (uint32_t next;
         (next = interval_at(s, at)->next) && interval_at(s, next)->start <= position;)
        at = next;
    first->recent = at;
    return interval_at(s, at)->location;
}

/* Registers that would save a move, the best first. */
static uint32_t hints(const struct scan *s, const struct interval *interval, uint32_t out[3])
{
    const struct virtual_reg *reg = &s->a->machine->regs[interval->reg];
    uint32_t count = 0;
    uint32_t before = s->a->piece_of[interval->reg];
    if (interval_at(s, before) != interval) { /* where an earlier piece was */
        if (interval_at(s, before)->location < REG_COUNT)
            out[count++] = interval_at(s, before)->location;
    }
    if (reg->like && s->a->piece_of[reg->like]) {
        uint32_t location = location_at(s, reg->like, interval->start);
        if (location < REG_COUNT)
            out[count++] = location;
    }
    if (reg->hint < REG_COUNT)
        out[count++] = reg->hint;
    return count;
}

static uint32_t choose_free(const struct scan *s, const struct interval *interval,
                            const struct choice *choice)
{
    uint32_t hint[3], count, best = NO_OPERAND;
    uint32_t hint_count = hints(s, interval, hint);
    for (uint32_t i = 0; i < hint_count; i++) {
        if (choice_until(choice, hint[i]) >= interval->end)
            return hint[i];
    }
    const uint8_t *regs = candidates(s, interval, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (best == NO_OPERAND || choice_until(choice, regs[i]) > choice_until(choice, best))
            best = regs[i];
    }
    for (uint32_t i = 0; i < hint_count; i++) {
        if (choice_until(choice, hint[i]) == choice_until(choice, best))
            return hint[i];
    }
    return best;
}

static void take_register(struct scan *s, uint32_t number, uint32_t reg)
{
    interval_at(s, number)->location = reg;
    s->active[reg] = number;
    s->active_mask |= 1u << reg;
    watch_range(s, number);
}

static void free_register(struct scan *s, uint32_t reg)
{
    s->active[reg] = 0;
    s->active_mask &= ~(1u << reg);
}

static bool is_first_piece(const struct scan *s, const struct interval *interval)
{
    return interval_at(s, s->a->piece_of[interval->reg]) == interval;
}

static void occupied_until(const struct scan *s, const struct interval *interval,
                           struct choice *choice)
{
    memset(choice, 0xff, sizeof(*choice));
    for (uint32_t mask = s->active_mask; mask; mask &= mask - 1)
        choice->until[__builtin_ctz(mask)] = 0;
    if (is_first_piece(s, interval))
        return;
    for (uint32_t i = 0; i < s->sleeper_count; i++) {
        const struct interval *other = interval_at(s, s->sleepers[i].interval);
        if (s->sleepers[i].wake >= interval->end || is_vector(s, other) != is_vector(s, interval))
            continue;
        uint32_t at = intersection(s->a, other, interval, interval->start);
        if (at < choice->until[other->location])
            choice->until[other->location] = at;
    }
}

/* Cuts the rest off where the register is lost. */
static void split_for_loss(struct scan *s, uint32_t number, uint32_t lost, bool by_call)
{
    uint32_t start = interval_at(s, number)->start, at = lost & ~3u;
    bool in_memory = by_call || at <= start;
    if (in_memory)
        at = loss_before_loop(s, interval_at(s, number), lost);
    uint32_t rest = split(s, number, at);
    if (!rest)
        return;
    interval_at(s, rest)->spill_first = in_memory;
    enqueue(s, rest);
}

/* The usual case, an interval that begins with its value and loses registers to calls alone: the
 * first hint that is free, else the first register that is. Answers where a call takes it;
 * NO_OPERAND if the case is another, or all are taken. */
static uint32_t choose_plainly(const struct scan *s, const struct interval *interval,
                               uint32_t *call)
{
    const struct allocation *a = s->a;
    if (!is_first_piece(s, interval))
        return NO_OPERAND;
    uint32_t clobber = first_clobber(s, interval, s->next_clobber);
    if (clobber < a->clobber_count && a->clobbers[clobber].mask != ALL_REGS)
        return NO_OPERAND;
    *call = clobber < a->clobber_count ? a->clobbers[clobber].position : FAR;
    uint32_t hint[3], hint_count = hints(s, interval, hint), count;
    for (uint32_t i = 0; i < hint_count; i++) {
        if (!(s->active_mask >> hint[i] & 1))
            return hint[i];
    }
    const uint8_t *regs = candidates(s, interval, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (!(s->active_mask >> regs[i] & 1))
            return regs[i];
    }
    return NO_OPERAND;
}

static bool allocate_free(struct scan *s, uint32_t number)
{
    const struct interval *interval = interval_at(s, number);
    uint32_t until, call, reg = choose_plainly(s, interval, &call);
    if (reg != NO_OPERAND) {
        until = call;
    } else {
        struct choice choice;
        occupied_until(s, interval, &choice);
        apply_clobbers(s, interval, &choice);
        reg = choose_free(s, interval, &choice);
        until = choice_until(&choice, reg);
        call = choice.call;
    }
    if (until <= interval->start)
        return false;
    if (until < interval->end) {
        /* Without a use before the loss the register would be for nothing. */
        if (next_work(s, interval, interval->start) >= until)
            return false;
        take_register(s, number, reg);
        split_for_loss(s, number, until, until == call);
        return true;
    }
    take_register(s, number, reg);
    return true;
}

/* ---- Taking a register from another -----------------------------------------------------------
 */

/* Sends an interval that has a register to memory from here on. */
static void evict(struct scan *s, uint32_t number, uint32_t position)
{
    slot_for(s->a, interval_at(s, number)->reg);
    if (interval_at(s, number)->start == position) { /* it has only just got the register */
        spill(s, number);
        return;
    }
    uint32_t at = loss_before_loop(s, interval_at(s, number), position);
    uint32_t rest = split(s, number, at);
    if (rest)
        spill(s, rest);
}

static void evict_all(struct scan *s, uint32_t reg, const struct interval *interval,
                      uint32_t position)
{
    struct interval copy = *interval;
    uint32_t sleepers = is_first_piece(s, interval) ? 0 : s->sleeper_count;
    if (s->active[reg]) {
        evict(s, s->active[reg], position);
        free_register(s, reg);
    }
    for (uint32_t i = sleepers; i-- > 0;) {
        uint32_t number = s->sleepers[i].interval;
        if (interval_at(s, number)->location != reg || s->sleepers[i].wake >= copy.end ||
            intersection(s->a, interval_at(s, number), &copy, position) == FAR)
            continue;
        evict(s, number, position);
        s->sleepers[i] = s->sleepers[--s->sleeper_count];
    }
}

/* All machine registers of a class. */
static uint32_t class_mask(bool vector)
{
    uint32_t vectors = ALL_REGS << XMM0;
    return vector ? vectors : ~vectors;
}

/* By register of the interval's class: when those who have it use it next. */
static void used_at(const struct scan *s, const struct interval *interval, struct choice *choice)
{
    uint32_t start = interval->start;
    memset(choice, 0xff, sizeof(*choice));
    for (uint32_t mask = s->active_mask & class_mask(is_vector(s, interval)); mask;
         mask &= mask - 1) {
        uint32_t r = (uint32_t)__builtin_ctz(mask);
        const struct interval *other = interval_at(s, s->active[r]);
        choice->until[r] = next_use(s, other, start);
        if (other->start == start) /* then it must do without from its start on */
            choice->until[r] = next_register_use(s, other, start);
        if (choice->until[r] == start || is_needed_late(s, other, start))
            choice->until[r] = 0;
    }
    for (uint32_t i = 0; i < s->sleeper_count && !is_first_piece(s, interval); i++) {
        const struct interval *other = interval_at(s, s->sleepers[i].interval);
        if (s->sleepers[i].wake >= interval->end || is_vector(s, other) != is_vector(s, interval) ||
            intersection(s->a, other, interval, start) == FAR)
            continue;
        uint32_t use = next_use(s, other, start);
        if (use < choice->until[other->location])
            choice->until[other->location] = use;
    }
}

static void allocate_blocked(struct scan *s, uint32_t number)
{
    const struct interval *interval = interval_at(s, number);
    struct choice used, lost;
    used_at(s, interval, &used);
    memset(&lost, 0xff, sizeof(lost));
    apply_clobbers(s, interval, &lost);
    uint32_t count, best = NO_OPERAND, start = interval->start;
    const uint8_t *regs = candidates(s, interval, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (choice_until(&lost, regs[i]) <= start)
            continue;
        if (best == NO_OPERAND || used.until[regs[i]] > used.until[best])
            best = regs[i];
    }
    uint32_t first = next_register_use(s, interval, start);
    uint32_t until = best == NO_OPERAND ? start : choice_until(&lost, best);
    if (best == NO_OPERAND || first == FAR ||
        (first > start && (used.until[best] <= first || until <= first))) {
        spill(s, number);
        return;
    }
    evict_all(s, best, interval, start);
    take_register(s, number, best);
    if (until < interval_at(s, number)->end)
        split_for_loss(s, number, until, until == lost.call);
}

/* ---- The scan ---------------------------------------------------------------------------------
 */

/* Brings the cursor to the first range that is not over; answers where it begins, or FAR. */
static uint32_t move_cursor(const struct scan *s, struct interval *interval, uint32_t position)
{
    const struct range *ranges = s->a->ranges;
    while (interval->cursor < interval->range_end && ranges[interval->cursor].to <= position)
        interval->cursor++;
    if (interval->cursor == interval->range_end || ranges[interval->cursor].from >= interval->end)
        return FAR;
    return ranges[interval->cursor].from;
}

static void update_active(struct scan *s, uint32_t position)
{
    for (uint32_t mask = s->active_mask; mask; mask &= mask - 1) {
        uint32_t reg = (uint32_t)__builtin_ctz(mask), number = s->active[reg];
        struct interval *interval = interval_at(s, number);
        if (s->until[reg] > position) {
            watch_range(s, number);
            continue;
        }
        uint32_t from = interval->end > position ? move_cursor(s, interval, position) : FAR;
        if (from <= position) {
            watch_range(s, number);
            continue;
        }
        free_register(s, reg);
        if (from == FAR)
            continue;
        arena_grow(s->a->arena, &s->sleepers, s->sleeper_count + 1, &s->sleeper_capacity,
                   sizeof(*s->sleepers));
        s->sleepers[s->sleeper_count++] = (struct sleeper){number, from};
        if (from < s->next_wake)
            s->next_wake = from;
    }
}

static void update_sleepers(struct scan *s, uint32_t position)
{
    for (uint32_t i = s->sleeper_count; i-- > 0;) {
        struct interval *interval = interval_at(s, s->sleepers[i].interval);
        uint32_t from = s->sleepers[i].wake, number = s->sleepers[i].interval;
        if (from <= position)
            from = interval->end > position ? move_cursor(s, interval, position) : FAR;
        if (from > position && from != FAR) {
            s->sleepers[i].wake = from;
            if (from < s->next_wake)
                s->next_wake = from;
            continue;
        }
        s->sleepers[i] = s->sleepers[--s->sleeper_count];
        if (from != FAR)
            take_register(s, number, interval->location);
    }
}

/* Moves intervals between active, asleep and done as the position advances. */
static void advance(struct scan *s, uint32_t position)
{
    s->position = position;
    while (s->next_clobber < s->a->clobber_count &&
           s->a->clobbers[s->next_clobber].position < position)
        s->next_clobber++;
    if (position >= s->next_event) {
        s->next_event = FAR;
        update_active(s, position);
    }
    if (position >= s->next_wake) {
        s->next_wake = FAR;
        update_sleepers(s, position);
    }
}

/* Whether a phi begins in the slot of what it stands for: most of that is in memory, so that it
 * would have to be loaded on the ways there, needed or not. A loop's phi has operands that the scan
 * has not seen yet. */
static bool begins_in_slot(struct scan *s, const struct interval *interval)
{
    struct allocation *a = s->a;
    if (!a->machine->regs[interval->reg].is_phi || !is_first_piece(s, interval))
        return false;
    uint32_t slot = NO_OPERAND, in_slots = 0, in_registers = 0;
    if (next_work(s, interval, interval->start) < a->placed[a->block_of[interval->start / 4]].end)
        return false;
    for (uint32_t i = a->first_source[interval->reg]; i < a->first_source[interval->reg + 1]; i++) {
        const struct phi_source *source = &a->phi_sources[i];
        uint32_t position = a->jumps[source->jump].position;
        if (position >= interval->start)
            return false;
        if (source->reg >= SOURCE_CONST)
            continue;
        if (location_at(s, source->reg, position) < REG_COUNT) {
            in_registers++;
        } else {
            in_slots++;
            slot = a->slot_of[source->reg];
        }
    }
    return in_slots > in_registers && slot_join(a, interval->reg, slot);
}

void machine_allocate(struct machine *machine)
{
    struct allocation a = {.machine = machine, .arena = machine->arena};
    find_blocks(&a);
    find_uses(&a);
    find_ranges(&a);
    slots_init(&a);
    struct scan s = {.a = &a, .next_event = FAR, .next_wake = FAR};
    fill_queue(&s);
    for (uint32_t number; (number = dequeue(&s)) != 0;) {
        advance(&s, interval_at(&s, number)->start);
        const struct interval *interval = interval_at(&s, number);
        if (interval->spill_first || begins_in_slot(&s, interval))
            spill(&s, number);
        else if (!allocate_free(&s, number))
            allocate_blocked(&s, number);
    }
    machine->frame_size = slots_bytes(&a);
    resolve_locations(&a);
    arena_give_back(a.arena, a.ranges, a.range_capacity * sizeof(*a.ranges));
    arena_give_back(a.arena, a.intervals, a.interval_capacity * sizeof(*a.intervals));
}
