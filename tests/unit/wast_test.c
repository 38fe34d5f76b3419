// SPDX-License-Identifier: Apache-2.0
#include "tap.h"
#include "wick/text/wast.h"
#include "wick/text/wast_value.h"

static unsigned failed_lines[64];
static unsigned failed_count;

static void record(void *env, unsigned line, const char *message)
{
    (void)env;
    printf("# line %u: %s\n", line, message);
    if (failed_count < 64)
        failed_lines[failed_count++] = line;
}

/* Runs a script; false if it cannot be read. */
static bool run(const char *text, struct wast_counts *counts)
{
    const struct wast_options options = {.report = record};
    struct err err = {0};
    int status = wast_run(span_of(text, strlen(text)), &options, counts, &err);
    if (status)
        printf("# %s\n", err.message);
    return status == 0;
}

/* Does the pattern match the constant, both in the text format? */
static bool matches(const char *constant, const char *pattern)
{
    struct err err = {0};
    struct parser left, right;
    CHECK_INT(parser_init(&left, span_of(constant, strlen(constant)), &err), 0);
    CHECK_INT(parser_init(&right, span_of(pattern, strlen(pattern)), &err), 0);
    wick_val_t value = wast_value_parse(&left);
    CHECK(!left.failed);
    bool result = wast_value_matches(&right, &value);
    if (right.failed)
        printf("# %s\n", err.message);
    parser_fini(&left);
    parser_fini(&right);
    return result;
}

TEST(patterns, "results are compared bit by bit, NaNs by class")
{
    CHECK(matches("(i32.const -1)", "(i32.const 0xffffffff)"));
    CHECK(!matches("(i32.const 1)", "(i64.const 1)"));
    CHECK(!matches("(f32.const 0)", "(f32.const -0)"));
    CHECK(matches("(f32.const -nan)", "(f32.const nan:canonical)"));
    CHECK(!matches("(f32.const nan:0x600000)", "(f32.const nan:canonical)"));
    CHECK(matches("(f32.const nan:0x600000)", "(f32.const nan:arithmetic)"));
    CHECK(!matches("(f64.const nan:0x1)", "(f64.const nan:arithmetic)"));
    CHECK(!matches("(f64.const inf)", "(f64.const nan:arithmetic)"));
    CHECK(matches("(v128.const f32x4 1 nan 3 4)", "(v128.const f32x4 1 nan:canonical 3 4)"));
    CHECK(!matches("(v128.const i8x16 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1)", "(v128.const i64x2 0 0)"));
    CHECK(matches("(i32.const 2)", "(either (i32.const 1) (i32.const 2))"));
    CHECK(!matches("(i32.const 3)", "(either (i32.const 1) (i32.const 2))"));
    CHECK(matches("(ref.extern 0)", "(ref.extern 0)"));
    CHECK(matches("(ref.extern 7)", "(ref.extern)"));
    CHECK(!matches("(ref.extern 0)", "(ref.null extern)"));
    CHECK(!matches("(ref.null extern)", "(ref.extern)"));
    CHECK(matches("(ref.null func)", "(ref.null)"));
    CHECK(!matches("(i32.const 1)", "(i32.konst 1)"));
}

TEST(empty, "an empty script has no commands")
{
    struct wast_counts counts;
    CHECK(run("", &counts));
    CHECK_INT(counts.passed + counts.failed + counts.skipped, 0);
    CHECK(!run("(", &counts));
    CHECK(!run("(module) (frobnicate)", &counts));
    CHECK(!run("(assert_return (invoke \"f\"", &counts));
}

TEST(passing, "each kind of command")
{
    struct wast_counts counts;
    CHECK(run("(module $m (func (export \"f\") (param i32) (result i32)\n"
              "    (if (i32.eqz (local.get 0)) (then unreachable)) (local.get 0))\n"
              "  (global (export \"g\") i64 (i64.const 5)))\n"
              "(assert_return (invoke \"f\" (i32.const 3)) (i32.const 3))\n"
              "(assert_return (get $m \"g\") (i64.const 5))\n"
              "(invoke \"f\" (i32.const 1))\n"
              "(assert_trap (invoke \"f\" (i32.const 0)) \"unreachable\")\n"
              "(register \"m\" $m)\n"
              "(module (import \"m\" \"f\" (func (param i32) (result i32)))\n"
              "  (import \"spectest\" \"global_i32\" (global i32)))\n"
              "(assert_unlinkable (module (import \"m\" \"h\" (func))) \"unknown import\")\n"
              "(assert_malformed (module quote \"(func\") \"unexpected token\")\n"
              "(assert_malformed (module binary \"\\00asm\") \"unexpected end\")\n"
              "(assert_invalid (module (func (result i32))) \"type mismatch\")\n"
              "(module definition $d (memory (export \"mem\") 1))\n"
              "(module instance $i $d)\n"
              "(assert_invalid_custom (module quote \"(func (@metadata.code.branch_hint "
              "\\22\\00\\22) nop)\") \"invalid target\")\n",
              &counts));
    CHECK_INT(counts.failed, 0);
    CHECK_INT(counts.passed, 14);
    CHECK_INT(counts.skipped, 0);
}

TEST(left_out, "commands at the lines that were given are skipped, and only those")
{
    const char *text = "(module (func (export \"f\")))\n(assert_return (invoke \"g\"))\n"
                       "(assert_return (invoke \"f\"))\n(assert_trap (invoke \"f\") \"\")\n";
    const unsigned lines[] = {2, 4};
    const struct wast_options options = {.report = record, .left_out = lines, .left_out_count = 2};
    struct wast_counts counts = {0};
    struct err err = {0};
    CHECK_INT(wast_run(span_of(text, strlen(text)), &options, &counts, &err), 0);
    CHECK(counts.passed == 2 && counts.skipped == 2 && counts.failed == 0);
}

TEST(failing, "a wrong result is noticed, counted and located")
{
    struct wast_counts counts;
    CHECK(run("(module (func (export \"f\") (result i32) (i32.const 1))\n"
              "  (func (export \"t\") unreachable))\n"
              "(assert_return (invoke \"f\") (i32.const 2))\n"
              "(assert_return (invoke \"f\"))\n"
              "(assert_return (invoke \"f\") (i32.const 1) (i32.const 1))\n"
              "(assert_return (invoke \"t\"))\n"
              "(assert_return (invoke \"absent\"))\n"
              "(assert_return (get \"f\") (i32.const 1))\n"
              "(assert_trap (invoke \"f\") \"unreachable\")\n"
              "(assert_trap (invoke \"t\") \"integer overflow\")\n"
              "(assert_invalid (module) \"type mismatch\")\n"
              "(assert_invalid (module (func (br $x))) \"unknown label\")\n"
              "(assert_malformed (module quote \"(func (result i32))\") \"\")\n"
              "(assert_unlinkable (module) \"\")\n"
              "(invoke \"t\")\n"
              "(module (func (result i32)))\n"
              "(assert_return (invoke \"f\") (i32.const 1))\n",
              &counts));
    CHECK_INT(counts.passed, 1);
    CHECK_INT(counts.failed, 15);
    for (unsigned i = 0; i < failed_count; i++)
        CHECK_INT(failed_lines[i], i + 3);
}

TAP_MAIN()
