// SPDX-License-Identifier: Apache-2.0
#include "tap.h"
#include "wick/text/lexer.h"
#include "wick/text/number.h"
#include "wick/text/ops.h"
#include "wick/text/wat.h"

#include <stdlib.h>

static struct span text_of(const char *text)
{
    return span_of(text, strlen(text));
}

/* The module's bytes after the eight of the header, in hexadecimal. */
static const char *encode(const char *text)
{
    static char hex[4096];
    struct err err = {0};
    struct wat_result module = {0};
    if (wat_encode(text_of(text), &module, &err)) {
        snprintf(hex, sizeof(hex), "error: %s", err.message);
        return hex;
    }
    CHECK(module.size >= 8 && module.size * 2 < sizeof(hex));
    CHECK(memcmp(module.data, "\0asm\1\0\0\0", 8) == 0);
    hex[0] = '\0';
    for (size_t i = 8; i < module.size; i++)
        snprintf(hex + 2 * (i - 8), 3, "%02x", module.data[i]);
    wat_result_fini(&module);
    return hex;
}

static uint64_t float_bits(const char *literal, unsigned bits)
{
    uint64_t value = 0;
    CHECK_INT(number_float(text_of(literal), bits, &value), NUMBER_OK);
    return value;
}

TEST(ops_are_sorted, "instructions are found by binary search")
{
    for (size_t i = 1; ops_at(i); i++)
        CHECK(strcmp(ops_at(i - 1)->name, ops_at(i)->name) < 0);
    for (size_t i = 0; ops_at(i); i++)
        CHECK(ops_find(text_of(ops_at(i)->name)) == ops_at(i));
    CHECK(!ops_find(text_of("")));
    CHECK(!ops_find(text_of("i32.ad")));
    CHECK(!ops_find(text_of("zzz")));
}

TEST(empty_input, "no text and empty forms are modules without fields")
{
    CHECK_STR(encode(""), "");
    CHECK_STR(encode("(module)"), "");
    CHECK_STR(encode(" (; c (; d ;) ;) (module (@a \")\") ) ;; end"), "");
    struct err err = {0};
    struct wat_result module = {0};
    CHECK_INT(wat_encode(span_of(NULL, 0), &module, &err), 0);
    wat_result_fini(&module);
}

TEST(oversized_input, "deep and long texts end in an error, not in a crash")
{
    enum { DEPTH = 200000 };
    struct err err = {0};
    struct wat_result module = {0};
    char *text = malloc(DEPTH * 8 + 16);
    CHECK(text);
    size_t size = (size_t)sprintf(text, "(func ");
    for (int i = 0; i < DEPTH; i++)
        size += (size_t)sprintf(text + size, "(block ");
    memset(text + size, ')', DEPTH + 1);
    size += DEPTH + 1;
    CHECK(wat_encode(span_of(text, size), &module, &err) < 0);
    CHECK(strstr(err.message, "nesting is too deep"));
    memset(text, '(', DEPTH);
    CHECK(wat_encode(span_of(text, DEPTH), &module, &err) < 0);
    free(text);
}

TEST(flat_blocks_do_not_recurse, "compilers emit deeply nested flat blocks")
{
    enum { DEPTH = 50000 };
    struct err err = {0};
    struct wat_result module = {0};
    char *text = malloc(DEPTH * 10 + 16);
    CHECK(text);
    size_t size = (size_t)sprintf(text, "(func ");
    for (int i = 0; i < DEPTH; i++)
        size += (size_t)sprintf(text + size, "block ");
    for (int i = 0; i < DEPTH; i++)
        size += (size_t)sprintf(text + size, "end ");
    text[size++] = ')';
    CHECK_INT(wat_encode(span_of(text, size), &module, &err), 0);
    wat_result_fini(&module);
    free(text);
}

TEST(folded_order, "operands come before the instruction, conditions before `if`")
{
    CHECK_STR(encode("(func (result i32) (i32.add (i32.const 1) (i32.mul (i32.const 2) "
                     "(i32.const 3))))"),
              "0105016000017f"
              "03020100"
              "0a0c010a00410141024103"
              "6c6a0b");
    CHECK_STR(encode("(func (if (i32.const 1) (then nop) (else unreachable)))"),
              "01040160000003020100"
              "0a0c010a00410104400105000b0b");
    CHECK_STR(encode("(func (i32.const 1) if $l nop else $l unreachable end $l)"),
              "01040160000003020100"
              "0a0c010a00410104400105000b0b");
}

TEST(names_section, "stack traces show the names of functions")
{
    CHECK_STR(encode("(module $m (func) (func $\"a b\"))"), "010401600000030302000"
                                                            "00a070202000b02000b"
                                                            "0011046e616d6500020"
                                                            "16d0106010103612062");
}

