// SPDX-License-Identifier: Apache-2.0
#include "wick_fixture.h"

#include <stdlib.h>

static const uint8_t EMPTY[] = {0, 'a', 's', 'm', 1, 0, 0, 0};

static void check_error(const uint8_t *bytes, size_t size, enum wick_status status,
                        const char *text)
{
    FIXTURE f = fixture_new();
    wasm_message_t error;
    CHECK_INT(wick_validate(f.store, bytes, size, &error), status);
    CHECK(error.data != NULL);
    CHECK_STR(error.data, text);
    wasm_byte_vec_delete(&error);
}

/* The header and the given sections. */
#define CHECK_ERROR(status, text, ...)                                                             \
    do {                                                                                           \
        static const uint8_t bytes_[] = {0, 'a', 's', 'm', 1, 0, 0, 0, __VA_ARGS__};               \
        check_error(bytes_, sizeof(bytes_), status, text);                                         \
    } while (0)

TEST(null_and_empty, "no bytes are an error with a text, not a crash")
{
    check_error(NULL, 0, WICK_MALFORMED, "offset 0x0: unexpected end");
    check_error(NULL, 8, WICK_USAGE, "no bytes were given");
    check_error(EMPTY, 3, WICK_MALFORMED, "offset 0x3: unexpected end");
    FIXTURE f = fixture_new();
    wasm_module_t *module;
    CHECK_INT(wick_module_new(f.store, EMPTY, 8, &module, NULL), WICK_OK);
    wasm_module_delete(module);
    CHECK_INT(wick_module_new(f.store, EMPTY, 5, &module, NULL), WICK_MALFORMED);
    CHECK(module == NULL);
}

TEST(borrowed, "a module that borrows its bytes runs from where they are; no bytes are an error")
{
    FIXTURE f = fixture_new();
    wasm_message_t error;
    wasm_module_t *module;
    CHECK_INT(wick_module_borrow(f.store, NULL, 0, &module, &error), WICK_MALFORMED);
    wasm_byte_vec_delete(&error);
    CHECK_INT(wick_module_borrow(f.store, ARITHMETIC, sizeof(ARITHMETIC), &module, &error),
              WICK_OK);
    CHECK_INT(wick_linker_instantiate(f.linker, module, &f.instance, NULL, &error), WICK_OK);
    wasm_module_delete(module);
    CHECK_INT(call_i32(&f, "div", 7, 2), 3);
}

TEST(truncated, "every prefix of a module that is not a module itself is refused with a text")
{
    FIXTURE f = fixture_new();
    for (size_t size = 0; size < sizeof(TABLES); size++) {
        /* An exact copy, so that reading past it is found by a sanitiser. */
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, TABLES, size);
        wasm_message_t error;
        enum wick_status status = wick_validate(f.store, copy, size, &error);
        CHECK(status == WICK_OK || error.data != NULL);
        wasm_byte_vec_delete(&error);
        free(copy);
    }
}

TEST(flipped_bits, "no single flipped bit makes the decoder do anything but answer")
{
    FIXTURE f = fixture_new();
    uint8_t copy[sizeof(LOCALS)];
    for (size_t bit = 0; bit < sizeof(LOCALS) * 8; bit++) {
        memcpy(copy, LOCALS, sizeof(copy));
        copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
        wasm_message_t error;
        if (wick_validate(f.store, copy, sizeof(copy), &error))
            CHECK(error.data != NULL);
        wasm_byte_vec_delete(&error);
    }
}

TEST(oversized_counts, "counts beyond the bytes that follow allocate nothing and are refused")
{
    CHECK_ERROR(WICK_MALFORMED, "offset 0xf: unexpected end of section or function", 1, 5, 0xff,
                0xff, 0xff, 0xff, 0x0f);
    CHECK_ERROR(WICK_MALFORMED, "offset 0xe: length out of bounds", 1, 0xff, 0xff, 0xff, 0xff,
                0x0f);
    CHECK_ERROR(WICK_MALFORMED, "offset 0x9: integer representation too long", 1, 0x80, 0x80, 0x80,
                0x80, 0x80, 0);
    CHECK_ERROR(WICK_MALFORMED, "offset 0x9: integer too large", 1, 0xff, 0xff, 0xff, 0xff, 0x7f);
}

TEST(sections, "order, identifiers and sizes of sections are checked")
{
    CHECK_ERROR(WICK_MALFORMED, "offset 0x8: malformed section id 77", 77, 0);
    CHECK_ERROR(WICK_MALFORMED,
                "offset 0xb: unexpected content after last section: section 1 is out of order", 1,
                1, 0, 1, 1, 0);
    CHECK_ERROR(WICK_MALFORMED, "offset 0xb: section size mismatch", 1, 2, 0, 0);
    CHECK_ERROR(WICK_MALFORMED, "offset 0x12: function and code section have inconsistent lengths",
                1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0);
    CHECK_ERROR(WICK_MALFORMED, "offset 0xb: malformed UTF-8 encoding", 0, 2, 1, 0xff);
}

TEST(validation, "malformed and invalid are told apart, with offset and types")
{
    /* (func (result i32) (f64.const 0)) */
    CHECK_ERROR(WICK_INVALID, "offset 0x21: type mismatch: expected i32, found f64", 1, 5, 1, 0x60,
                0, 1, 0x7f, 3, 2, 1, 0, 10, 13, 1, 11, 0, 0x44, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b);
    CHECK_ERROR(WICK_INVALID, "offset 0x17: unknown local 5", 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 10,
                6, 1, 4, 0, 0x20, 5, 0x0b);
    CHECK_ERROR(WICK_MALFORMED, "offset 0x17: illegal opcode ff", 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0,
                10, 5, 1, 3, 0, 0xff, 0x0b);
    CHECK_ERROR(WICK_LIMIT, "offset 0x1c: too many locals: 4194303, the limit is 50000", 1, 4, 1,
                0x60, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 1, 0xff, 0xff, 0xff, 1, 0x7f, 0x0b);
}

TEST(types_are_shared, "equal function types of two modules are one type for imports")
{
    FIXTURE f = fixture_new();
    LOAD(&f, ARITHMETIC);
    wasm_functype_t *type = wasm_func_type(fixture_func(&f, "pair"));
    CHECK_INT(wasm_functype_params(type)->size, 2);
    CHECK_INT(wasm_valtype_kind(wasm_functype_results(type)->data[0]), WASM_F64);
    wasm_functype_delete(type);
}

TEST(names, "the name section names functions; custom sections can be read")
{
    FIXTURE f = fixture_new();
    LOAD(&f, LOOPS);
    size_t size;
    CHECK(wick_module_custom_section(wick_instance_module(f.instance), "name", 0, &size) != NULL);
    CHECK(size > 0);
    CHECK(wick_module_custom_section(wick_instance_module(f.instance), "name", 1, &size) == NULL);
}

TAP_MAIN()
