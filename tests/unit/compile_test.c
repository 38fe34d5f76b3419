// SPDX-License-Identifier: Apache-2.0
#include "wick_fixture.h"

#include "wick/text/wat.h"

#include <pthread.h>
#include <stdlib.h>

/* Loads a module from its text, which is built by the test. */
static void load_text(struct fixture *f, const char *text)
{
    struct err err = {0};
    struct wat_result module;
    if (wat_encode(span_of((const uint8_t *)text, strlen(text)), &module, &err))
        tap_fail(__FILE__, __LINE__, "%s", err.message);
    fixture_load(f, module.data, module.size);
    wat_result_fini(&module);
}

struct text {
    char *start;
    size_t size;
    FILE *stream;
};

static FILE *text_open(struct text *text)
{
    text->stream = open_memstream(&text->start, &text->size);
    CHECK(text->stream != NULL);
    return text->stream;
}

static void text_load(struct text *text, struct fixture *f)
{
    fclose(text->stream);
    load_text(f, text->start);
    free(text->start);
}

static uint64_t call_word(const struct fixture *f, const char *name, uint64_t word)
{
    wick_value_t slots[2] = {{.u64 = word}, {.u64 = 0}};
    CHECK(wick_func_call_raw(fixture_func(f, name), slots) == NULL);
    return slots[0].u64;
}

/* ---- Arithmetic -------------------------------------------------------------------------------
 */

static const int64_t divisors[] = {2,  3,  5,   6,    7,     9,         10,        11,
                                   12, 16, 25,  100,  125,   641,       1000,      10007,
                                   63, 64, 255, 4096, 65537, 715827883, 2147483647};
static const int64_t dividends[] = {
    0,           1,          2,          3,          6,         7,         99,           100,
    12345678,    2147483646, 2147483647, -1,         -2,        -7,        -100,         -12345,
    -2147483647, INT32_MIN,  4294967295, 4294967296, INT64_MAX, INT64_MIN, -999999999999};

enum { DIVISORS = sizeof(divisors) / sizeof(divisors[0]) };

TEST(division_by_constants, "quotients and rests by multiplication are those of division")
{
    FIXTURE f = fixture_new();
    struct text text;
    FILE *out = text_open(&text);
    const char *ops[] = {"div_s", "div_u", "rem_s", "rem_u"};
    fprintf(out, "(module");
    for (int d = 0; d < DIVISORS; d++) {
        for (int o = 0; o < 4; o++) {
            for (int wide = 0; wide < 2; wide++) {
                int bits = wide ? 64 : 32;
                fprintf(out,
                        "(func (export \"%s%d_%d\") (param i%d) (result i%d)"
                        "(i%d.%s (local.get 0) (i%d.const %lld)))",
                        ops[o], bits, d, bits, bits, bits, ops[o], bits, (long long)divisors[d]);
            }
        }
    }
    fprintf(out, ")");
    text_load(&text, &f);
    for (int d = 0; d < DIVISORS; d++) {
        for (size_t i = 0; i < sizeof(dividends) / sizeof(dividends[0]); i++) {
            int64_t a = dividends[i], b = divisors[d];
            int32_t a32 = (int32_t)a, b32 = (int32_t)b;
            uint64_t expected[8] = {(uint32_t)(a32 / b32),         (uint64_t)(a / b),
                                    (uint32_t)a32 / (uint32_t)b32, (uint64_t)a / (uint64_t)b,
                                    (uint32_t)(a32 % b32),         (uint64_t)(a % b),
                                    (uint32_t)a32 % (uint32_t)b32, (uint64_t)a % (uint64_t)b};
            for (int k = 0; k < 8; k++) {
                char name[32];
                snprintf(name, sizeof(name), "%s%d_%d", ops[k / 2], k % 2 ? 64 : 32, d);
                uint64_t found = call_word(&f, name, (uint64_t)a);
                if ((k % 2 ? found : (uint32_t)found) != expected[k])
                    tap_fail(__FILE__, __LINE__, "%s of %lld by %lld is %llx", name, (long long)a,
                             (long long)b, (unsigned long long)found);
            }
        }
    }
}

