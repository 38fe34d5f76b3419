// SPDX-License-Identifier: Apache-2.0
#include "codec/json.h"

#include "base/utf8.h"

#include <errno.h>
#include <string.h>

/* The position in a text that is being checked. */
struct reader {
    const uint8_t *at, *end;
};

static bool check_value(struct reader *reader, unsigned depth);

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\t' ||
                                        *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

static bool take(struct reader *reader, char character)
{
    if (reader->at == reader->end || *reader->at != (uint8_t)character)
        return false;
    reader->at++;
    return true;
}

static bool take_word(struct reader *reader, const char *word)
{
    for (; *word; word++) {
        if (!take(reader, *word))
            return false;
    }
    return true;
}

static bool is_digit(uint8_t character)
{
    return character >= '0' && character <= '9';
}

static bool is_hex(uint8_t character)
{
    return is_digit(character) || ((character | 0x20) >= 'a' && (character | 0x20) <= 'f');
}

static bool check_digits(struct reader *reader)
{
    const uint8_t *first = reader->at;
    while (reader->at < reader->end && is_digit(*reader->at))
        reader->at++;
    return reader->at > first;
}

static bool check_number(struct reader *reader)
{
    take(reader, '-');
    bool zero = take(reader, '0');
    if (!zero && !check_digits(reader))
        return false;
    if (take(reader, '.') && !check_digits(reader))
        return false;
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '+'))
            take(reader, '-');
        return check_digits(reader);
    }
    return true;
}

/* What follows a backslash. */
static bool check_escape(struct reader *reader)
{
    if (reader->at == reader->end)
        return false;
    uint8_t kind = *reader->at++;
    if (kind != 'u')
        return kind != 0 && strchr("\"\\/bfnrt", kind);
    for (unsigned i = 0; i < 4; i++) {
        if (reader->at == reader->end || !is_hex(*reader->at++))
            return false;
    }
    return true;
}

/* A string; *escapes tells whether there is a backslash in it. */
static bool check_string(struct reader *reader, bool *escapes)
{
    *escapes = false;
    if (!take(reader, '"'))
        return false;
    while (reader->at < reader->end) {
        uint8_t character = *reader->at;
        if (character < 0x20)
            return false;
        if (character >= 0x80) {
            size_t length = utf8_length(span_of(reader->at, (size_t)(reader->end - reader->at)));
            if (length == 0)
                return false;
            reader->at += length;
            continue;
        }
        reader->at++;
        if (character == '"')
            return true;
        if (character != '\\')
            continue;
        *escapes = true;
        if (!check_escape(reader))
            return false;
    }
    return false;
}

static bool is_new(const struct span *names, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(names[i], name))
            return false;
    }
    return true;
}

static bool is_before(struct span a, struct span b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order < 0 || (order == 0 && a.size < b.size);
}

static bool check_object(struct reader *reader, unsigned depth)
{
    struct span names[JSON_MEMBERS_MAX];
    struct span last = {0};
    size_t count = 0;
    bool ascending = true;
    skip_blanks(reader);
    if (take(reader, '}'))
        return true;
    do {
        bool escapes;
        skip_blanks(reader);
        const uint8_t *first = reader->at;
        if (!check_string(reader, &escapes) || escapes)
            return false;
        struct span name = span_of(first + 1, (size_t)(reader->at - first) - 2);
        /* In an ascending order no name can come twice. */
        ascending = ascending && (count == 0 || is_before(last, name));
        if (!ascending && (count >= JSON_MEMBERS_MAX || !is_new(names, count, name)))
            return false;
        if (count < JSON_MEMBERS_MAX)
            names[count] = name;
        count++;
        last = name;
        skip_blanks(reader);
        if (!take(reader, ':') || !check_value(reader, depth))
            return false;
    } while (take(reader, ','));
    return take(reader, '}');
}

static bool check_array(struct reader *reader, unsigned depth)
{
    skip_blanks(reader);
    if (take(reader, ']'))
        return true;
    do {
        if (!check_value(reader, depth))
            return false;
    } while (take(reader, ','));
    return take(reader, ']');
}

/* A value with the white space around it; recursion of bounded depth. */
static bool check_value(struct reader *reader, unsigned depth)
{
    bool good, escapes;
    skip_blanks(reader);
    if (depth == 0 || reader->at == reader->end)
        return false;
    if (take(reader, '{'))
        good = check_object(reader, depth - 1);
    else if (take(reader, '['))
        good = check_array(reader, depth - 1);
    else if (*reader->at == '"')
        good = check_string(reader, &escapes);
    else if (*reader->at == 't')
        good = take_word(reader, "true");
    else if (*reader->at == 'f')
        good = take_word(reader, "false");
    else if (*reader->at == 'n')
        good = take_word(reader, "null");
    else
        good = check_number(reader);
    skip_blanks(reader);
    return good;
}

int json_parse(struct span text, struct span *value)
{
    if (text.size == 0)
        return -EINVAL;
    struct reader reader = {text.data, text.data + text.size};
    if (!check_value(&reader, JSON_DEPTH_MAX) || reader.at != reader.end)
        return -EINVAL;
    reader.at = text.data;
    skip_blanks(&reader);
    const uint8_t *last = text.data + text.size;
    while (last[-1] == ' ' || last[-1] == '\t' || last[-1] == '\n' || last[-1] == '\r')
        last--;
    *value = span_of(reader.at, (size_t)(last - reader.at));
    return 0;
}

static struct json_cursor enter(struct span value, char bracket)
{
    if (value.size < 2 || value.data[0] != (uint8_t)bracket)
        return (struct json_cursor){0};
    return (struct json_cursor){span_of(value.data + 1, value.size - 2), bracket == '{'};
}

