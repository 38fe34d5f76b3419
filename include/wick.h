/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libwick offers beyond the WebAssembly C API of <wasm.h>: limits, errors in words, vector
 * values, host functions without conversions, traps with kinds and names, and a linker by name.
 *
 * Everything of <wasm.h> on ownership and threads holds here. Functions return an enum wick_status,
 * or a trap where WebAssembly runs. A `wasm_message_t *error` may be NULL; on failure it receives
 * an owned, NUL-terminated sentence (wasm_byte_vec_delete it), on success it is left empty.
 *
 *     wasm_module_t *module;
 *     wasm_message_t error;
 *     if (wick_module_new(store, bytes, size, &module, &error)) {
 *         fprintf(stderr, "hello.wasm: %s\n", error.data);
 *         wasm_byte_vec_delete(&error);
 *     }
 */
#ifndef WICK_H
#define WICK_H

#include <stdio.h>
#include <wasm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WICK_NODISCARD __attribute__((warn_unused_result))

enum wick_status {
    WICK_OK = 0,
    WICK_MALFORMED,  /* the bytes are not a module (binary format, core spec section 5) */
    WICK_INVALID,    /* a module that breaks a validation rule (core spec section 3) */
    WICK_UNLINKABLE, /* an import is missing or of another type */
    WICK_TRAPPED,    /* a segment or the start function trapped; see the trap */
    WICK_LIMIT,      /* refused by a limit of the configuration or the implementation */
    WICK_NO_MEMORY,
    WICK_USAGE, /* the caller passed what cannot be */
};

/* A fixed word for a status: "ok", "malformed", "invalid", "unlinkable", … */
WASM_API_EXTERN const char *wick_status_name(enum wick_status);

/* ---- Configuration and limits -----------------------------------------------------------------
 * Set before wasm_engine_new_with_config. The limits hold for each store of the engine. */

enum wick_engine {
    WICK_ENGINE_INTERP,   /* the reference interpreter */
    WICK_ENGINE_COMPILER, /* machine code for x86-64, a function at its first call; the default */
};

/* WICK_USAGE if this build has no such engine. The engine itself cannot be made on a processor
 * without SSE4.2. */
WASM_API_EXTERN enum wick_status wick_config_set_engine(wasm_config_t *, enum wick_engine);
/* Bytes that one linear memory may reach. A memory whose minimum is larger cannot be created,
 * memory.grow beyond it answers -1. Default, and for 32-bit memories also the most: 4 GiB less
 * 64 KiB for 32-bit memories, 16 GiB for 64-bit ones. */
WASM_API_EXTERN void wick_config_set_max_memory(wasm_config_t *, uint64_t bytes);
/* Elements that one table may reach. Default: 10 000 000. */
WASM_API_EXTERN void wick_config_set_max_table(wasm_config_t *, uint64_t elements);
/* Bytes that the collected heap of a store may reach: structs, arrays and exceptions. An allocation
 * that does not fit after a collection traps with WICK_TRAP_NO_MEMORY. Default: 1 GiB. */
WASM_API_EXTERN void wick_config_set_max_heap(wasm_config_t *, uint64_t bytes);
/* For tests of engines and host functions: collects at each allocation and overwrites what it
 * frees, so that a reference that is not a root is soon found out. Very slow. Default: no. */
WASM_API_EXTERN void wick_config_set_heap_stress(wasm_config_t *, bool enabled);
/* Bytes of stack for WebAssembly frames per store; using more traps with WICK_TRAP_STACK.
 * Default: 4 MiB. Rounded up to a page; at least 64 KiB. */
WASM_API_EXTERN void wick_config_set_stack(wasm_config_t *, size_t bytes);
/* Whether stores count fuel. Default: no. A store of such an engine begins with none. */
WASM_API_EXTERN void wick_config_set_fuel(wasm_config_t *, bool enabled);

/* Whether 32-bit memories take 8 GiB of address space each, so that compiled code need not check
 * addresses. Default: yes; where the host does not grant it, and without, code checks. */
WASM_API_EXTERN void wick_config_set_guard(wasm_config_t *, bool enabled);
/* Whether modules are compiled as a whole when they are loaded, not function by function when these
 * are called. Default: no. */
WASM_API_EXTERN void wick_config_set_eager(wasm_config_t *, bool enabled);

