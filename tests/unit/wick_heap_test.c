/* SPDX-License-Identifier: Apache-2.0 */
/* The collected heap, references that the embedder holds, exceptions and shared memories. */
#include "wick_fixture.h"

#include "wick/runtime.h"
#include "wick/text/wat.h"

#include <pthread.h>

static void load_text(struct fixture *f, const char *text)
{
    struct wat_result module = {0};
    struct err err = {0};
    if (wat_encode(span_of(text, strlen(text)), &module, &err))
        tap_fail(__FILE__, __LINE__, "text: %s", err.message);
    fixture_load(f, module.data, module.size);
    wat_result_fini(&module);
}

static struct fixture small_heap(uint64_t bytes, bool stress)
{
    wasm_config_t *config = wasm_config_new();
    wick_config_set_max_heap(config, bytes);
    wick_config_set_heap_stress(config, stress);
    return fixture_with(config);
}

static wick_heap_stats_t stats_of(const struct fixture *f)
{
    wick_heap_stats_t stats;
    wick_store_heap_stats(f->store, &stats);
    return stats;
}

static const char TREES[] =
    "(module (type $t (struct (field (ref null $t)) (field (ref null $t)) (field i64)))"
    " (func $make (param i32) (result (ref $t))"
    "  (if (result (ref $t)) (i32.eqz (local.get 0))"
    "   (then (struct.new $t (ref.null $t) (ref.null $t) (i64.const 1)))"
    "   (else (struct.new $t (call $make (i32.sub (local.get 0) (i32.const 1)))"
    "     (call $make (i32.sub (local.get 0) (i32.const 1))) (i64.const 1)))))"
    " (func $sum (param (ref null $t)) (result i64)"
    "  (if (result i64) (ref.is_null (local.get 0)) (then (i64.const 0))"
    "   (else (i64.add (struct.get $t 2 (local.get 0))"
    "     (i64.add (call $sum (struct.get $t 0 (local.get 0)))"
    "       (call $sum (struct.get $t 1 (local.get 0))))))))"
    " (func (export \"trees\") (param $depth i32) (param $n i32) (result i32)"
    "  (local $kept (ref null $t)) (local $sum i64)"
    "  (local.set $kept (call $make (local.get $depth)))"
    "  (loop $next"
    "   (local.set $sum (i64.add (local.get $sum) (call $sum (call $make (local.get $depth)))))"
    "   (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"
    "  (i32.wrap_i64 (i64.add (local.get $sum) (call $sum (local.get $kept))))))";

TEST(collected, "garbage is collected within the limit, and what is alive is kept")
{
    FIXTURE f = small_heap(4 << 20, false);
    load_text(&f, TREES);
    CHECK_INT(call_i32(&f, "trees", 12, 100), 101 * 8191);
    wick_heap_stats_t stats = stats_of(&f);
    CHECK(stats.collections > 5 && stats.used <= 4 << 20);
    CHECK(stats.live >= 8191 * 32 && stats.total_ns >= stats.pause_ns);
}

TEST(mark_stack, "more marked objects than the mark stack holds are found by walking the heap")
{
    FIXTURE f = small_heap(4 << 20, false);
    f.store->heap.mark_max = 2;
    load_text(&f, TREES);
    CHECK_INT(call_i32(&f, "trees", 11, 100), 101 * 4095);
    CHECK(stats_of(&f).collections > 2);
}

TEST(limit, "a heap that is full traps, and can be used again once its objects are garbage")
{
    FIXTURE f = small_heap(1 << 20, false);
    load_text(&f, "(module (type $l (struct (field (ref null $l)) (field i64)))"
                  " (type $a (array (mut i8)))"
                  " (func (export \"endless\") (local (ref null $l))"
                  "  (loop (local.set 0 (struct.new $l (local.get 0) (i64.const 1))) (br 0)))"
                  " (func (export \"array\") (param i32) (result i32)"
                  "  (array.len (array.new_default $a (local.get 0)))))");
    wick_value_t zero = {.i32 = 0}, most = {.i32 = -1};
    for (int i = 0; i < 3; i++) {
        wasm_trap_t *trap = call_trap(&f, "endless", zero, zero);
        CHECK_INT(wick_trap_kind(trap), WICK_TRAP_NO_MEMORY);
        wasm_trap_delete(trap);
    }
    wasm_trap_t *trap = call_trap(&f, "array", most, zero);
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_NO_MEMORY);
    wasm_trap_delete(trap);
    for (int i = 0; i < 100; i++) /* of small, medium and large size */
        CHECK_INT(call_i32(&f, "array", 4000 * i, 0), 4000 * i);
    CHECK(stats_of(&f).used <= 1 << 20);
}