TEST(clean_upper_halves, "an i32 from wherever has no upper half: addresses rely on it")
{
    FIXTURE f = fixture_new();
    load_text(&f, "(module (memory 1) (global $g (mut i32) (i32.const -1))"
                  "(func (export \"bitmask\") (param i64) (result i64)"
                  " (i64.extend_i32_u (i16x8.bitmask (i64x2.splat (local.get 0)))))"
                  "(func (export \"wrap\") (param i64) (result i64)"
                  " (i64.extend_i32_u (i32.wrap_i64 (local.get 0))))"
                  "(func (export \"global\") (param i64) (result i64)"
                  " (i64.extend_i32_u (global.get $g)))"
                  "(func (export \"grow\") (param i64) (result i64)"
                  " (i64.extend_i32_u (memory.grow (i32.const 65536))))"
                  "(func (export \"sign\") (param i64) (result i64)"
                  " (i64.extend_i32_u (i32.extend8_s (i32.wrap_i64 (local.get 0))))))");
    CHECK(call_word(&f, "bitmask", 0xffffffffffffffff) == 0xff);
    CHECK(call_word(&f, "wrap", 0xffffffff00000005) == 5);
    CHECK(call_word(&f, "global", 0) == UINT32_MAX);
    CHECK(call_word(&f, "grow", 0) == UINT32_MAX);
    CHECK(call_word(&f, "sign", 0xff80) == 0xffffff80);
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

TEST(many_arguments, "arguments and results that registers do not hold arrive in order")
{
    FIXTURE f = fixture_new();
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "(module (func $rotate (param");
    for (int i = 0; i < 40; i++)
        fprintf(out, " %s", i % 3 == 2 ? "f64" : i % 3 ? "i64" : "i32");
    fprintf(out, ") (result");
    for (int i = 39; i >= 0; i--)
        fprintf(out, " %s", i % 3 == 2 ? "f64" : i % 3 ? "i64" : "i32");
    fprintf(out, ")");
    for (int i = 39; i >= 0; i--)
        fprintf(out, " (local.get %d)", i);
    fprintf(out, ") (func (export \"run\") (param i32) (result i32) (local $sum i64)");
    for (int i = 0; i < 40; i++)
        fprintf(out,
                i % 3 == 2 ? " (f64.const %d)"
                : i % 3    ? " (i64.const %d)"
                           : " (i32.const %d)",
                i * 1000);
    fprintf(out, " (call $rotate)");
    /* Results come in reverse: the last one is number 0. sum = sum * 3 + value. */
    for (int i = 0; i < 40; i++)
        fprintf(out, " %s (i64.mul (local.get $sum) (i64.const 3)) (i64.add) (local.set $sum)",
                i % 3 == 2 ? "(i64.trunc_f64_s)"
                : i % 3    ? ""
                           : "(i64.extend_i32_s)");
    fprintf(out, " (i32.wrap_i64 (local.get $sum))))");
    text_load(&text, &f);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < 40; i++)
        sum = sum * 3 + i * 1000;
    CHECK_INT(call_i32(&f, "run", 0, 0), (int32_t)sum);
}

/* Steps whose code has 6 and 5 bytes, so that bodies of all lengths come about. */
static void print_steps(FILE *out, unsigned mixes, unsigned folds)
{
    for (unsigned i = 0; i < mixes; i++)
        fprintf(out,
                "(local.set 1 (i32.xor (i32.mul (local.get 1) (i32.const 37)) (i32.const %u)))", i);
    for (unsigned i = 0; i < folds; i++)
        fputs("(local.set 1 (i32.mul (i32.xor (local.get 1) (local.get 0)) (i32.const 41)))", out);
}