/* Whether compiled code keeps to SSE4.2 and POPCNT, though the processor may have more. Default:
 * no.
 */
WASM_API_EXTERN void wick_config_set_baseline(wasm_config_t *, bool enabled);
/* Whether the addresses of compiled functions are written to /tmp/perf-PID.map, for perf(1).
 * Default: no. */
WASM_API_EXTERN void wick_config_set_perf_map(wasm_config_t *, bool enabled);
/* Whether gdb(1) is told of compiled functions, by name and with how to unwind them. Default: no.
 */
WASM_API_EXTERN void wick_config_set_gdb(wasm_config_t *, bool enabled);

/* One unit of fuel is used by each call and each iteration of a loop. When it is used up the
 * running code traps with WICK_TRAP_FUEL. No effect unless the engine counts fuel. */
WASM_API_EXTERN void wick_store_set_fuel(wasm_store_t *, uint64_t units);
WASM_API_EXTERN uint64_t wick_store_fuel(const wasm_store_t *);
/* Running code traps with WICK_TRAP_DEADLINE soon after CLOCK_MONOTONIC passes this time in
 * nanoseconds: a loop that walks through a memory may come to its end first. 0 (the default) is no
 * deadline. */
WASM_API_EXTERN void wick_store_set_deadline(wasm_store_t *, uint64_t monotonic_ns);
/* Makes the running code, or the next to run, trap with WICK_TRAP_INTERRUPTED, as soon as for a
 * deadline. Async-signal-safe and callable from any thread while the store exists. The request is
 * used up by the trap. */
WASM_API_EXTERN void wick_store_interrupt(wasm_store_t *);
WASM_API_EXTERN wasm_engine_t *wick_store_engine(const wasm_store_t *);
/* A pointer of the embedder's, for example to its WASI state. */
WASM_API_EXTERN void wick_store_set_data(wasm_store_t *, void *data);
WASM_API_EXTERN void *wick_store_data(const wasm_store_t *);

/* ---- Modules ----------------------------------------------------------------------------------
 */

/* Decodes and validates `size` bytes, which are copied. WICK_MALFORMED, WICK_INVALID, WICK_LIMIT or
 * WICK_NO_MEMORY with a sentence such as "offset 0x1f: type mismatch: expected i32, found f64".
 * The text after "offset 0x…: " begins with the words of the specification's test suite. */
WASM_API_EXTERN enum wick_status wick_module_new(wasm_store_t *, const uint8_t *bytes, size_t size,
                                                 own wasm_module_t **out,
                                                 own wasm_message_t *error) WICK_NODISCARD;
/* The same without a copy: the bytes must neither change nor go while the module lives, or a store
 * in which it was instantiated, or a trap of it. */
WASM_API_EXTERN enum wick_status wick_module_borrow(wasm_store_t *, const uint8_t *bytes,
                                                    size_t size, own wasm_module_t **out,
                                                    own wasm_message_t *error) WICK_NODISCARD;
/* The same check without keeping the module. */
WASM_API_EXTERN enum wick_status wick_validate(wasm_store_t *, const uint8_t *bytes, size_t size,
                                               own wasm_message_t *error) WICK_NODISCARD;
/* The contents of the index-th custom section of that name (0 is the first), borrowed from the
 * module. NULL if there is none. */
WASM_API_EXTERN const uint8_t *wick_module_custom_section(const wasm_module_t *, const char *name,
                                                          size_t index, size_t *size);
/* The module's own name from the name section, borrowed, not NUL-terminated. NULL if none. */
WASM_API_EXTERN const char *wick_module_name(const wasm_module_t *, size_t *length);
/* The type of an export by name; owned. NULL if there is none. */
WASM_API_EXTERN own wasm_externtype_t *wick_module_export_type(const wasm_module_t *,
                                                               const char *name, size_t length);

/* Kinds of externals and values beyond those of <wasm.h>, whose functions answer them too. */
enum {
    WICK_EXTERN_TAG = WASM_EXTERN_MEMORY + 1,
    WICK_ANYREF = WASM_FUNCREF + 1, /* of the hierarchy of any: i31, struct, array, none … */
    WICK_EXNREF,                    /* an exception */
};

