// SPDX-License-Identifier: Apache-2.0
#include "wick_fixture.h"

#include <math.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

TEST(arithmetic, "numbers, calls and several results")
{
    FIXTURE f = fixture_new();
    LOAD(&f, ARITHMETIC);
    CHECK_INT(call_i32(&f, "div", -7, 2), -3);
    wick_value_t slots[2] = {{.i64 = 20}};
    CHECK(wick_func_call_raw(fixture_func(&f, "fac"), slots) == NULL);
    CHECK(slots[0].i64 == 2432902008176640000);
    slots[0].i32 = 5;
    slots[1].f64 = 1.5;
    CHECK(wick_func_call_raw(fixture_func(&f, "pair"), slots) == NULL);
    CHECK(slots[0].f64 == 1.5 && slots[1].i32 == 5);
}

TEST(nan_bits, "a NaN result is quiet and keeps its kind")
{
    FIXTURE f = fixture_new();
    LOAD(&f, ARITHMETIC);
    wick_value_t slots[2] = {{.u32 = 0x7fa00000}, {.f32 = 1.0f}};
    CHECK(wick_func_call_raw(fixture_func(&f, "nan"), slots) == NULL);
    CHECK((slots[0].u32 & 0x7fc00000) == 0x7fc00000);
    slots[0].f32 = 0.0f;
    slots[1].f32 = -0.0f;
    CHECK(wick_func_call_raw(fixture_func(&f, "nan"), slots) == NULL);
    CHECK_INT(slots[0].u32, 0x80000000u);
}

static void check_trap(const struct fixture *f, const char *name, wick_value_t a, wick_value_t b,
                       enum wick_trap_kind kind, const char *text)
{
    wasm_trap_t *trap = call_trap(f, name, a, b);
    CHECK_INT(wick_trap_kind(trap), kind);
    CHECK_STR(wick_trap_text(trap), text);
    wasm_trap_delete(trap);
}

TEST(traps, "each trap has its kind and the specification's words")
{
    FIXTURE f = fixture_new();
    LOAD(&f, ARITHMETIC);
    wick_value_t one = {.i32 = 1}, zero = {.i32 = 0}, minus = {.i32 = -1}, low = {.i32 = INT32_MIN};
    wick_value_t huge = {.f64 = 1e20}, nan_value = {.f64 = NAN};
    check_trap(&f, "div", one, zero, WICK_TRAP_DIVIDE_BY_ZERO, "integer divide by zero");
    check_trap(&f, "div", low, minus, WICK_TRAP_OVERFLOW, "integer overflow");
    check_trap(&f, "round", huge, zero, WICK_TRAP_OVERFLOW, "integer overflow");
    check_trap(&f, "round", nan_value, zero, WICK_TRAP_CONVERSION, "invalid conversion to integer");
    LOAD(&f, TABLES);
    wick_value_t two = {.i32 = 2}, four = {.i32 = 4};
    CHECK_INT(call_i32(&f, "call", 0, 0), 11);
    check_trap(&f, "call", one, zero, WICK_TRAP_SIGNATURE, "indirect call type mismatch");
    check_trap(&f, "call", two, zero, WICK_TRAP_UNINITIALIZED, "uninitialized element");
    check_trap(&f, "call", four, zero, WICK_TRAP_UNDEFINED_ELEMENT, "undefined element");
    LOAD(&f, LOOPS);
    check_trap(&f, "deep", zero, zero, WICK_TRAP_STACK, "call stack exhausted");
}

TEST(backtrace, "a trap names the functions that were running")
{
    FIXTURE f = fixture_new();
    LOAD(&f, LOOPS);
    wasm_trap_t *trap = call_trap(&f, "deep", (wick_value_t){.i32 = 0}, (wick_value_t){.i32 = 0});
    char text[8192], small[8];
    int length = wick_trap_print_backtrace(trap, text, sizeof(text));
    CHECK(length > 0 && (size_t)length < sizeof(text));
    CHECK(strncmp(text, "wasm trap: call stack exhausted\n    0: deep (function 1) at 0x", 62) ==
          0);
    CHECK(strstr(text, "frames left out") != NULL);
    CHECK_INT(wick_trap_print_backtrace(trap, small, sizeof(small)), length);
    CHECK_INT(strlen(small), 7);
    wasm_frame_t *frame = wasm_trap_origin(trap);
    CHECK_INT(wasm_frame_func_index(frame), 1);
    wasm_frame_delete(frame);
    wasm_trap_delete(trap);
}