static uint32_t take_steps(uint32_t value, uint32_t argument, unsigned mixes, unsigned folds)
{
    for (unsigned i = 0; i < mixes; i++)
        value = (value * 37) ^ i;
    for (unsigned i = 0; i < folds; i++)
        value = (value ^ argument) * 41;
    return value;
}

enum { MIXES = 30, FOLDS = 6 };

/* A jump over the steps, and a loop around them: as short and as long as 8 bits allow, and longer.
 */
static void print_jumps(FILE *out, unsigned mixes, unsigned folds)
{
    fprintf(out, "(func (export \"over%u_%u\") (param i32) (result i32) (local i32) ", mixes,
            folds);
    fputs("(local.set 1 (local.get 0)) (if (i32.and (local.get 0) (i32.const 1)) (then ", out);
    print_steps(out, mixes, folds);
    fputs(")) (i32.add (local.get 1) (local.get 0)))\n", out);
    fprintf(out, "(func (export \"around%u_%u\") (param i32) (result i32) (local i32 i32) ", mixes,
            folds);
    fputs("(local.set 2 (i32.const 3)) (loop ", out);
    print_steps(out, mixes, folds);
    fputs("(br_if 0 (local.tee 2 (i32.sub (local.get 2) (i32.const 1))))) (local.get 1))\n", out);
}

static void check_jumps(const struct fixture *f, unsigned mixes, unsigned folds)
{
    char name[32];
    for (uint32_t argument = 6; argument < 8; argument++) {
        uint32_t once = argument & 1 ? take_steps(argument, argument, mixes, folds) : argument;
        uint32_t thrice = 0;
        for (int i = 0; i < 3; i++)
            thrice = take_steps(thrice, argument, mixes, folds);
        snprintf(name, sizeof(name), "over%u_%u", mixes, folds);
        CHECK_INT((uint32_t)call_word(f, name, argument), once + argument);
        snprintf(name, sizeof(name), "around%u_%u", mixes, folds);
        CHECK_INT((uint32_t)call_word(f, name, argument), thrice);
    }
}

TEST(short_jumps, "jumps over and around code of every length lead where they should")
{
    FIXTURE f = fixture_new();
    struct text text;
    FILE *out = text_open(&text);
    fputs("(module ", out);
    for (unsigned i = 0; i < MIXES * FOLDS; i++)
        print_jumps(out, i / FOLDS, i % FOLDS);
    fputs(")", out);
    text_load(&text, &f);
    for (unsigned i = 0; i < MIXES * FOLDS; i++)
        check_jumps(&f, i / FOLDS, i % FOLDS);
}

static const char *const comparisons[] = {"eq",   "ne",   "lt_s", "lt_u", "gt_s",
                                          "gt_u", "le_s", "le_u", "ge_s", "ge_u"};
static const int32_t compared[] = {0, 1, 5, -1, -5, INT32_MIN, INT32_MAX};

enum {
    COMPARISONS = sizeof(comparisons) / sizeof(comparisons[0]),
    COMPARED = sizeof(compared) / sizeof(compared[0]),
};

static bool compare(int comparison, int32_t a, int32_t b)
{
    switch (comparison) {
    case 0:
        return a == b;
    case 1:
        return a != b;
    case 2:
        return a < b;
    case 3:
        return (uint32_t)a < (uint32_t)b;
    case 4:
        return a > b;
    case 5:
        return (uint32_t)a > (uint32_t)b;
    case 6:
        return a <= b;
    case 7:
        return (uint32_t)a <= (uint32_t)b;
    case 8:
        return a >= b;
    default:
        return (uint32_t)a >= (uint32_t)b;
    }
}