/* Each function of the module keeps an object in one place only while others are made. */
static const char PLACES[] =
    "(module (type $b (struct (field (mut i32))))"
    " (type $node (struct (field (mut anyref)) (field (mut (ref null $b)))))"
    " (type $row (array (mut (ref null $b)))) (type $bytes (array i8))"
    " (type $f (func (param (ref $b) i32) (result i32)))"
    " (import \"host\" \"collect\" (func $collect (param anyref i32 externref) (result i32)))"
    " (tag $e (param (ref $b) v128 i32))"
    " (global $g (mut (ref null $b)) (struct.new $b (i32.const 7)))"
    " (global $deep (ref $node) (struct.new $node (array.new_fixed $row 2"
    "   (struct.new $b (i32.const 1)) (struct.new $b (i32.const 2))) (struct.new $b (i32.const "
    "3))))"
    " (table $t 3 (ref null $b) (struct.new $b (i32.const 9)))"
    " (elem $s (ref $b) (item (struct.new $b (i32.const 4))) (item (struct.new $b (i32.const 5))))"
    " (func $v (param (ref null $b)) (result i32) (struct.get $b 0 (local.get 0)))"
    " (func $new (param i32) (result (ref $b)) (struct.new $b (local.get 0)))"
    " (func $two (param i32) (result (ref $b) (ref $b))"
    "  (call $new (local.get 0)) (call $new (i32.add (local.get 0) (i32.const 1))))"
    " (func $add (type $f) (i32.add (call $v (local.get 0)) (local.get 1)))"
    " (elem declare func $add)"
    " (func (export \"globals\") (result i32) (call $new (i32.const 0)) (drop)"
    "  (i32.add (call $v (global.get $g)) (call $v (array.get $row"
    "    (ref.cast (ref $row) (struct.get $node 0 (global.get $deep))) (i32.const 1)))))"
    " (func (export \"table\") (result i32) (call $new (i32.const 0)) (drop)"
    "  (table.init $t $s (i32.const 1) (i32.const 0) (i32.const 2)) (elem.drop $s)"
    "  (call $new (i32.const 0)) (drop)"
    "  (i32.add (call $v (table.get $t (i32.const 0))) (call $v (table.get $t (i32.const 2)))))"
    " (func (export \"operands\") (result i32) (local $x (ref null $b)) (local i32 i32 i32)"
    "  (local.set $x (call $new (i32.const 10))) (local.get $x) (local.get $x)"
    "  (local.set $x (call $new (i32.const 5))) (call $two (i32.const 20))"
    "  (local.set 1 (call $v)) (local.set 2 (call $v)) (drop (call $new (i32.const 0)))"
    "  (local.set 3 (call $v)) (call $v) (i32.add (local.get 1)) (i32.add (local.get 2))"
    "  (i32.add (local.get 3)) (i32.add (call $v (local.get $x))))"
    " (func (export \"select\") (param i32) (result i32)"
    "  (select (result (ref $b)) (call $new (i32.const 3)) (call $new (i32.const 4))"
    "    (local.get 0)) (call $new (i32.const 50)) (drop) (call $v))"
    " (func (export \"blocks\") (param i32) (result i32)"
    "  (call $new (i32.const 6)) (if (param (ref $b)) (result (ref $b)) (local.get 0)"
    "   (then (drop) (call $new (i32.const 8)) (drop) (call $new (i32.const 9)))"
    "   (else (drop (call $new (i32.const 0)))))"
    "  (loop (param (ref $b)) (result (ref $b)) (drop (call $new (i32.const 0))))"
    "  (call $new (i32.const 50)) (drop) (call $v))"
    " (func (export \"host\") (result i32) (local externref)"
    "  (call $new (i32.const 2)) (call $collect (struct.new $node (i32.const 1) (ref.i31)"
    "    (call $new (i32.const 30))) (i32.const 40) (extern.convert_any (call $new (i32.const 1))))"
    "  (drop) (call $v))"
    " (func (export \"throws\") (result i32) (local exnref i32)"
    "  (block $out (result (ref $b) v128 i32 exnref)"
    "   (try_table (catch_ref $e $out)"
    "    (throw $e (call $new (i32.const 21)) (v128.const i32x4 1 2 3 4) (i32.const 5)))"
    "   (unreachable))"
    "  (local.set 0) (local.set 1) (drop) (drop (call $new (i32.const 0)))"
    "  (call $v) (i32.add (local.get 1))"
    "  (block $again (result (ref $b) v128 i32)"
    "   (try_table (catch $e $again) (throw_ref (local.get 0))) (unreachable))"
    "  (local.set 1) (drop) (drop (call $new (i32.const 0))) (call $v) (i32.add)"
    "  (i32.add (local.get 1)))"
    " (func (export \"tail\") (result i32) (return_call_ref $f (call $new (i32.const 3))"
    "   (call $v (call $new (i32.const 4))) (ref.func $add)))"
    " (func (export \"arrays\") (result i32) (local (ref null $row))"
    "  (local.set 0 (array.new $row (call $new (i32.const 5)) (i32.const 3)))"
    "  (array.set $row (local.get 0) (i32.const 1) (call $new (i32.const 70)))"
    "  (array.copy $row $row (local.get 0) (i32.const 2) (local.get 0) (i32.const 1) (i32.const 1))"
    "  (drop (call $new (i32.const 0)))"
    "  (i32.add (call $v (array.get $row (local.get 0) (i32.const 0)))"
    "    (call $v (array.get $row (local.get 0) (i32.const 2))))))";