/* What the compiler makes of a function, as text for people. */
enum wick_dump {
    WICK_DUMP_SSA,  /* the intermediate form, after optimisation */
    WICK_DUMP_CODE, /* machine code in hexadecimal, with the offsets in the module that it is for */
};
/* Writes it to the stream; for an import nothing. WICK_USAGE if there is no such function or the
 * engine is an interpreter; WICK_LIMIT if the function is left to the interpreter. */
WASM_API_EXTERN enum wick_status wick_module_dump(const wasm_module_t *, uint32_t func_index,
                                                  enum wick_dump, FILE *) WICK_NODISCARD;

/* How many functions of the module have machine code by now; 0 if the engine is an interpreter. */
WASM_API_EXTERN uint32_t wick_module_compiled(const wasm_module_t *);

/* ---- Values -----------------------------------------------------------------------------------
 */

/* A value with its kind, vectors and references included. */
typedef struct wick_val_t {
    wasm_valkind_t kind;
    union {
        int32_t i32;
        int64_t i64;
        float32_t f32;
        float64_t f64;
        uint8_t v128[16];  /* lane 0 first, little-endian */
        wasm_func_t *func; /* WASM_FUNCREF; NULL is the null reference */
        void *externref;   /* WASM_EXTERNREF; any pointer or number below 2^62, NULL is the null
                            * reference. Through wasm_val_t it is a wasm_ref_t *. */
        uint64_t ref;      /* WICK_ANYREF, WICK_EXNREF; opaque, 0 is the null reference. An
                            * externref that holds such a value has kind WICK_ANYREF. */
    } of;
} wick_val_t;

/* One slot of a call without conversions: 8 bytes. A v128 takes two consecutive slots. An i32 or
 * f32 leaves the upper half undefined. A reference is the engine's own word: for an externref, see
 * wick_externref_word. */
typedef union wick_value_t {
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float32_t f32;
    float64_t f64;
    wasm_func_t *func;
    uint64_t ref;
} wick_value_t;

/* What a slot holds for a value of the embedder's, a pointer or number below 2^62, as an externref
 * (or anyref), and back; NULL is the null reference. */
static inline uint64_t wick_externref_word(const void *value)
{
    return value ? (uint64_t)(uintptr_t)value << 2 | 2 : 0;
}

static inline void *wick_externref_value(uint64_t word)
{
    return (void *)(uintptr_t)(word >> 2);
}

/* What a reference refers to. */
enum wick_ref_kind {
    WICK_REF_NULL,
    WICK_REF_FUNC,
    WICK_REF_HOST, /* a value of the embedder's */
    WICK_REF_I31,
    WICK_REF_STRUCT,
    WICK_REF_ARRAY,
    WICK_REF_EXCEPTION,
};

/* The value must be a reference. */
WASM_API_EXTERN enum wick_ref_kind wick_ref_kind(const wick_val_t *);
/* An i31 of the low 31 bits, and its value with its sign. */
WASM_API_EXTERN wick_val_t wick_ref_new_i31(int32_t);
WASM_API_EXTERN int32_t wick_ref_i31(const wick_val_t *);
/* References to structs, arrays and exceptions that the API gave to the embedder (results, globals,
 * elements of tables, exceptions) stay valid until this call; what nothing else refers to may then
 * be collected. Do not call it while values that will still be used are held. The arguments of a
 * host function are valid until it returns. */
WASM_API_EXTERN void wick_store_release_refs(wasm_store_t *);
/* What the collected heap of a store is like. */
typedef struct wick_heap_stats_t {
    uint64_t used;        /* bytes of the blocks in use */
    uint64_t live;        /* bytes that the last collection kept */
    uint64_t collections; /* so far */
    uint64_t pause_ns;    /* the longest of them */
    uint64_t total_ns;    /* all of them */
} wick_heap_stats_t;
WASM_API_EXTERN void wick_store_heap_stats(const wasm_store_t *, wick_heap_stats_t *out);
/* Collects now. */
WASM_API_EXTERN void wick_store_collect(wasm_store_t *);