TEST(annotations, "custom sections and names can be given in the text, in their place only")
{
    CHECK_STR(encode("(@custom \"a\" (before first) \"bc\") (memory 1) (@custom \"d\")"),
              "0004016162630503010001000201"
              "64");
    CHECK_STR(encode("(module (@name \"m\") (func $f (@name \"g\")))"),
              "010401600000030201000a040102000b"
              "000f046e616d650002016d010401000167");
    CHECK_STR(encode("(func (@custom \"a\"))"), "error: 1:20: misplaced @custom annotation");
    CHECK_STR(encode("(@custom)"), "error: 1:10: @custom annotation: missing section name");
}

TEST(implicit_types, "type uses without an index reuse or append a function type")
{
    CHECK_STR(encode("(import \"\" \"\" (func (param i32))) (func (param i32)) (func) "
                     "(type (func (result i32)))"),
              "010c036000017f60017f00600000"
              "0205010000"
              "0001"
              "0303020102"
              "0a070202000b02000b");
}

TEST(inline_abbreviations, "tables and memories can bring their contents and exports")
{
    CHECK_STR(encode("(memory (export \"m\") (data \"ab\" \"\\63\"))"), "050401010101"
                                                                        "070501016d0200"
                                                                        "0b09010041000b03616263");
    CHECK_STR(encode("(table funcref (elem $f $f)) (func $f)"), "010401600000"
                                                                "03020100"
                                                                "0405017001"
                                                                "0202"
                                                                "0908010041000b020000"
                                                                "0a040102000b"
                                                                "000b046e616d65010401000166");
}

TEST(gc_types, "recursive, final and reference types have their encodings")
{
    CHECK_STR(encode("(rec (type $a (sub (struct (field $x (mut i8)) (field (ref null $b))))) "
                     "(type $b (array (ref any))))"),
              "0110014e0250005f0278016301005e646e00");
    CHECK_STR(encode("(type $s (struct (field i32) (field $y i64)))"
                     "(func (param (ref $s)) (result i64) (struct.get $s $y (local.get 0)))"),
              "010d025f027f007e00600164"
              "00017e"
              "03020101"
              "0a0a010800200"
              "0fb0200010b");
}

TEST(malformed, "errors name the place and use the words of the specification's tests")
{
    CHECK_STR(encode("(func\n  (foo))"), "error: 2:4: unknown operator foo");
    CHECK_STR(encode("(func (i32.const))"), "error: 1:17: unexpected token ), expected an integer");
    CHECK_STR(encode("(func i32.const 0x100000000)"), "error: 1:17: i32 constant out of range");
    CHECK_STR(encode("(func i32.const 1_)"), "error: 1:17: unknown operator 1_");
    CHECK_STR(encode("(func br $x)"), "error: 1:10: unknown label $x");
    CHECK_STR(encode("(func block $a end $b)"), "error: 1:20: mismatching label $b");
    CHECK_STR(encode("(func $f) (func $f)"), "error: 1:17: duplicate func $f");
    CHECK_STR(encode("(func (param $x i32) (local $x i32))"), "error: 1:29: duplicate local $x");
    CHECK_STR(encode("(func) (import \"a\" \"b\" (func))"), "error: 1:8: import after function");
    CHECK_STR(encode("(func $s) (start $s) (start $s)"), "error: 1:23: multiple start sections");
    CHECK_STR(encode("(memory 1) (func (drop (i32.load align=3 (i32.const 0))))"),
              "error: 1:34: alignment must be a power of two");
    CHECK_STR(encode("(module"), "error: 1:8: unexpected token: end of the text, expected )");
    CHECK_STR(encode("(export \"\\ff\" (func 0))"), "error: 1:9: malformed UTF-8 encoding");
    CHECK_STR(encode("(func \x01)"), "error: 1:7: illegal character");
    CHECK_STR(encode("\xff"), "error: 1:1: malformed UTF-8 encoding");
    CHECK_STR(encode("(; "), "error: 1:1: unclosed comment");
    CHECK_STR(encode("(data \"abc"), "error: 1:11: unclosed string");
    CHECK_STR(encode("(data \"\\u{d800}\")"), "error: 1:8: illegal escape in string");
    CHECK_STR(encode("(func $)"), "error: 1:7: empty identifier");
    CHECK_STR(encode(")"), "error: 1:1: unexpected token ), expected the end of the text");
}

