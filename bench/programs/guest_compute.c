// SPDX-License-Identifier: Apache-2.0
/* Nanoseconds for work that needs the processor, and then for work that needs memory: 64 MiB. */
#include "measure.h"

enum {
    LOOPS = 10000000,
    HASHED = 1 << 20,
    MEMORY = 64 << 20,
    CACHED = 256 << 10,
    STEPS = 100000,
    REPETITIONS = 5,
};

static volatile uint64_t sink;
static unsigned char *from, *to;

static void integers(void)
{
    uint64_t x = 88172645463325252;
    for (int i = 0; i < LOOPS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x += x % 7;
    }
    sink = x;
}

static void floats(void)
{
    double x = 0.5;
    for (int i = 0; i < LOOPS; i++)
        x = 3.99 * x * (1.0 - x) + 1.0 / (i + 4.0);
    sink = (uint64_t)(x * 1e6);
}

/* --- SHA-256 (FIPS 180-4, section 6.2) -----------------------------------------------------------
 */

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t value, int by)
{
    return value >> by | value << (32 - by);
}

static void hash_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof(s));
    for (int i = 0; i < 64; i++) {
        uint32_t one = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                       ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
        uint32_t two = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                       ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof(s[0]));
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static void sha256(void)
{
    uint32_t state[8];
    memcpy(state, start, sizeof(state));
    for (size_t at = 0; at < HASHED; at += 64)
        hash_block(state, from + at);
    sink = state[0];
}

/* The digest of "abc", so that what is measured is SHA-256. */
static void check_sha256(void)
{
    unsigned char block[64] = {'a', 'b', 'c', 0x80, [63] = 24};
    uint32_t state[8];
    memcpy(state, start, sizeof(state));
    hash_block(state, block);
    if (state[0] != 0xba7816bf || state[7] != 0xf20015ad) {
        puts("SHA-256 is wrong");
        exit(1);
    }
}

/* --- Memory --------------------------------------------------------------------------------------
 */

static void copy(void)
{
    memcpy(to, from, MEMORY);
}

/* As much in pieces that a cache holds: slow if libc is told of none. */
static void copy_cached(void)
{
    for (size_t i = 0; i < MEMORY / CACHED; i++) {
        memcpy(to, from, CACHED);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
}

static void set(void)
{
    memset(to, 3, MEMORY);
}

static void read_all(void)
{
    const uint64_t *words = (const uint64_t *)from;
    uint64_t sum[4] = {0};
    for (size_t i = 0; i < MEMORY / sizeof(*words); i += 4) {
        for (int lane = 0; lane < 4; lane++)
            sum[lane] += words[i + (size_t)lane];
    }
    sink = sum[0] + sum[1] + sum[2] + sum[3];
}

/* A walk in which each place names the next. */
static void prepare_chase(void)
{
    uint32_t *next = (uint32_t *)to;
    uint32_t places = MEMORY / 64, stride = 64 / sizeof(*next);
    /* A linear congruential sequence visits every place once. */
    for (uint32_t i = 0; i < places; i++)
        next[i * stride] = (i * 1664525u + 1013904223u) % places * stride;
}

static void chase(void)
{
    const uint32_t *next = (const uint32_t *)to;
    uint32_t at = 0;
    for (int i = 0; i < STEPS; i++)
        at = next[at];
    sink = at;
}

int main(void)
{
    check_sha256();
    from = map(MEMORY);
    to = map(MEMORY);
    memset(from, 1, MEMORY);
    memset(to, 2, MEMORY);
    report("integers", best_of(REPETITIONS, integers));
    report("floats", best_of(REPETITIONS, floats));
    report("sha256", best_of(REPETITIONS, sha256));
    report("memcpy", best_of(REPETITIONS, copy));
    report("memcpy_cached", best_of(REPETITIONS, copy_cached));
    report("memset", best_of(REPETITIONS, set));
    report("read", best_of(REPETITIONS, read_all));
    prepare_chase();
    report("chase", best_of(REPETITIONS, chase));
    return 0;
}