TEST(known_branches, "a jump that knows how the branch behind it goes leads where it does")
{
    FIXTURE f = fixture_new();
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "(module");
    for (int c = 0; c < COMPARISONS; c++) {
        for (int bits = 32; bits <= 64; bits += 32) {
            for (int i = 0; i < COMPARED * COMPARED; i++)
                fprintf(out,
                        "(func (export \"%s%d_%d\") (param i32) (result i32) (local $x i%d)"
                        "(if (local.get 0) (then (local.set $x (i%d.const %d)))"
                        " (else (local.set $x (i%d.extend8_s (local.get $x)))))"
                        "(if (result i32) (i%d.%s (local.get $x) (i%d.const %d))"
                        " (then (i32.const 10)) (else (i32.const 20))))",
                        comparisons[c], bits, i, bits, bits, compared[i / COMPARED], bits, bits,
                        comparisons[c], bits, compared[i % COMPARED]);
        }
    }
    fprintf(out, ")");
    text_load(&text, &f);
    for (int c = 0; c < COMPARISONS; c++) {
        for (int i = 0; i < 2 * COMPARED * COMPARED; i++) {
            int pair = i / 2;
            char name[32];
            snprintf(name, sizeof(name), "%s%d_%d", comparisons[c], i % 2 ? 64 : 32, pair);
            bool yes = compare(c, compared[pair / COMPARED], compared[pair % COMPARED]);
            bool zero = compare(c, 0, compared[pair % COMPARED]);
            CHECK_INT(call_i32(&f, name, 1, 0), yes ? 10 : 20);
            CHECK_INT(call_i32(&f, name, 0, 0), zero ? 10 : 20);
        }
    }
}

/* Steps of a machine whose states name the next one, as a goto into a loop does. */
TEST(known_cases,
     "a jump that knows the case behind it leads there, and a loop of them can be ended")
{
    FIXTURE f = fixture_new();
    load_text(&f, "(module (func (export \"run\") (param $rounds i32) (param $unused i32)"
                  " (result i32) (local $state i32) (local $sum i32)"
                  " (loop $next (block $done (block $c (block $b (block $a"
                  "  (br_table $a $b $c $done (local.get $state)))"
                  /* a */
                  "  (local.set $sum (i32.add (local.get $sum) (i32.const 1)))"
                  "  (local.set $state (i32.const 2)) (br $next))"
                  /* b */
                  "  (local.set $sum (i32.mul (local.get $sum) (i32.const 3)))"
                  "  (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))"
                  "  (if (local.get $rounds) (then (local.set $state (i32.const 0)) (br $next)))"
                  "  (local.set $state (i32.const 7)) (br $next))"
                  /* c */
                  "  (local.set $sum (i32.xor (local.get $sum) (i32.const 5)))"
                  "  (local.set $state (i32.const 1)) (br $next)))"
                  " (local.get $sum)))");
    int32_t sum = 0;
    for (int i = 0; i < 9; i++)
        sum = ((sum + 1) ^ 5) * 3;
    CHECK_INT(call_i32(&f, "run", 9, 0), sum);
    wick_store_set_deadline(f.store, 1);
    wick_value_t none = {.u64 = 0};
    wasm_trap_t *trap = call_trap(&f, "run", none, none);
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_DEADLINE);
    wasm_trap_delete(trap);
}

TEST(tail_calls, "a million tail calls, by each way to name the callee, take no stack")
{
    FIXTURE f = fixture_new();
    load_text(&f,
              "(module (type $t (func (param i32 i32) (result i32))) (table funcref (elem $b $c))"
              "(func $a (export \"run\") (type $t) (if (result i32) (local.get 0)"
              " (then (return_call $b (i32.sub (local.get 0) (i32.const 1)) (local.get 1)))"
              " (else (local.get 1))))"
              "(func $b (type $t) (return_call_indirect (type $t) (local.get 0)"
              " (i32.add (local.get 1) (i32.const 1)) (i32.const 1)))"
              "(func $c (type $t) (return_call_ref $t (local.get 0) (local.get 1) (ref.func $a)))"
              "(elem declare func $a))");
    CHECK_INT(call_i32(&f, "run", 1000000, 0), 1000000);
}