WASM_API_EXTERN own wasm_valtype_t *wick_valtype_new_v128(void);
/* Writes a type as in the text format ("i32", "(ref null func)"); as snprintf. */
WASM_API_EXTERN int wick_valtype_print(const wasm_valtype_t *, char *buffer, size_t size);
/* Limits in 64 bits. Without has_max, max is ignored. index64: addressed by i64 (memory64). */
typedef struct wick_limits_t {
    uint64_t min;
    uint64_t max;
    bool has_max;
    bool index64;
    bool shared;
} wick_limits_t;
WASM_API_EXTERN own wasm_memorytype_t *wick_memorytype_new(const wick_limits_t *);
WASM_API_EXTERN wick_limits_t wick_memorytype_limits(const wasm_memorytype_t *);
WASM_API_EXTERN own wasm_tabletype_t *wick_tabletype_new(own wasm_valtype_t *,
                                                         const wick_limits_t *);
WASM_API_EXTERN wick_limits_t wick_tabletype_limits(const wasm_tabletype_t *);

/* As wasm_func_call, with all kinds of values. Wrong numbers or kinds give a WICK_TRAP_HOST trap.
 */
WASM_API_EXTERN own wasm_trap_t *wick_func_call(const wasm_func_t *, const wick_val_t *args,
                                                size_t arg_count, wick_val_t *results,
                                                size_t result_count) WICK_NODISCARD;
/* As wick_func_call, unchecked: `slots` holds the arguments and receives the results, and has room
 * for the larger of the two. */
WASM_API_EXTERN own wasm_trap_t *wick_func_call_raw(const wasm_func_t *,
                                                    wick_value_t *slots) WICK_NODISCARD;
WASM_API_EXTERN own wasm_global_t *wick_global_new(wasm_store_t *, const wasm_globaltype_t *,
                                                   const wick_val_t *);
WASM_API_EXTERN void wick_global_get(const wasm_global_t *, wick_val_t *out);
/* WICK_USAGE if it is immutable or the kind differs. */
WASM_API_EXTERN enum wick_status wick_global_set(wasm_global_t *, const wick_val_t *);
/* 64-bit sizes; memory in pages of 64 KiB, table in elements. */
WASM_API_EXTERN uint64_t wick_memory_size(const wasm_memory_t *);
WASM_API_EXTERN bool wick_memory_grow(wasm_memory_t *, uint64_t delta);
/* A shared memory (limits with `shared`), to be used by several stores on several threads at once:
 * share it in one and obtain it in the others, which keep it alive. NULL if it is not shared, or
 * without memory. A wick_shared_memory_t may go from thread to thread. */
typedef struct wick_shared_memory_t wick_shared_memory_t;
WASM_API_EXTERN own wick_shared_memory_t *wick_memory_share(const wasm_memory_t *);
WASM_API_EXTERN own wasm_memory_t *wick_memory_obtain(wasm_store_t *, const wick_shared_memory_t *);
WASM_API_EXTERN void wick_shared_memory_delete(own wick_shared_memory_t *);
WASM_API_EXTERN uint64_t wick_table_size(const wasm_table_t *);
WASM_API_EXTERN bool wick_table_get(const wasm_table_t *, uint64_t index, wick_val_t *out);

/* ---- Host functions without conversions -------------------------------------------------------
 */

typedef struct wick_caller_t wick_caller_t;

/* `slots`: arguments on entry, results on return. Returns an owned trap to unwind, else NULL. */
typedef own wasm_trap_t *(*wick_host_callback_t)(void *env, wick_caller_t *caller,
                                                 wick_value_t *slots);

/* `finalizer`, if not NULL, is called with env when the store is deleted. */
WASM_API_EXTERN own wasm_func_t *wick_func_new_raw(wasm_store_t *, const wasm_functype_t *,
                                                   wick_host_callback_t, void *env,
                                                   void (*finalizer)(void *env));

/* The caller's export "memory" and its size in bytes now; NULL and 0 if it has none. Both are stale
 * after WebAssembly ran again or the memory grew. */
WASM_API_EXTERN uint8_t *wick_caller_memory(const wick_caller_t *, size_t *size);
/* The calling instance, borrowed; NULL if the host called the function itself. */
WASM_API_EXTERN wasm_instance_t *wick_caller_instance(const wick_caller_t *);
WASM_API_EXTERN wasm_store_t *wick_caller_store(const wick_caller_t *);

/* ---- Traps ------------------------------------------------------------------------------------
 */