TEST(locals_and_branches, "values read before a local changes keep their old value")
{
    FIXTURE f = fixture_new();
    LOAD(&f, LOCALS);
    CHECK_INT(call_i32(&f, "keep", 3, 0), 37);
    CHECK_INT(call_i32(&f, "branch", 0, 0), 0);
    CHECK_INT(call_i32(&f, "branch", 2, 0), 7);
    CHECK_INT(call_i32(&f, "table", 0, 0), 11);
    CHECK_INT(call_i32(&f, "table", 1, 0), 12);
    CHECK_INT(call_i32(&f, "table", 9, 0), 13);
    wick_value_t slots[2] = {{.i32 = 1}, {.i32 = 2}};
    CHECK(wick_func_call_raw(fixture_func(&f, "swap"), slots) == NULL);
    CHECK(slots[0].i32 == 2 && slots[1].i32 == 1);
}

TEST(fuel, "fuel is used up by iterations and ends a loop; more can be given")
{
    wasm_config_t *config = wasm_config_new();
    wick_config_set_fuel(config, true);
    FIXTURE f = fixture_with(config);
    LOAD(&f, LOOPS);
    wick_value_t zero = {.i32 = 0};
    check_trap(&f, "spin", zero, zero, WICK_TRAP_FUEL, "all fuel consumed");
    wick_store_set_fuel(f.store, 100000);
    check_trap(&f, "spin", zero, zero, WICK_TRAP_FUEL, "all fuel consumed");
    CHECK_INT(wick_store_fuel(f.store), 0);
    wick_store_set_fuel(f.store, 1000);
    CHECK_INT(call_i32(&f, "count", 100, 0), 5050);
    CHECK_INT(wick_store_fuel(f.store), 1000 - 100); /* one call, 99 times back */
}

TEST(deadline, "a deadline ends a loop")
{
    FIXTURE f = fixture_new();
    LOAD(&f, LOOPS);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    wick_store_set_deadline(f.store,
                            (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 20000000u);
    wick_value_t zero = {.i32 = 0};
    check_trap(&f, "spin", zero, zero, WICK_TRAP_DEADLINE, "deadline exceeded");
}

static wasm_store_t *interrupted_store;

static void on_alarm(int number)
{
    (void)number;
    wick_store_interrupt(interrupted_store);
}

TEST(interrupt, "a signal handler can end a loop, once")
{
    FIXTURE f = fixture_new();
    LOAD(&f, LOOPS);
    interrupted_store = f.store;
    signal(SIGUSR1, on_alarm);
    if (fork() == 0) {
        usleep(20000);
        kill(getppid(), SIGUSR1);
        _exit(0);
    }
    wick_value_t zero = {.i32 = 0};
    check_trap(&f, "spin", zero, zero, WICK_TRAP_INTERRUPTED, "interrupted");
    CHECK_INT(call_i32(&f, "count", 4, 0), 10);
}

struct host {
    struct fixture *fixture;
    int mode;
};

static wasm_trap_t *host_call(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    struct host *host = env;
    size_t size;
    CHECK_INT(slots[1].i64, -2);
    uint8_t *memory = wick_caller_memory(caller, &size);
    CHECK(memory && size >= 65536 && memcmp(memory + 16, "wick", 4) == 0);
    if (host->mode == 1)
        return wick_trap_exit(wick_caller_store(caller), 42);
    if (host->mode == 2)
        return wick_trap_new_text(wick_caller_store(caller), "no %s today", "luck");
    if (host->mode == 3) {
        slots[0].i32 = call_i32(host->fixture, "grow", 0, 0) + slots[0].i32;
        memory = wick_caller_memory(caller, &size);
        memory[size - 1] = 1;
        return NULL;
    }
    if (host->mode == 4) { /* for ever deeper */
        wick_value_t nested[2] = {slots[0]};
        wasm_trap_t *trap = wick_func_call_raw(fixture_func(host->fixture, "go"), nested);
        return trap;
    }
    slots[0].i32 = call_i32(host->fixture, "back", slots[0].i32, 0);
    return NULL;
}

TEST(host_functions,
     "a host function sees memory, calls back, traps, exits and recurses to a limit")
{
    FIXTURE f = fixture_new();
    struct host host = {&f, 0};
    wasm_functype_t *type = wasm_functype_new_2_1(wasm_valtype_new_i32(), wasm_valtype_new_i64(),
                                                  wasm_valtype_new_i32());
    CHECK_INT(wick_linker_define_func(f.linker, "host", "call", type, host_call, &host), WICK_OK);
    wasm_functype_delete(type);
    LOAD(&f, HOST);
    CHECK_INT(call_i32(&f, "go", 5, 0), 16);

    host.mode = 1;
    wick_value_t zero = {.i32 = 0};
    wasm_trap_t *trap = call_trap(&f, "go", zero, zero);
    int32_t status = 0;
    CHECK(wick_trap_exit_status(trap, &status));
    CHECK_INT(status, 42);
    wasm_trap_delete(trap);

    host.mode = 2;
    trap = call_trap(&f, "go", zero, zero);
    CHECK(!wick_trap_exit_status(trap, &status));
    char text[256];
    wick_trap_print_backtrace(trap, text, sizeof(text));
    CHECK(strncmp(text, "wasm trap: no luck today\n    0: go (function 1)", 47) == 0);
    wasm_trap_delete(trap);

    host.mode = 3;
    CHECK_INT(call_i32(&f, "go", 5, 0), 7);

    host.mode = 4;
    trap = call_trap(&f, "go", zero, zero);
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_STACK);
    wasm_trap_delete(trap);
}