TEST(spilled_values, "more values than registers survive calls, loops and each other")
{
    FIXTURE f = fixture_new();
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "(module (func $id (param i32) (result i32) (local.get 0))"
                 "(func (export \"run\") (param i32 i32) (result i32) (local i32)");
    for (int i = 0; i < 60; i++)
        fprintf(out, " (i32.mul (local.get 0) (i32.const %d))", i + 1);
    fprintf(out, " (loop $l (local.set 2 (i32.add (local.get 2) (call $id (local.get 1))))"
                 " (br_if $l (local.tee 1 (i32.sub (local.get 1) (i32.const 1)))))");
    for (int i = 0; i < 59; i++)
        fprintf(out, " (i32.xor)");
    fprintf(out, " (i32.add (local.get 2))))");
    text_load(&text, &f);
    uint32_t expected = 0;
    for (uint32_t i = 0; i < 60; i++)
        expected ^= 12345 * (i + 1);
    CHECK_INT(call_i32(&f, "run", 12345, 10), (int32_t)(expected + 55));
}

TEST(large_frame, "a frame that does not fit what is left of the stack is a trap")
{
    FIXTURE f = fixture_new();
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "(module (func $id (param f64) (result f64) (local.get 0))"
                 "(func $deep (export \"deep\") (param i32) (result i32) (local f64)");
    for (int i = 0; i < 2000; i++)
        fprintf(out, " (call $id (f64.const %d))", i);
    fprintf(out, " (drop (call $deep (local.get 0)))");
    for (int i = 0; i < 2000; i++)
        fprintf(out, " (local.set 1 (f64.add (local.get 1)))");
    fprintf(out, " (i32.const 1)))");
    text_load(&text, &f);
    wick_value_t zero = {.u64 = 0};
    wasm_trap_t *trap = call_trap(&f, "deep", zero, zero);
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_STACK);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK(frames.size > 8);
    for (size_t i = 0; i < frames.size; i++)
        CHECK_INT(wasm_frame_func_index(frames.data[i]), 1);
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);
}

TEST(inlined_frames, "a trap names the functions that were inlined, each with its own offset")
{
    FIXTURE f = fixture_new();
    load_text(&f, "(module (func $ratio (param i32 i32) (result i32)"
                  " (i32.div_s (local.get 0) (local.get 1)))"
                  "(func $twice (param i32 i32) (result i32)"
                  " (i32.add (call $ratio (local.get 0) (local.get 1)) (i32.const 1)))"
                  "(func (export \"run\") (param i32 i32) (result i32)"
                  " (call $twice (local.get 0) (local.get 1))))");
    CHECK_INT(call_i32(&f, "run", 7, 2), 4);
    wick_value_t zero = {.u64 = 0};
    wasm_trap_t *trap = call_trap(&f, "run", zero, zero);
    wasm_frame_vec_t frames;
    wasm_trap_trace(trap, &frames);
    CHECK_INT(frames.size, 3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(wasm_frame_func_index(frames.data[i]), (uint32_t)i);
        CHECK(i == 0 || wasm_frame_module_offset(frames.data[i]) >
                            wasm_frame_module_offset(frames.data[i - 1]));
    }
    wasm_frame_vec_delete(&frames);
    wasm_trap_delete(trap);
}

/* ---- Memory -----------------------------------------------------------------------------------
 */