enum wick_trap_kind {
    WICK_TRAP_NONE = 0,
    WICK_TRAP_UNREACHABLE,       /* "unreachable" */
    WICK_TRAP_MEMORY,            /* "out of bounds memory access" */
    WICK_TRAP_TABLE,             /* "out of bounds table access" */
    WICK_TRAP_UNDEFINED_ELEMENT, /* "undefined element": call_indirect beyond the table */
    WICK_TRAP_UNINITIALIZED,     /* "uninitialized element": call_indirect on null */
    WICK_TRAP_SIGNATURE,         /* "indirect call type mismatch" */
    WICK_TRAP_NULL_REFERENCE,    /* "null reference" */
    WICK_TRAP_NULL_FUNCTION,     /* "null function reference" */
    WICK_TRAP_DIVIDE_BY_ZERO,    /* "integer divide by zero" */
    WICK_TRAP_OVERFLOW,          /* "integer overflow" */
    WICK_TRAP_CONVERSION,        /* "invalid conversion to integer" */
    WICK_TRAP_STACK,             /* "call stack exhausted" */
    WICK_TRAP_FUEL,              /* "all fuel consumed" */
    WICK_TRAP_DEADLINE,          /* "deadline exceeded" */
    WICK_TRAP_INTERRUPTED,       /* "interrupted" */
    WICK_TRAP_NO_MEMORY,         /* "out of memory": the host has none left for the engine */
    WICK_TRAP_UNSUPPORTED,       /* "function exceeds an implementation limit" */
    WICK_TRAP_HOST,              /* a host function's own message */
    WICK_TRAP_EXIT,              /* not a failure: the program ended itself with a status */
    WICK_TRAP_CAST,              /* "cast failure": ref.cast */
    WICK_TRAP_NULL_STRUCT,       /* "null structure reference" */
    WICK_TRAP_NULL_ARRAY,        /* "null array reference" */
    WICK_TRAP_NULL_I31,          /* "null i31 reference" */
    WICK_TRAP_NULL_EXCEPTION,    /* "null exception reference": throw_ref */
    WICK_TRAP_ARRAY,             /* "out of bounds array access" */
    WICK_TRAP_EXCEPTION,         /* "uncaught exception": see wick_trap_exception */
    WICK_TRAP_UNALIGNED,         /* "unaligned atomic" */
    WICK_TRAP_NOT_SHARED,        /* "expected shared memory": memory.atomic.wait */
    WICK_TRAP_KIND_COUNT,
};

WASM_API_EXTERN enum wick_trap_kind wick_trap_kind(const wasm_trap_t *);
/* A trap of a given kind with the standard text, for host functions. NULL without memory. */
WASM_API_EXTERN own wasm_trap_t *wick_trap_new(wasm_store_t *, enum wick_trap_kind);
/* A WICK_TRAP_HOST trap with a text. */
__attribute__((format(printf, 2, 3))) WASM_API_EXTERN own wasm_trap_t *
wick_trap_new_text(wasm_store_t *, const char *format, ...);
/* Ends the program: unwinds as a trap of kind WICK_TRAP_EXIT that carries the status. */
WASM_API_EXTERN own wasm_trap_t *wick_trap_exit(wasm_store_t *, int32_t status);
/* True and the status if the trap is an exit. */
WASM_API_EXTERN bool wick_trap_exit_status(const wasm_trap_t *, int32_t *status);
/* The message, borrowed from the trap, NUL-terminated. */
WASM_API_EXTERN const char *wick_trap_text(const wasm_trap_t *);
/* ---- Tags and exceptions ----
 * An exception that no WebAssembly caught is a trap of kind WICK_TRAP_EXCEPTION. A host function
 * that returns such a trap, its own or one that it got from a call, throws the exception in its
 * caller. A trap that carries an exception belongs to the store's thread. */

typedef struct wick_tag_t wick_tag_t;

/* A tag; exceptions carry the type's parameters. Lives with the store. NULL if the type has
 * results, or without memory. */
