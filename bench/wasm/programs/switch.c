// SPDX-License-Identifier: Apache-2.0
/* An interpreter of bytecode for a machine with a stack: one loop around one large switch. */
#include "bench.h"

enum code {
    PUSH,
    LOAD,
    STORE,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    AND,
    OR,
    XOR,
    SHIFT,
    LESS,
    EQUAL,
    JUMP,
    JUMP_IF,
    DUPLICATE,
    DROP,
    SWAP,
    FETCH,
    PUT,
    CALL,
    RETURN,
    HALT,
};

struct instruction {
    uint8_t code;
    int32_t operand;
};

/* Counts primes with a sieve in `cells`, then computes a Collatz length with a subroutine at 44. */
static const struct instruction program[] = {
    {PUSH, 2},     {STORE, 0}, /* i = 2 */
    {LOAD, 0},     {PUSH, 5000},  {LESS, 0},   {JUMP_IF, 8},  {PUSH, 0},     {JUMP, 30}, {LOAD, 0},
    {FETCH, 0},    {JUMP_IF, 25},                          /* crossed out: next */
    {LOAD, 2},     {PUSH, 1},     {ADD, 0},    {STORE, 2}, /* primes++ */
    {LOAD, 0},     {LOAD, 0},     {ADD, 0},    {STORE, 1}, /* j = 2i */
    {LOAD, 1},     {PUSH, 5000},  {LESS, 0},   {JUMP_IF, 38}, {JUMP, 25},    {HALT, 0},  {LOAD, 0},
    {PUSH, 1},     {ADD, 0},      {STORE, 0},  {JUMP, 2}, /* 25: i++ */
    {STORE, 3},    {LOAD, 3},     {PUSH, 400}, {LESS, 0},     {JUMP_IF, 36}, {HALT, 0}, /* 30: k
                                                                                           loop */
    {CALL, 47},    {JUMP, 30},    {LOAD, 1},   {PUSH, 1},     {PUT, 0},      {LOAD, 1},  {LOAD, 0},
    {ADD, 0},      {STORE, 1},    {JUMP, 19},                             /* 38 */
    {HALT, 0},     {LOAD, 3},     {PUSH, 1},   {ADD, 0},      {STORE, 4}, /* 47: n = k + 1 */
    {LOAD, 4},     {PUSH, 1},     {EQUAL, 0},  {JUMP_IF, 74},             /* 51 */
    {LOAD, 2},     {PUSH, 1},     {ADD, 0},    {STORE, 2},    {LOAD, 4},     {PUSH, 1},  {AND, 0},
    {JUMP_IF, 68}, {LOAD, 4},     {PUSH, 1},   {SHIFT, 0},    {STORE, 4},    {JUMP, 51}, {LOAD, 4},
    {PUSH, 3},     {MULTIPLY, 0}, {PUSH, 1},   {ADD, 0},      {JUMP, 76}, /* 68 */
    {JUMP, 78},    {HALT, 0},                                             /* 74 */
    {STORE, 4},    {JUMP, 51},                                            /* 76 */
    {LOAD, 3},     {PUSH, 1},     {ADD, 0},    {RETURN, 0},               /* 78 */
};

static int32_t cells[5000];

/* The stack's top stays in the array: what the compiler makes of that is part of the test. */
static NOINLINE int32_t interpret(uint32_t *steps)
{
    int32_t stack[64], variables[8] = {0};
    int32_t *top = stack;
    const struct instruction *at = program;
    const struct instruction *callers[8];
    int depth = 0;
    for (;; ++*steps) {
        int32_t operand = at->operand;
        switch (at++->code) {
        case PUSH:
            *++top = operand;
            break;
        case LOAD:
            *++top = variables[operand];
            break;
        case STORE:
            variables[operand] = *top--;
            break;
        case ADD:
            top--;
            *top = (int32_t)((uint32_t)top[0] + (uint32_t)top[1]);
            break;
        case SUBTRACT:
            top--;
            *top = (int32_t)((uint32_t)top[0] - (uint32_t)top[1]);
            break;
        case MULTIPLY:
            top--;
            *top = (int32_t)((uint32_t)top[0] * (uint32_t)top[1]);
            break;
        case DIVIDE:
            top--;
            *top = top[1] > 0 ? top[0] / top[1] : 0;
            break;
        case AND:
            top--;
            *top &= top[1];
            break;
        case OR:
            top--;
            *top |= top[1];
            break;
        case XOR:
            top--;
            *top ^= top[1];
            break;
        case SHIFT:
            top--;
            *top = (int32_t)((uint32_t)top[0] >> (top[1] & 31));
            break;
        case LESS:
            top--;
            *top = top[0] < top[1];
            break;
        case EQUAL:
            top--;
            *top = top[0] == top[1];
            break;
        case JUMP:
            at = program + operand;
            break;
        case JUMP_IF:
            if (*top--)
                at = program + operand;
            break;
        case DUPLICATE:
            top++;
            *top = top[-1];
            break;
        case DROP:
            top--;
            break;
        case SWAP: {
            int32_t other = top[-1];
            top[-1] = top[0];
            top[0] = other;
            break;
        }
        case FETCH:
            *top = cells[*top];
            break;
        case PUT:
            cells[top[-1]] = *top;
            top -= 2;
            break;
        case CALL:
            callers[depth++] = at;
            at = program + operand;
            break;
        case RETURN:
            at = callers[--depth];
            break;
        case HALT:
            return variables[2];
        }
    }
}

uint64_t kernel(void)
{
    uint64_t sum = 0;
    uint32_t steps = 0;
    for (int round = 0; round < 90; round++) {
        __builtin_memset(cells, 0, sizeof cells);
        sum = sum * 31 + (uint64_t)interpret(&steps);
    }
    return sum * 31 + steps;
}