TEST(vectors_and_references, "v128, externref and funcref pass in both directions")
{
    FIXTURE f = fixture_new();
    LOAD(&f, VECTORS);
    wick_val_t args[3] = {{.kind = WASM_V128}, {.kind = WASM_I32}, {.kind = WASM_V128}}, result;
    args[0].of.v128[4] = 7;
    args[1].of.i32 = 100;
    args[2].of.v128[12] = 1;
    CHECK(wick_func_call(fixture_func(&f, "add"), args, 3, &result, 1) == NULL);
    CHECK(result.kind == WASM_V128 && result.of.v128[0] == 100 && result.of.v128[4] == 107);
    CHECK_INT(result.of.v128[12], 101);

    int thing;
    wick_val_t refs[2] = {{.kind = WASM_EXTERNREF}, {.kind = WASM_FUNCREF}}, out[2];
    refs[0].of.externref = &thing;
    refs[1].of.func = fixture_func(&f, "add");
    CHECK(wick_func_call(fixture_func(&f, "swap"), refs, 2, out, 2) == NULL);
    CHECK(out[0].of.func == refs[1].of.func && out[1].of.externref == &thing);

    wasm_global_t *global = wasm_extern_as_global(wick_instance_export(f.instance, "g", 1));
    wick_global_get(global, &result);
    CHECK(result.of.v128[0] == 1 && result.of.v128[8] == 2);
    CHECK_INT(wick_global_set(global, &args[1]), WICK_USAGE);
}

TEST(wrong_arguments, "a call with the wrong values is refused, not made")
{
    FIXTURE f = fixture_new();
    LOAD(&f, ARITHMETIC);
    wick_val_t args[2] = {{.kind = WASM_I32}, {.kind = WASM_F32}}, result;
    wasm_trap_t *trap = wick_func_call(fixture_func(&f, "div"), args, 2, &result, 1);
    CHECK_STR(wick_trap_text(trap), "call: argument 1 has the wrong type");
    wasm_trap_delete(trap);
    trap = wick_func_call(fixture_func(&f, "div"), NULL, 0, &result, 1);
    CHECK_STR(wick_trap_text(trap), "call: 0 arguments, the function takes 2");
    wasm_trap_delete(trap);
}

TAP_MAIN()