static void check_bounds(bool guard)
{
    wasm_config_t *config = wasm_config_new();
    wick_config_set_guard(config, guard);
    FIXTURE f = fixture_with(config);
    load_text(
        &f,
        "(module (memory 1 3)"
        "(func (export \"load\") (param i32 i32) (result i32) (i32.load offset=4 (local.get 0)))"
        "(func (export \"far\") (param i32 i32) (result i32)"
        " (i32.load offset=4294967295 (local.get 0)))"
        "(func (export \"grow\") (param i32 i32) (result i32) (memory.grow (local.get 0)))"
        "(func (export \"store\") (param i32 i32) (result i32)"
        " (i32.store (local.get 0) (local.get 1)) (i32.load (local.get 0))))");
    wick_value_t none = {.u64 = 0};
    CHECK_INT(call_i32(&f, "load", 65528, 0), 0);
    static const char *const names[] = {"load", "load", "far", "far", "store"};
    static const uint32_t addresses[] = {65529, 0xffffffff, 0, 0xffffffff, 65533};
    for (int i = 0; i < 5; i++) {
        wasm_trap_t *trap = call_trap(&f, names[i], (wick_value_t){.u32 = addresses[i]}, none);
        CHECK_INT(wick_trap_kind(trap), WICK_TRAP_MEMORY);
        wasm_trap_delete(trap);
    }
    CHECK_INT(call_i32(&f, "grow", 2, 0), 1);
    CHECK_INT(call_i32(&f, "store", 3 * 65536 - 4, 77), 77);
    CHECK_INT(call_i32(&f, "grow", 1, 0), -1);
}

TEST(guarded_memory, "each address beyond a memory traps by fault, and memory grows in place")
{
    check_bounds(true);
}

TEST(checked_memory, "each address beyond a memory traps by a check, and memory may move")
{
    check_bounds(false);
}

/* How often a function looks for interrupts at the start of a loop. */
static int count_checks(const struct fixture *f, uint32_t func)
{
    struct text text;
    FILE *out = text_open(&text);
    const wasm_module_t *module = wick_instance_module(f->instance);
    CHECK_INT(wick_module_dump(module, func, WICK_DUMP_SSA, out), WICK_OK);
    fclose(out);
    int count = 0;
    for (const char *at = text.start; (at = strstr(at, "loop_check")) != NULL; at++)
        count++;
    free(text.start);
    return count;
}

#define WALK(name, body)                                                                           \
    "(func (export \"" name "\") (param $p i32) (param $q i32) (loop $on " body " (br $on)))"

static const char walks[] = "(module (memory 2 4) (func $nothing)"
    /* These end by a trap. */
    WALK("up", "(drop (i32.load16_u (local.get $p)))"
               "(local.set $p (i32.add (local.get $p) (i32.const 2)))")
        WALK("down", "(i32.store (local.get $p) (i32.const 1))"
                     "(local.set $p (i32.sub (local.get $p) (i32.const 4)))")
            WALK("scaled", "(drop (i64.load offset=8 (i32.add (local.get $q)"
                           " (i32.shl (local.get $p) (i32.const 3)))))"
                           "(local.set $p (i32.add (local.get $p) (i32.const 1)))")
                WALK("page", "(drop (i32.load (local.get $p)))"
                             "(local.set $p (i32.add (local.get $p) (i32.const 65536)))")
    /* These might not. */
    WALK("still", "(drop (i32.load (local.get $q)))"
                  "(local.set $p (i32.add (local.get $p) (i32.const 1)))")
        WALK("far", "(drop (i32.load (local.get $p)))"
                    "(local.set $p (i32.add (local.get $p) (i32.const 65537)))")
            WALK("masked", "(drop (i32.load (i32.and (local.get $p) (i32.const 255))))"
                           "(local.set $p (i32.add (local.get $p) (i32.const 4)))")
                WALK("rarely", "(if (local.get $q) (then (drop (i32.load (local.get $p)))))"
                               "(local.set $p (i32.add (local.get $p) (i32.const 4)))")
                    WALK("around", "(drop (i32.load (i32.shl (local.get $p) (i32.const 31))))"
                                   "(local.set $p (i32.add (local.get $p) (i32.const 4)))") ")";

enum { WALKS_THAT_END = 4, WALKS = 9 };