WASM_API_EXTERN wick_tag_t *wick_tag_new(wasm_store_t *, const wasm_functype_t *);
WASM_API_EXTERN own wasm_functype_t *wick_tag_type(const wick_tag_t *);
WASM_API_EXTERN wasm_extern_t *wick_tag_as_extern(wick_tag_t *);
/* NULL if it is something else. */
WASM_API_EXTERN wick_tag_t *wick_extern_as_tag(wasm_extern_t *);
/* The function type that describes a tag, borrowed, if the kind is WICK_EXTERN_TAG; else NULL. */
WASM_API_EXTERN const wasm_functype_t *wick_externtype_as_tagtype(const wasm_externtype_t *);
/* The exception that the trap carries, as a value of kind WICK_EXNREF; false if it carries none. */
WASM_API_EXTERN bool wick_trap_exception(const wasm_trap_t *, wick_val_t *out);
/* NULL if the value is no exception. */
WASM_API_EXTERN wick_tag_t *wick_exception_tag(const wick_val_t *);
/* How many arguments the exception carries; the first `room` of them are stored. */
WASM_API_EXTERN size_t wick_exception_args(const wick_val_t *, wick_val_t *args, size_t room);
/* A trap that throws a new exception, or one again. */
WASM_API_EXTERN own wasm_trap_t *wick_trap_throw(wasm_store_t *, wick_tag_t *,
                                                 const wick_val_t *args, size_t count);
WASM_API_EXTERN own wasm_trap_t *wick_trap_throw_again(wasm_store_t *, const wick_val_t *exception);

/* Writes message and frames, one a line, into `buffer`; as snprintf:
 *     wasm trap: integer divide by zero
 *         0: ratio (function 3) at 0x1a2
 * At most the first and last 32 frames of a deep stack are kept. */
WASM_API_EXTERN int wick_trap_print_backtrace(const wasm_trap_t *, char *buffer, size_t size);
/* The function's name from the name section, borrowed, not NUL-terminated; NULL if none. */
WASM_API_EXTERN const char *wick_frame_name(const wasm_frame_t *, size_t *length);

/* ---- Instances and linking --------------------------------------------------------------------
 */

/* As wasm_instance_new, saying why it failed: WICK_UNLINKABLE with text; WICK_TRAPPED with *trap
 * (trap may be NULL); WICK_LIMIT; WICK_NO_MEMORY. */
WASM_API_EXTERN enum wick_status wick_instance_new(wasm_store_t *, const wasm_module_t *,
                                                   const wasm_extern_vec_t *imports,
                                                   own wasm_instance_t **out,
                                                   own wasm_trap_t **trap,
                                                   own wasm_message_t *error) WICK_NODISCARD;
/* An export by name; borrowed, lives with the store. NULL if there is none. */
WASM_API_EXTERN wasm_extern_t *wick_instance_export(const wasm_instance_t *, const char *name,
                                                    size_t length);
/* The module, borrowed. */
WASM_API_EXTERN const wasm_module_t *wick_instance_module(const wasm_instance_t *);

typedef struct wick_linker_t wick_linker_t;

/* Names are copied. A later definition of the same name replaces the earlier one. The linker
 * belongs to the store and must be deleted before it. */
WASM_API_EXTERN own wick_linker_t *wick_linker_new(wasm_store_t *);
WASM_API_EXTERN void wick_linker_delete(own wick_linker_t *);
WASM_API_EXTERN enum wick_status wick_linker_define(wick_linker_t *, const char *module,
                                                    size_t module_length, const char *name,
                                                    size_t name_length, wasm_extern_t *);
/* Defines a raw host function; strings are NUL-terminated here. */
WASM_API_EXTERN enum wick_status wick_linker_define_func(wick_linker_t *, const char *module,
                                                         const char *name, const wasm_functype_t *,
                                                         wick_host_callback_t, void *env);
/* Defines all exports of the instance below the module name. */
WASM_API_EXTERN enum wick_status wick_linker_define_instance(wick_linker_t *, const char *module,
                                                             size_t module_length,
                                                             const wasm_instance_t *);
/* Defines each function that the module imports and that the linker lacks by one that traps when it
 * is called, with a message that names it. For modules that import more than they use. */
WASM_API_EXTERN enum wick_status wick_linker_define_missing(wick_linker_t *, const wasm_module_t *);
/* The definition, borrowed; NULL if there is none. */
WASM_API_EXTERN wasm_extern_t *wick_linker_get(const wick_linker_t *, const char *module,
                                               size_t module_length, const char *name,
                                               size_t name_length);
/* As wick_instance_new with the imports looked up by name. */
WASM_API_EXTERN enum wick_status
wick_linker_instantiate(const wick_linker_t *, const wasm_module_t *, own wasm_instance_t **out,
                        own wasm_trap_t **trap, own wasm_message_t *error) WICK_NODISCARD;

#ifdef __cplusplus
}
#endif

#endif /* WICK_H */