static wasm_trap_t *collect(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    struct fixture *f = env;
    CHECK(ref_is_object(slots[0].ref) && ref_is_object(slots[2].ref));
    const uint64_t node = slots[0].ref, boxed = slots[2].ref;
    slots[0].i64 = -1; /* the slots are the results' now, no longer roots */
    wick_store_collect(wick_caller_store(caller));
    CHECK_INT(call_i32(f, "globals", 0, 0), 9);
    CHECK_INT(ref_object(node)->type->kind, DEF_STRUCT);
    CHECK_INT(ref_object(boxed)->type->kind, DEF_STRUCT);
    slots[0].i32 = 17;
    return NULL;
}

static void define_host(struct fixture *f, const char *name, size_t count,
                        const wasm_valkind_t *kinds, size_t results, wick_host_callback_t callback)
{
    wasm_valtype_t *types[4], *result[1];
    wasm_valtype_vec_t params, out;
    for (size_t i = 0; i < count; i++)
        types[i] = wasm_valtype_new(kinds[i]);
    result[0] = results ? wasm_valtype_new(WASM_I32) : NULL;
    wasm_valtype_vec_new(&params, count, types);
    wasm_valtype_vec_new(&out, results, result);
    wasm_functype_t *type = wasm_functype_new(&params, &out);
    CHECK_INT(wick_linker_define_func(f->linker, "host", name, type, callback, f), WICK_OK);
    wasm_functype_delete(type);
}

TEST(places, "references are found wherever a program may have them")
{
    FIXTURE f = small_heap(64 << 20, true);
    const wasm_valkind_t kinds[] = {WICK_ANYREF, WASM_I32, WASM_EXTERNREF};
    define_host(&f, "collect", 3, kinds, 1, collect);
    load_text(&f, PLACES);
    CHECK_INT(call_i32(&f, "globals", 0, 0), 7 + 2);
    CHECK_INT(call_i32(&f, "table", 0, 0), 9 + 5);
    CHECK_INT(call_i32(&f, "operands", 0, 0), 21 + 20 + 10 + 10 + 5);
    CHECK_INT(call_i32(&f, "select", 1, 0), 3);
    CHECK_INT(call_i32(&f, "blocks", 0, 0), 6);
    CHECK_INT(call_i32(&f, "blocks", 1, 0), 9);
    CHECK_INT(call_i32(&f, "host", 0, 0), 2);
    CHECK_INT(call_i32(&f, "throws", 0, 0), 21 + 5 + 21 + 5);
    CHECK_INT(call_i32(&f, "tail", 0, 0), 7);
    CHECK_INT(call_i32(&f, "arrays", 0, 0), 75);
    CHECK(stats_of(&f).collections > 40);
}

