// SPDX-License-Identifier: Apache-2.0
/* TOML dates and times: TOML 1.0.0, sections "Offset Date-Time" to "Local Time"; RFC 3339. */
#include "toml_internal.h"

bool toml_looks_like_time(const struct toml_parser *p)
{
    size_t digits = 0;
    while (digits < 5 && toml_is_digit(toml_peek(p, digits)))
        digits++;
    return (digits == 4 && toml_peek(p, 4) == '-') || (digits == 2 && toml_peek(p, 2) == ':');
}

/* Reads exactly `count` digits into *value. */
static bool read_digits(struct toml_parser *p, int count, unsigned *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        int byte = toml_peek(p, 0);
        if (!toml_is_digit(byte))
            return toml_fail(p, p->place, "a digit of the date or time is missing");
        *value = *value * 10 + (unsigned)(byte - '0');
        toml_bump(p);
    }
    return true;
}

static bool read_byte(struct toml_parser *p, int byte, const char *message)
{
    if (toml_peek(p, 0) != byte)
        return toml_fail(p, p->place, message);
    toml_bump(p);
    return true;
}

static unsigned days_in_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool read_date(struct toml_parser *p, struct toml_time *time)
{
    struct toml_position start = p->place;
    unsigned year, month, day;
    if (!read_digits(p, 4, &year) || !read_byte(p, '-', "a date is written YYYY-MM-DD") ||
        !read_digits(p, 2, &month) || !read_byte(p, '-', "a date is written YYYY-MM-DD") ||
        !read_digits(p, 2, &day))
        return false;
    if (month < 1 || month > 12)
        return toml_fail(p, start, "the month must be from 01 to 12");
    if (day < 1 || day > days_in_month(year, month))
        return toml_fail(p, start, "the month does not have this day");
    time->year = (uint16_t)year;
    time->month = (uint8_t)month;
    time->day = (uint8_t)day;
    return true;
}

static bool read_fraction(struct toml_parser *p, struct toml_time *time)
{
    if (toml_peek(p, 0) != '.')
        return true;
    toml_bump(p);
    if (!toml_is_digit(toml_peek(p, 0)))
        return toml_fail(p, p->place, "a digit must follow the decimal point of the seconds");
    uint32_t unit = 100000000;
    while (toml_is_digit(toml_peek(p, 0))) {
        time->nanosecond += (uint32_t)(toml_peek(p, 0) - '0') * unit;
        unit /= 10;
        toml_bump(p);
    }
    return true;
}

static bool read_clock(struct toml_parser *p, struct toml_time *time)
{
    struct toml_position start = p->place;
    unsigned hour, minute, second;
    if (!read_digits(p, 2, &hour) || !read_byte(p, ':', "a time is written HH:MM:SS") ||
        !read_digits(p, 2, &minute) || !read_byte(p, ':', "a time is written HH:MM:SS") ||
        !read_digits(p, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return toml_fail(p, start, "the time of day is out of range");
    time->hour = (uint8_t)hour;
    time->minute = (uint8_t)minute;
    time->second = (uint8_t)second;
    return read_fraction(p, time);
}

/* The cursor is at the sign. */
static bool read_offset(struct toml_parser *p, struct toml_time *time)
{
    struct toml_position start = p->place;
    bool west = toml_peek(p, 0) == '-';
    unsigned hours, minutes;
    toml_bump(p);
    if (!read_digits(p, 2, &hours) || !read_byte(p, ':', "an offset is written +HH:MM") ||
        !read_digits(p, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return toml_fail(p, start, "the offset from UTC is out of range");
    int offset = (int)(hours * 60 + minutes);
    time->offset = (int16_t)(west ? -offset : offset);
    return true;
}

bool toml_parse_time(struct toml_parser *p, struct toml_node *node)
{
    if (toml_peek(p, 2) == ':') {
        node->kind = TOML_LOCAL_TIME;
        return read_clock(p, &node->time);
    }
    node->kind = TOML_LOCAL_DATE;
    if (!read_date(p, &node->time))
        return false;

    int separator = toml_peek(p, 0);
    bool more = separator == 'T' || separator == 't' ||
                (separator == ' ' && toml_is_digit(toml_peek(p, 1)));
    if (!more)
        return true;
    toml_bump(p);
    node->kind = TOML_LOCAL_DATETIME;
    if (!read_clock(p, &node->time))
        return false;

    int zone = toml_peek(p, 0);
    if (zone != 'Z' && zone != 'z' && zone != '+' && zone != '-')
        return true;
    node->kind = TOML_DATETIME;
    if (zone == '+' || zone == '-')
        return read_offset(p, &node->time);
    toml_bump(p);
    return true;
}