TEST(integers, "ranges and separators are those of the specification")
{
    uint64_t value = 0;
    CHECK_INT(number_integer(text_of("-0x8000_0000"), 32, &value), NUMBER_OK);
    CHECK_INT(value, 0x80000000);
    CHECK_INT(number_integer(text_of("+4294967295"), 32, &value), NUMBER_OK);
    CHECK_INT(number_integer(text_of("-2147483649"), 32, &value), NUMBER_OUT_OF_RANGE);
    CHECK_INT(number_integer(text_of("18446744073709551616"), 64, &value), NUMBER_OUT_OF_RANGE);
    CHECK_INT(number_integer(text_of("-9223372036854775808"), 64, &value), NUMBER_OK);
    CHECK_INT(number_unsigned(text_of("-1"), 32, &value), NUMBER_MALFORMED);
    static const char *const malformed[] = {"", "-", "_1", "1__0", "1_", "0x", "0x_1", "1.0", "a"};
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        CHECK_INT(number_integer(text_of(malformed[i]), 32, &value), NUMBER_MALFORMED);
}

TEST(hexadecimal_floats, "they are rounded once, to nearest even, subnormals included")
{
    CHECK_INT(float_bits("0x1p0", 32), 0x3f800000);
    CHECK_INT(float_bits("-0x1.8p1", 32), 0xc0400000);
    CHECK_INT(float_bits("0x1.000001p0", 32), 0x3f800000);
    CHECK_INT(float_bits("0x1.000003p0", 32), 0x3f800002);
    CHECK_INT(float_bits("0x1.00000100000000000000000001p0", 32), 0x3f800001);
    CHECK_INT(float_bits("0x1.fffffep127", 32), 0x7f7fffff);
    CHECK_INT(float_bits("0x1p-149", 32), 1);
    CHECK_INT(float_bits("0x1p-150", 32), 0);
    CHECK_INT(float_bits("0x1.8p-150", 32), 1);
    CHECK_INT(float_bits("0x1.fffffcp-127", 32), 0x007fffff);
    CHECK_INT(float_bits("0x1.ffffffp-127", 32), 0x00800000);
    CHECK_INT(float_bits("0x0.0000000000000000000001p80", 64), float_bits("0x1p-8", 64));
    CHECK_INT(float_bits("0x1p-1074", 64), 1);
    CHECK_INT(float_bits("0x1p-99999999999999999999", 64), 0);
    uint64_t value = 0;
    CHECK_INT(number_float(text_of("0x1.ffffffp127"), 32, &value), NUMBER_OUT_OF_RANGE);
    CHECK_INT(number_float(text_of("0x1p1024"), 64, &value), NUMBER_OUT_OF_RANGE);
    CHECK_INT(number_float(text_of("0x1p"), 64, &value), NUMBER_MALFORMED);
    CHECK_INT(number_float(text_of("0x.1p0"), 64, &value), NUMBER_MALFORMED);
}

TEST(decimal_floats, "the nearest value, without rounding twice")
{
    CHECK_INT(float_bits("1_0.5e-1", 64), 0x3ff0cccccccccccd);
    CHECK_INT(float_bits("1.00000017881393432617187499", 32), 0x3f800001);
    CHECK_INT(float_bits("1.00000017881393432617187501", 32), 0x3f800002);
    CHECK_INT(float_bits("4.9406564584124654e-324", 64), 1);
    CHECK_INT(float_bits("-0", 32), 0x80000000);
    CHECK_INT(float_bits("1.", 32), 0x3f800000);
    uint64_t value = 0;
    CHECK_INT(number_float(text_of("1e39"), 32, &value), NUMBER_OUT_OF_RANGE);
    CHECK_INT(number_float(text_of(".5"), 32, &value), NUMBER_MALFORMED);
    CHECK_INT(number_float(text_of("1e"), 32, &value), NUMBER_MALFORMED);
}

TEST(not_numbers, "NaN payloads and infinities")
{
    CHECK_INT(float_bits("nan", 32), 0x7fc00000);
    CHECK_INT(float_bits("-nan:0x1", 32), 0xff800001);
    CHECK_INT(float_bits("nan:0xf_ffff_ffff_ffff", 64), 0x7fffffffffffffff);
    CHECK_INT(float_bits("-inf", 64), 0xfff0000000000000);
    uint64_t value = 0;
    CHECK_INT(number_float(text_of("nan:0x0"), 32, &value), NUMBER_OUT_OF_RANGE);
    CHECK_INT(number_float(text_of("nan:0x800000"), 32, &value), NUMBER_OUT_OF_RANGE);
    CHECK_INT(number_float(text_of("nan:1"), 32, &value), NUMBER_MALFORMED);
    CHECK_INT(number_float(text_of("nan:canonical"), 32, &value), NUMBER_MALFORMED);
    CHECK_INT(number_float(text_of("infinity"), 32, &value), NUMBER_MALFORMED);
}

TAP_MAIN()