TEST(held, "references given to the embedder live until they are released")
{
    FIXTURE f = small_heap(1 << 20, true);
    load_text(&f, "(module (type $b (struct (field i32)))"
                  " (func (export \"make\") (param i32) (result anyref)"
                  "  (struct.new $b (local.get 0)))"
                  " (func (export \"read\") (param anyref) (result i32)"
                  "  (struct.get $b 0 (ref.cast (ref $b) (local.get 0))))"
                  " (func (export \"same\") (param externref) (result externref) (local.get 0))"
                  " (func (export \"i31\") (param i31ref) (result i32)"
                  "  (i31.get_s (local.get 0))))");
    wick_val_t arg = {.kind = WASM_I32, .of.i32 = 42}, made[3], out;
    for (int i = 0; i < 3; i++, arg.of.i32++)
        CHECK(!wick_func_call(fixture_func(&f, "make"), &arg, 1, &made[i], 1));
    for (int i = 0; i < 3; i++) {
        CHECK_INT(wick_ref_kind(&made[i]), WICK_REF_STRUCT);
        CHECK(!wick_func_call(fixture_func(&f, "read"), &made[i], 1, &out, 1));
        CHECK_INT(out.of.i32, 42 + i);
    }
    wick_store_release_refs(f.store);
    wick_store_collect(f.store);
    CHECK_INT(stats_of(&f).live, 0);

    int thing;
    wick_val_t outside = {.kind = WASM_EXTERNREF, .of.externref = &thing};
    CHECK(!wick_func_call(fixture_func(&f, "same"), &outside, 1, &out, 1));
    CHECK(out.kind == WASM_EXTERNREF && out.of.externref == &thing);
    wasm_trap_t *trap = wick_func_call(fixture_func(&f, "read"), &outside, 1, &out, 1);
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_CAST);
    wasm_trap_delete(trap);
    outside.of.externref = (void *)(uintptr_t)((uint64_t)1 << 62); /* has no room */
    trap = wick_func_call(fixture_func(&f, "same"), &outside, 1, &out, 1);
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_HOST);
    wasm_trap_delete(trap);
    wick_val_t number = wick_ref_new_i31(-5);
    CHECK(!wick_func_call(fixture_func(&f, "i31"), &number, 1, &out, 1));
    CHECK(out.of.i32 == -5 && wick_ref_i31(&number) == -5);
}

/* ---- Exceptions -------------------------------------------------------------------------------
 */

static wick_tag_t *exported_tag(const struct fixture *f)
{
    return wick_extern_as_tag(wick_instance_export(f->instance, "tag", 3));
}

/* Throws the tag "e" of its environment, unless the argument is 0: then calls "throw" again. */
static wasm_trap_t *throw(void *env, wick_caller_t *caller, wick_value_t *slots)
{
    struct fixture *f = env;
    wick_val_t args[2] = {{.kind = WASM_I32, .of.i32 = slots[0].i32}, wick_ref_new_i31(3)};
    if (slots[0].i32)
        return wick_trap_throw(wick_caller_store(caller), exported_tag(f), args, 2);
    wick_value_t inner[1] = {{.i32 = 77}};
    return wick_func_call_raw(fixture_func(f, "throw"), inner);
}

static const char EXCEPTIONS[] =
    "(module (import \"host\" \"throw\" (func $host (param i32)))"
    " (tag $e (export \"tag\") (param i32 anyref))"
    " (func (export \"throw\") (param i32) (throw $e (local.get 0) (ref.i31 (local.get 0))))"
    " (func (export \"host\") (param i32) (call $host (local.get 0)))"
    " (func (export \"catch\") (param i32) (result i32) (local anyref)"
    "  (block $out (result i32 anyref)"
    "   (try_table (catch $e $out) (call $host (local.get 0)))"
    "   (return (i32.const -1)))"
    "  (local.set 1)))";

