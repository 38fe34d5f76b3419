// SPDX-License-Identifier: Apache-2.0
/* List processing, a matrix of 16-bit integers, a state machine over text and a CRC: the mixture
 * of CoreMark, written anew. */
#include "bench.h"

enum { NODES = 256, SIDE = 24, TEXT = 400, ROUNDS = 5000 };

struct node {
    struct node *next;
    int16_t key, value;
};

static struct node nodes[NODES];
static int16_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];
static char text[TEXT];

static NOINLINE uint16_t crc16(uint32_t value, uint16_t crc)
{
    for (int i = 0; i < 32; i++) {
        uint32_t bit = (value ^ crc) & 1;
        crc = (uint16_t)(crc >> 1);
        if (bit)
            crc ^= 0xa001;
        value >>= 1;
    }
    return crc;
}

static int by_key(const struct node *a, const struct node *b)
{
    return a->key - b->key;
}

static int by_value(const struct node *a, const struct node *b)
{
    return a->value - b->value;
}

static struct node *merge(struct node *a, struct node *b,
                          int (*compare)(const struct node *, const struct node *))
{
    struct node *head = NULL, **end = &head;
    while (a && b) {
        struct node **smaller = compare(a, b) <= 0 ? &a : &b;
        *end = *smaller;
        end = &(*smaller)->next;
        *smaller = *end;
    }
    *end = a ? a : b;
    return head;
}

static NOINLINE struct node *sort(struct node *list,
                                  int (*compare)(const struct node *, const struct node *))
{
    if (!list || !list->next)
        return list;
    struct node *slow = list;
    for (struct node *fast = list->next; fast && fast->next; fast = fast->next->next)
        slow = slow->next;
    struct node *half = slow->next;
    slow->next = NULL;
    return merge(sort(list, compare), sort(half, compare), compare);
}

static NOINLINE struct node *reverse(struct node *list)
{
    struct node *head = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = head;
        head = list;
        list = next;
    }
    return head;
}

static NOINLINE uint16_t work_on_list(int round, uint16_t crc)
{
    struct node *list = reverse(sort(nodes, round & 1 ? by_key : by_value));
    for (const struct node *node = list; node; node = node->next)
        if (node->value & 1)
            crc = crc16((uint32_t)node->key, crc);
    for (int i = 0; i < NODES; i++)
        nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
    nodes[round % NODES].value = (int16_t)(crc & 0x3fff);
    return crc;
}

static NOINLINE uint16_t work_on_matrix(int round, uint16_t crc)
{
    int32_t sum = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            int32_t cell = 0;
            for (int k = 0; k < SIDE; k++)
                cell += left[i][k] * right[k][j];
            product[i][j] = cell;
            sum += (cell >> 2 & 15) * (cell >> 5 & 127);
        }
    left[round % SIDE][round * 7 % SIDE] = (int16_t)sum;
    return crc16((uint32_t)sum, crc);
}

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, BAD };

static enum state follow(enum state state, char c)
{
    int digit = c >= '0' && c <= '9';
    switch (state) {
    case START:
        return digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : BAD;
    case SIGN:
        return digit ? INTEGER : c == '.' ? POINT : BAD;
    case INTEGER:
        return digit ? INTEGER : c == '.' ? POINT : c == 'e' ? EXPONENT : BAD;
    case POINT:
    case FRACTION:
        return digit ? FRACTION : c == 'e' ? EXPONENT : BAD;
    case EXPONENT:
        return digit || c == '-' ? EXPONENT : BAD;
    default:
        return BAD;
    }
}

static NOINLINE uint16_t work_on_text(int round, uint16_t crc)
{
    uint32_t ends[BAD + 1] = {0};
    enum state state = START;
    for (int i = 0; i < TEXT; i++) {
        if (text[i] == ',') {
            ends[state]++;
            state = START;
        } else {
            state = follow(state, text[i]);
        }
    }
    for (int i = 0; i <= BAD; i++)
        crc = crc16(ends[i], crc);
    text[round % TEXT] = "0123456789+-.e,,"[crc & 15];
    return crc;
}

uint64_t kernel(void)
{
    uint64_t random = 7;
    for (int i = 0; i < NODES; i++)
        nodes[i] = (struct node){i + 1 < NODES ? &nodes[i + 1] : NULL,
                                 (int16_t)(next_random(&random) & 0x3fff),
                                 (int16_t)(next_random(&random) & 0x3fff)};
    for (int i = 0; i < SIDE * SIDE; i++) {
        left[i / SIDE][i % SIDE] = (int16_t)next_random(&random);
        right[i / SIDE][i % SIDE] = (int16_t)next_random(&random);
    }
    for (int i = 0; i < TEXT; i++)
        text[i] = "0123456789+-.e,,"[next_random(&random) & 15];
    uint16_t crc = 0xffff;
    for (int round = 0; round < ROUNDS; round++) {
        crc = work_on_list(round, crc);
        crc = work_on_matrix(round, crc);
        crc = work_on_text(round, crc);
    }
    return crc;
}