static void check_walks(bool guard)
{
    wasm_config_t *config = wasm_config_new();
    wick_config_set_guard(config, guard);
    FIXTURE f = fixture_with(config);
    load_text(&f, walks);
    static const char *const names[] = {"up", "down", "scaled", "page"};
    for (uint32_t i = 0; i < WALKS_THAT_END; i++) {
        CHECK_INT(count_checks(&f, i + 1), 0);
        wasm_trap_t *trap =
            call_trap(&f, names[i], (wick_value_t){.u32 = 64}, (wick_value_t){.u32 = 128});
        CHECK_INT(wick_trap_kind(trap), WICK_TRAP_MEMORY);
        wasm_trap_delete(trap);
    }
    for (uint32_t i = WALKS_THAT_END; i < WALKS; i++)
        CHECK_INT(count_checks(&f, i + 1), 1);
}

TEST(walks, "a loop that walks through memory ends without a look for interrupts, others have one")
{
    check_walks(true);
    check_walks(false);
}

TEST(largest_memory, "no memory that an address could wrap around in can be made")
{
    wasm_config_t *config = wasm_config_new();
    wick_config_set_max_memory(config, (uint64_t)8 << 30);
    FIXTURE f = fixture_with(config);
    load_text(&f, "(module (memory 1) (func (export \"grow\") (param i32 i32) (result i32)"
                  " (memory.grow (local.get 0))))");
    CHECK_INT(call_i32(&f, "grow", 65535, 0), -1);
    CHECK_INT(call_i32(&f, "grow", 65534, 0), 1);
}

/* ---- Size -------------------------------------------------------------------------------------
 */

TEST_TIMEOUT(huge_function, "a function of a megabyte compiles, in time that is no square of it",
             120)
{
    FIXTURE f = fixture_new();
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "(module (memory 1) (func (export \"run\") (param i32 i32) (result i32)");
    for (int i = 0; i < 60000; i++)
        fprintf(out,
                " (if (i32.and (local.get 0) (i32.const %d))"
                " (then (local.set 1 (i32.add (local.get 1) (i32.const %d)))))",
                1 << i % 16, i);
    fprintf(out, " (local.get 1)))");
    text_load(&text, &f);
    uint32_t expected = 0;
    for (uint32_t i = 0; i < 60000; i++)
        expected += 0x5a5a >> i % 16 & 1 ? i : 0;
    CHECK_INT(call_i32(&f, "run", 0x5a5a, 0), (int32_t)expected);
}

/* ---- Where the code is ------------------------------------------------------------------------
 */

/* The number of mappings that are executable and not of a file; none of them may be writable. */
static int count_code(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps != NULL);
    char line[400], permissions[5];
    int count = 0;
    unsigned long inode;
    while (fgets(line, sizeof(line), maps)) {
        CHECK(sscanf(line, "%*s %4s %*s %*s %lu", permissions, &inode) == 2);
        CHECK(!strstr(permissions, "wx"));
        count += permissions[2] == 'x' && inode == 0 && !strchr(line, '[');
    }
    fclose(maps);
    return count;
}

TEST(writable_or_executable,
     "code that can be written, or code that is no longer code when more comes")
{
    enum { FUNCS = 600 };
    FIXTURE f = fixture_new();
    int before = count_code();
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "(module (memory 1)");
    for (int i = 0; i < FUNCS; i++) {
        fprintf(out, "(func (export \"f%d\") (param i32 i32) (result i32)", i);
        for (int k = 0; k < i % 40; k++)
            fprintf(out, "(i32.store (i32.const %d) (local.get 1))", 4 * k);
        fprintf(out, "(i32.add (local.get 0) (i32.const %d)))", i);
    }
    fprintf(out, ")");
    text_load(&text, &f);
    for (int i = 0; i < FUNCS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%d", i);
        CHECK_INT(call_i32(&f, name, 1, 2), 1 + i);
        CHECK_INT(call_i32(&f, "f0", 7, 0), 7);
        /* One piece of code a region: that of the module, and that of the engine's adapters. */
        CHECK(count_code() <= before + 2);
    }
}

enum { SHARED_FUNCS = 1000, SHARED_THREADS = 6, SHARED_ROUNDS = 240 };