struct json_cursor json_members(struct span value)
{
    return enter(value, '{');
}

struct json_cursor json_elements(struct span value)
{
    return enter(value, '[');
}

/* Moves past a string that was checked before. */
static void skip_string(struct reader *reader)
{
    size_t rest = (size_t)(reader->end - reader->at) - 1;
    const uint8_t *quote = memchr(reader->at + 1, '"', rest);
    if (quote && !memchr(reader->at + 1, '\\', (size_t)(quote - reader->at) - 1)) {
        reader->at = quote + 1;
        return;
    }
    for (reader->at++; reader->at < reader->end && *reader->at != '"'; reader->at++) {
        if (*reader->at == '\\' && reader->end - reader->at > 1)
            reader->at++;
    }
    if (reader->at < reader->end)
        reader->at++;
}

/* Moves past a value that was checked before. */
static struct span skip_value(struct reader *reader)
{
    const uint8_t *first = reader->at;
    unsigned depth = 0;
    while (reader->at < reader->end) {
        uint8_t character = *reader->at;
        if (depth == 0 && (character == ',' || character == ' ' || character == '\t' ||
                           character == '\n' || character == '\r'))
            break;
        if (character == '"') {
            skip_string(reader);
            continue;
        }
        depth += character == '{' || character == '[';
        depth -= depth > 0 && (character == '}' || character == ']');
        reader->at++;
    }
    return span_of(first, (size_t)(reader->at - first));
}

bool json_next(struct json_cursor *cursor, struct json_member *member)
{
    if (cursor->rest.size == 0)
        return false;
    struct reader reader = {cursor->rest.data, cursor->rest.data + cursor->rest.size};
    skip_blanks(&reader);
    take(&reader, ',');
    skip_blanks(&reader);
    if (reader.at == reader.end)
        return false;
    member->key = (struct span){0};
    if (cursor->object) {
        const uint8_t *first = reader.at;
        skip_string(&reader);
        size_t quoted = (size_t)(reader.at - first);
        member->key = span_of(first + 1, quoted >= 2 ? quoted - 2 : 0);
        skip_blanks(&reader);
        take(&reader, ':');
        skip_blanks(&reader);
    }
    member->value = skip_value(&reader);
    cursor->rest = span_of(reader.at, (size_t)(reader.end - reader.at));
    return true;
}

bool json_get(struct span object, const char *key, struct span *value)
{
    struct span wanted = span_of(key, strlen(key));
    struct json_member member;
    for (struct json_cursor cursor = json_members(object); json_next(&cursor, &member);) {
        if (span_equal(member.key, wanted)) {
            *value = member.value;
            return true;
        }
    }
    return false;
}

bool json_text(struct span value, struct span *text)
{
    if (value.size < 2 || value.data[0] != '"' || memchr(value.data, '\\', value.size))
        return false;
    *text = span_of(value.data + 1, value.size - 2);
    return true;
}

static unsigned hex_digits(const uint8_t *digits)
{
    unsigned value = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t digit = digits[i];
        value =
            value << 4 | (is_digit(digit) ? digit - (unsigned)'0' : (digit | 0x20U) - 'a' + 10U);
    }
    return value;
}

/* The character that the escape at *at stands for; false for half of a surrogate pair. */
static bool take_escape(const uint8_t **at, const uint8_t *end, uint32_t *character)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    uint8_t kind = (*at)[1];
    if (kind != 'u') {
        *character = (uint8_t)meanings[strchr(letters, kind) - letters];
        *at += 2;
        return true;
    }
    uint32_t first = hex_digits(*at + 2);
    *at += 6;
    *character = first;
    if (first < 0xD800 || first > 0xDFFF)
        return true;
    if (first > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return false;
    uint32_t second = hex_digits(*at + 2);
    *at += 6;
    *character = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
    return second >= 0xDC00 && second <= 0xDFFF;
}

static size_t put_utf8(uint32_t character, uint8_t *out)
{
    static const uint8_t marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
    size_t size = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; character >>= 6)
        out[i] = (uint8_t)(0x80 | (character & 0x3F));
    out[0] = (uint8_t)(marks[size] | character);
    return size;
}

bool json_string_decode(struct span value, uint8_t *out, size_t capacity, struct span *text)
{
    size_t size = 0;
    if (value.size < 2 || value.data[0] != '"')
        return false;
    const uint8_t *at = value.data + 1, *end = value.data + value.size - 1;
    while (at < end) {
        uint8_t bytes[4];
        size_t count = 1;
        uint32_t character;
        if (*at != '\\') {
            bytes[0] = *at++;
        } else {
            if (!take_escape(&at, end, &character))
                return false;
            count = put_utf8(character, bytes);
        }
        if (count > capacity - size)
            return false;
        memcpy(out + size, bytes, count);
        size += count;
    }
    *text = span_of(out, size);
    return true;
}

bool json_boolean(struct span value, bool *truth)
{
    *truth = span_equal(value, SPAN_LITERAL("true"));
    return *truth || span_equal(value, SPAN_LITERAL("false"));
}

bool json_uint(struct span value, uint64_t max, uint64_t *number)
{
    uint64_t sum = 0;
    if (value.size == 0)
        return false;
    for (size_t i = 0; i < value.size; i++) {
        if (!is_digit(value.data[i]))
            return false;
        uint64_t digit = value.data[i] - '0';
        if (sum > (max - digit) / 10 || digit > max)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

bool json_get_text(struct span object, const char *key, struct span *text)
{
    struct span value;
    return json_get(object, key, &value) && json_text(value, text);
}

bool json_get_uint(struct span object, const char *key, uint64_t max, uint64_t *number)
{
    struct span value;
    return json_get(object, key, &value) && json_uint(value, max, number);
}