TEST(exceptions, "exceptions cross between the embedder and WebAssembly with tag and arguments")
{
    FIXTURE f = small_heap(1 << 20, true);
    const wasm_valkind_t kinds[] = {WASM_I32};
    define_host(&f, "throw", 1, kinds, 0, throw);
    load_text(&f, EXCEPTIONS);
    wick_value_t five = {.i32 = 5}, zero = {.i32 = 0};
    wasm_trap_t *trap = call_trap(&f, "throw", five, zero);
    CHECK_STR(wick_trap_text(trap), "uncaught exception");
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_EXCEPTION);
    wick_val_t exception, args[2];
    wick_store_collect(f.store); /* the trap alone keeps it */
    CHECK(wick_trap_exception(trap, &exception));
    CHECK_INT(wick_ref_kind(&exception), WICK_REF_EXCEPTION);
    CHECK(wick_exception_tag(&exception) == exported_tag(&f));
    CHECK_INT(wick_exception_args(&exception, args, 2), 2);
    CHECK(args[0].of.i32 == 5 && wick_ref_i31(&args[1]) == 5);
    wasm_trap_delete(trap);

    CHECK_INT(call_i32(&f, "catch", 9, 0), 9);  /* thrown by the host */
    CHECK_INT(call_i32(&f, "catch", 0, 0), 77); /* by WebAssembly, through the host */
    trap = call_trap(&f, "host", five, zero);
    CHECK(wick_trap_exception(trap, &exception));
    wasm_trap_t *again = wick_trap_throw_again(f.store, &exception), *none;
    CHECK_INT(wick_trap_kind(again), WICK_TRAP_EXCEPTION);
    wasm_trap_delete(again);
    none = wick_trap_throw(f.store, exported_tag(&f), args, 1);
    CHECK_STR(wick_trap_text(none), "throw: 1 arguments, the tag takes 2");
    wasm_trap_delete(none);
    wasm_store_t *store = f.store; /* a trap may outlive its store */
    wick_linker_delete(f.linker);
    f.linker = NULL;
    wasm_store_delete(store);
    f.store = wasm_store_new(f.engine);
    CHECK(!wick_trap_exception(trap, &exception));
    wasm_trap_delete(trap);
}

TEST(tag_types, "tags have types that modules and objects describe")
{
    FIXTURE f = fixture_new();
    const wasm_valkind_t kinds[] = {WASM_I32};
    define_host(&f, "throw", 1, kinds, 0, throw);
    load_text(&f, EXCEPTIONS);
    const wasm_module_t *module = wick_instance_module(f.instance);
    wasm_externtype_t *type = wick_module_export_type(module, "tag", 3);
    wasm_externtype_t *copy = wasm_externtype_copy(type);
    CHECK_INT(wasm_externtype_kind(copy), WICK_EXTERN_TAG);
    CHECK_INT(wasm_functype_params(wick_externtype_as_tagtype(copy))->size, 2);
    CHECK(wasm_externtype_as_memorytype(type) == NULL);
    wasm_externtype_delete(copy);
    wasm_externtype_delete(type);
    wasm_functype_t *own_type = wick_tag_type(exported_tag(&f));
    wick_tag_t *tag = wick_tag_new(f.store, own_type);
    CHECK(wick_extern_as_tag(wick_tag_as_extern(tag)) == tag);
    type = wasm_extern_type(wick_tag_as_extern(tag));
    CHECK_INT(wasm_externtype_kind(type), WICK_EXTERN_TAG);
    wasm_externtype_delete(type);
    wasm_functype_delete(own_type);
}

/* ---- Types ------------------------------------------------------------------------------------
 */

TEST(depth, "sub types nest 63 deep and no deeper")
{
    FIXTURE f = fixture_new();
    char text[8192];
    for (int depth = 63; depth <= 64; depth++) {
        size_t used = (size_t)snprintf(text, sizeof(text), "(module (type (sub (struct)))");
        for (int i = 0; i < depth; i++)
            used +=
                (size_t)snprintf(text + used, sizeof(text) - used, "(type (sub %d (struct)))", i);
        snprintf(text + used, sizeof(text) - used,
                 "(func (export \"is\") (result i32) (ref.test (ref %d) (struct.new %d))"
                 " (ref.test (ref %d) (struct.new %d)) (i32.shl (i32.const 1)) (i32.or)))",
                 depth - 3, depth, depth, depth - 3);
        struct wat_result bytes = {0};
        struct err err = {0};
        CHECK_INT(wat_encode(span_of(text, strlen(text)), &bytes, &err), 0);
        wasm_module_t *module;
        wasm_message_t error;
        enum wick_status status = wick_module_new(f.store, bytes.data, bytes.size, &module, &error);
        CHECK_INT(status, depth == 63 ? WICK_OK : WICK_LIMIT);
        if (status)
            CHECK(strstr(error.data, "sub types nest deeper than 63"));
        wasm_byte_vec_delete(&error);
        wasm_module_delete(module);
        if (!status)
            fixture_load(&f, bytes.data, bytes.size);
        wat_result_fini(&bytes);
    }
    CHECK_INT(call_i32(&f, "is", 0, 0), 1);
}

/* ---- Shared memories --------------------------------------------------------------------------
 */

