/* SPDX-License-Identifier: Apache-2.0 */
/* Atomic memory accesses of the interpreter (proposal threads), all sequentially consistent. */
#include "wick/atomic.h"
#include "wick/helpers.h"
#include "wick/opcode.h"
#include "wick/shared.h"

/* For each width: performs the operation and answers what was there before. All operands are cut to
 * the width, the expected value of a compare-exchange too. */
#define DEFINE_ACCESS(type)                                                                        \
    static uint64_t access_##type(enum atomic_operation operation, type *at, uint64_t value,       \
                                  uint64_t replacement)                                            \
    {                                                                                              \
        type operand = (type)value, expected = (type)value;                                        \
        switch (operation) {                                                                       \
        case ATOMIC_LOAD:                                                                          \
            return __atomic_load_n(at, __ATOMIC_SEQ_CST);                                          \
        case ATOMIC_STORE:                                                                         \
            __atomic_store_n(at, operand, __ATOMIC_SEQ_CST);                                       \
            return 0;                                                                              \
        case ATOMIC_ADD:                                                                           \
            return __atomic_fetch_add(at, operand, __ATOMIC_SEQ_CST);                              \
        case ATOMIC_SUB:                                                                           \
            return __atomic_fetch_sub(at, operand, __ATOMIC_SEQ_CST);                              \
        case ATOMIC_AND:                                                                           \
            return __atomic_fetch_and(at, operand, __ATOMIC_SEQ_CST);                              \
        case ATOMIC_OR:                                                                            \
            return __atomic_fetch_or(at, operand, __ATOMIC_SEQ_CST);                               \
        case ATOMIC_XOR:                                                                           \
            return __atomic_fetch_xor(at, operand, __ATOMIC_SEQ_CST);                              \
        case ATOMIC_XCHG:                                                                          \
            return __atomic_exchange_n(at, operand, __ATOMIC_SEQ_CST);                             \
        default:                                                                                   \
            __atomic_compare_exchange_n(at, &expected, (type)replacement, false, __ATOMIC_SEQ_CST, \
                                        __ATOMIC_SEQ_CST);                                         \
            return expected;                                                                       \
        }                                                                                          \
    }
DEFINE_ACCESS(uint8_t)
DEFINE_ACCESS(uint16_t)
DEFINE_ACCESS(uint32_t)
DEFINE_ACCESS(uint64_t)
#undef DEFINE_ACCESS

static uint64_t access(enum atomic_operation operation, void *at, unsigned bytes, uint64_t value,
                       uint64_t replacement)
{
    switch (bytes) {
    case 1:
        return access_uint8_t(operation, at, value, replacement);
    case 2:
        return access_uint16_t(operation, at, value, replacement);
    case 4:
        return access_uint32_t(operation, at, value, replacement);
    default:
        return access_uint64_t(operation, at, value, replacement);
    }
}

/* The address of the access. Memory begins at a page, so that the host's address is aligned as the
 * program's is. */
static enum wick_trap_kind reach(struct interp *interp, const wick_value_t *fp,
                                 const struct insn *insn, unsigned bytes, uint8_t **at)
{
    *at = interp_address(interp, fp, insn, bytes);
    if (!*at)
        return WICK_TRAP_MEMORY;
    return (uintptr_t)*at % bytes ? WICK_TRAP_UNALIGNED : WICK_TRAP_NONE;
}

enum wick_trap_kind do_atomic(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    struct atomic_access what = atomic_access((uint16_t)(0xFF00 + insn[1].b));
    uint8_t *at;
    enum wick_trap_kind kind = reach(interp, fp, insn, what.bytes, &at);
    if (kind)
        return kind;
    const wick_value_t *operands = &fp[insn[1].a];
    enum atomic_operation operation = (enum atomic_operation)what.operation;
    uint64_t value = what.is_wide ? operands[0].u64 : operands[0].u32;
    uint64_t old = access(operation, at, what.bytes, value, operands[1].u64);
    if (operation != ATOMIC_STORE)
        fp[insn->dst].u64 = old;
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_atomic_wait(struct interp *interp, wick_value_t *fp, const struct insn *insn)
{
    unsigned bytes = insn[1].b == OPCODE_MEMORY_ATOMIC_WAIT32 - 0xFF00 ? 4 : 8;
    struct wasm_memory_t *memory = interp->instance->memories[insn[1].x];
    const wick_value_t *operands = &fp[insn[1].a];
    uint8_t *at;
    enum wick_trap_kind kind = reach(interp, fp, insn, bytes, &at);
    if (kind)
        return kind;
    if (!memory->shared)
        return WICK_TRAP_NOT_SHARED;
    uint64_t expected = bytes == 4 ? operands[0].u32 : operands[0].u64;
    int result = shared_memory_wait(memory, at, expected, bytes, operands[1].i64);
    if (result < 0)
        return (enum wick_trap_kind) - result;
    fp[insn->dst].i32 = result;
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_atomic_notify(struct interp *interp, wick_value_t *fp,
                                     const struct insn *insn)
{
    struct wasm_memory_t *memory = interp->instance->memories[insn[1].x];
    uint8_t *at;
    enum wick_trap_kind kind = reach(interp, fp, insn, 4, &at);
    if (kind)
        return kind;
    fp[insn->dst].u32 = memory->shared ? shared_memory_notify(memory, at, fp[insn[1].a].u32) : 0;
    return WICK_TRAP_NONE;
}

enum wick_trap_kind do_atomic_fence(struct interp *interp, wick_value_t *fp,
                                    const struct insn *insn)
{
    (void)interp, (void)fp, (void)insn;
    atomic_thread_fence(memory_order_seq_cst);
    return WICK_TRAP_NONE;
}
