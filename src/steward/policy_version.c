// SPDX-License-Identifier: Apache-2.0
/* Requirements on versions, in the notation of Cargo, over versions of two numbers. */
#include "steward/policy.h"

#include <errno.h>
#include <string.h>

enum { PART_MAX = 255 };

enum operator{ OP_CARET, OP_TILDE, OP_EQUAL, OP_ABOVE, OP_AT_LEAST, OP_BELOW, OP_AT_MOST };

struct version {
    unsigned major, minor;
    bool any, any_minor; /* "*", "1.*" or "1" */
};

static void skip_blanks(struct span *text)
{
    while (text->size > 0 && text->data[0] == ' ')
        *text = span_of(text->data + 1, text->size - 1);
}

static bool take(struct span *text, const char *word)
{
    size_t size = strlen(word);
    if (text->size < size || memcmp(text->data, word, size) != 0)
        return false;
    *text = span_of(text->data + size, text->size - size);
    return true;
}

static bool take_number(struct span *text, unsigned *number)
{
    size_t digits = 0;
    *number = 0;
    while (digits < text->size && text->data[digits] >= '0' && text->data[digits] <= '9') {
        *number = *number * 10 + (text->data[digits++] - '0');
        if (*number > PART_MAX)
            return false;
    }
    *text = span_of(text->data + digits, text->size - digits);
    return digits > 0;
}

static enum operator take_operator(struct span *text)
{
    static const struct {
        const char *sign;
        enum operator meaning;
    } signs[] = {{">=", OP_AT_LEAST}, {"<=", OP_AT_MOST}, {">", OP_ABOVE}, {"<", OP_BELOW},
                 {"=", OP_EQUAL},     {"~", OP_TILDE},    {"^", OP_CARET}};
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (take(text, signs[i].sign))
            return signs[i].meaning;
    }
    return OP_CARET;
}

/* "*", "1", "1.*", "1.51" or "1.51.0": the evidence has no third number. */
static bool take_version(struct span *text, struct version *version)
{
    *version = (struct version){.any_minor = true};
    unsigned patch;
    if (take(text, "*")) {
        version->any = true;
        return true;
    }
    if (!take_number(text, &version->major))
        return false;
    if (!take(text, ".") || take(text, "*"))
        return true;
    version->any_minor = false;
    if (!take_number(text, &version->minor))
        return false;
    return !take(text, ".") || take(text, "*") || (take_number(text, &patch) && patch == 0);
}

/* Numbers from *low to *high satisfy one comparison; false if none does. */
static bool bounds_of(enum operator operator, const struct version * version, int *low, int *high)
{
    int first = (int)(version->major << 8 | version->minor);
    int last = version->any_minor ? first | PART_MAX : first;
    *low = 0;
    *high = UINT16_MAX;
    if (version->any)
        return true;
    switch (operator) {
    case OP_CARET:
        *low = first;
        *high = version->major > 0 || version->any_minor ? (first | PART_MAX) : first;
        break;
    case OP_TILDE:
    case OP_EQUAL:
        *low = first;
        *high = last;
        break;
    case OP_ABOVE:
        *low = last + 1;
        break;
    case OP_AT_LEAST:
        *low = first;
        break;
    case OP_BELOW:
        *high = first - 1;
        break;
    case OP_AT_MOST:
        *high = last;
        break;
    }
    return *low <= UINT16_MAX && *high >= 0;
}

int policy_parse_version(struct span text, uint16_t *min, uint16_t *max)
{
    int low = 0, high = UINT16_MAX;
    do {
        struct version version;
        int one_low, one_high;
        skip_blanks(&text);
        enum operator operator= take_operator(&text);
        skip_blanks(&text);
        if (!take_version(&text, &version) || !bounds_of(operator, & version, &one_low, &one_high))
            return -EINVAL;
        low = one_low > low ? one_low : low;
        high = one_high < high ? one_high : high;
        skip_blanks(&text);
    } while (take(&text, ","));
    if (text.size > 0 || low > high)
        return -EINVAL;
    *min = (uint16_t)low;
    *max = (uint16_t)high;
    return 0;
}