static const char SHARED[] =
    "(module (import \"host\" \"memory\" (memory 1 4 shared))"
    " (func (export \"add\") (param i32) (result i32)"
    "  (loop (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))"
    "   (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))) (i32.const 0))"
    " (func (export \"get\") (param i32) (result i32) (i32.load (local.get 0)))"
    " (func (export \"set\") (param i32 i32) (result i32)"
    "  (i32.atomic.store (local.get 0) (local.get 1)) (memory.atomic.notify (local.get 0)"
    "   (i32.const 10)))"
    " (func (export \"wait\") (param i32) (result i32)"
    "  (memory.atomic.wait32 (i32.const 64) (local.get 0) (i64.const -1)))"
    " (func (export \"soon\") (param i32) (result i32)"
    "  (memory.atomic.wait32 (i32.const 64) (local.get 0) (i64.const 1000)))"
    " (func (export \"grow\") (result i32) (memory.grow (i32.const 1)))"
    " (func (export \"size\") (result i32) (memory.size)))";

struct worker {
    wasm_engine_t *engine;
    wick_shared_memory_t *memory;
    pthread_t thread;
};

static void open_shared(struct fixture *f, const wick_shared_memory_t *shared)
{
    wasm_memory_t *memory = wick_memory_obtain(f->store, shared);
    CHECK_INT(wick_linker_define(f->linker, "host", 4, "memory", 6, wasm_memory_as_extern(memory)),
              WICK_OK);
    load_text(f, SHARED);
}

static void *work(void *argument)
{
    const struct worker *worker = argument;
    struct fixture f = {.engine = worker->engine, .store = wasm_store_new(worker->engine)};
    f.linker = wick_linker_new(f.store);
    open_shared(&f, worker->memory);
    call_i32(&f, "add", 20000, 0);
    int32_t woken = call_i32(&f, "wait", 0, 0);
    CHECK(woken == 0 || woken == 1); /* 1: came when it was over */
    CHECK_INT(call_i32(&f, "size", 0, 0), 2);
    CHECK_INT(call_i32(&f, "get", 65536 + 8, 0), 99);
    wick_linker_delete(f.linker);
    wasm_store_delete(f.store);
    return NULL;
}

TEST(threads, "threads share a memory: atomics, growth, wait and notify")
{
    FIXTURE f = fixture_new();
    wick_limits_t limits = {.min = 1, .max = 4, .has_max = true, .shared = true};
    wasm_memorytype_t *type = wick_memorytype_new(&limits);
    wasm_memory_t *memory = wasm_memory_new(f.store, type);
    wasm_memorytype_delete(type);
    wick_shared_memory_t *shared = wick_memory_share(memory);
    CHECK(shared != NULL);
    open_shared(&f, shared);
    struct worker workers[3];
    for (size_t i = 0; i < 3; i++) {
        workers[i] = (struct worker){f.engine, shared, 0};
        CHECK_INT(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    CHECK_INT(call_i32(&f, "soon", 1, 0), 1); /* another value */
    CHECK_INT(call_i32(&f, "soon", 0, 0), 2); /* nobody came */
    while (call_i32(&f, "get", 0, 0) < 3 * 20000)
        continue;
    CHECK_INT(call_i32(&f, "grow", 0, 0), 1);
    call_i32(&f, "set", 65536 + 8, 99);
    call_i32(&f, "set", 64, 1);
    for (size_t i = 0; i < 3; i++)
        pthread_join(workers[i].thread, NULL);
    CHECK_INT(call_i32(&f, "get", 0, 0), 3 * 20000);
    wick_store_set_deadline(f.store, 1);
    wick_value_t one = {.i32 = 1}, zero = {.i32 = 0};
    wasm_trap_t *trap = call_trap(&f, "wait", one, zero);
    CHECK_INT(wick_trap_kind(trap), WICK_TRAP_DEADLINE);
    wasm_trap_delete(trap);
    wick_shared_memory_delete(shared);
}

TEST(narrow, "a narrow compare-exchange looks at the low bits of what is expected")
{
    FIXTURE f = fixture_new();
    load_text(&f, "(module (memory 1) (func (export \"narrow\") (param i32 i32) (result i32)"
                  " (i32.store (i32.const 0) (i32.const 0x11223344))"
                  " (drop (i32.atomic.rmw8.cmpxchg_u (i32.const 0) (local.get 0) (local.get 1)))"
                  " (i32.load (i32.const 0))))");
    CHECK_INT(call_i32(&f, "narrow", 0x7744, 0x99aa), 0x112233aa);
    CHECK_INT(call_i32(&f, "narrow", 0x45, 0x99aa), 0x11223344);
}

TAP_MAIN()