struct caller {
    pthread_t thread;
    wasm_engine_t *engine;
    const wasm_shared_module_t *module;
    uint32_t step; /* from one function to the next; prime to their number */
    bool wrong;
};

static void *call_all(void *argument)
{
    struct caller *caller = argument;
    wasm_store_t *store = wasm_store_new(caller->engine);
    wasm_module_t *module = wasm_module_obtain(store, caller->module);
    wasm_message_t error;
    struct fixture f = {.store = store};
    caller->wrong = wick_instance_new(store, module, NULL, &f.instance, NULL, &error) != WICK_OK;
    for (uint32_t i = 0, at = 0; i < SHARED_FUNCS && !caller->wrong; i++) {
        at = (at + caller->step) % SHARED_FUNCS;
        wick_value_t slots[1] = {{.u32 = at}};
        caller->wrong = wick_func_call_raw(fixture_func(&f, "call"), slots) || slots[0].u32 != at;
    }
    wasm_module_delete(module);
    wasm_store_delete(store);
    return NULL;
}

TEST(threads, "code runs in some threads while others add to the page that it lies in")
{
    static const uint32_t steps[SHARED_THREADS] = {1, 3, 7, 333, 777, 999};
    struct text text;
    FILE *out = text_open(&text);
    fprintf(out, "(module (table funcref (elem");
    for (int i = 0; i < SHARED_FUNCS; i++)
        fprintf(out, " $f%d", i);
    fprintf(out, ")) (func (export \"call\") (param i32) (result i32)"
                 " (call_indirect (result i32) (local.get 0)))");
    for (int i = 0; i < SHARED_FUNCS; i++)
        fprintf(out, "(func $f%d (result i32) (i32.const %d))", i, i);
    fprintf(out, ")");
    fclose(text.stream);
    for (int round = 0; round < SHARED_ROUNDS; round++) {
        FIXTURE f = fixture_new();
        load_text(&f, text.start);
        wasm_shared_module_t *shared = wasm_module_share(wick_instance_module(f.instance));
        struct caller callers[SHARED_THREADS];
        for (int i = 0; i < SHARED_THREADS; i++) {
            callers[i] = (struct caller){.engine = f.engine, .module = shared, .step = steps[i]};
            CHECK_INT(pthread_create(&callers[i].thread, NULL, call_all, &callers[i]), 0);
        }
        for (int i = 0; i < SHARED_THREADS; i++) {
            pthread_join(callers[i].thread, NULL);
            CHECK(!callers[i].wrong);
        }
        wasm_shared_module_delete(shared);
    }
    free(text.start);
}

/* ---- Outside ----------------------------------------------------------------------------------
 */

TEST(eager, "a module that is compiled as a whole does the same")
{
    wasm_config_t *config = wasm_config_new();
    wick_config_set_eager(config, true);
    FIXTURE f = fixture_with(config);
    load_text(&f, "(module (func (export \"add\") (param i32 i32) (result i32)"
                  " (i32.add (local.get 0) (local.get 1))))");
    CHECK_INT(call_i32(&f, "add", 3, 4), 7);
}

TEST(dump, "the compiler's forms can be looked at")
{
    FIXTURE f = fixture_new();
    load_text(&f, "(module (func (export \"add\") (param i32 i32) (result i32)"
                  " (i32.add (local.get 0) (local.get 1))))");
    struct text text;
    FILE *out = text_open(&text);
    const wasm_module_t *module = wick_instance_module(f.instance);
    CHECK_INT(wick_module_dump(module, 0, WICK_DUMP_SSA, out), WICK_OK);
    CHECK_INT(wick_module_dump(module, 0, WICK_DUMP_CODE, out), WICK_OK);
    CHECK_INT(wick_module_dump(module, 1, WICK_DUMP_SSA, out), WICK_USAGE);
    fclose(text.stream);
    CHECK(strstr(text.start, "i32.add v") != NULL);
    CHECK(strstr(text.start, "; function 0, ") != NULL);
    free(text.start);
}

TAP_MAIN()
