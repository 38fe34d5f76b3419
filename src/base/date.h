/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments as seconds since 1970-01-01T00:00:00Z, and their text form of RFC 3339.
 *
 * Gregorian calendar without leap seconds, years 0 to 9999. No I/O, no globals, no time zones.
 */
#pragma once

#include "base/span.h"

struct date {
    unsigned year, month, day; /* month and day from 1 */
    unsigned hour, minute, second;
};

/* Seconds of a date in UTC. False, with *seconds as it was, if there is no such day or time. */
bool date_to_seconds(const struct date *date, int64_t *seconds);

/* The date of a moment; false if it is outside of the years 0 to 9999. */
bool date_from_seconds(int64_t seconds, struct date *date);

/* Two, four … decimal digits as a number; false if one of them is not a digit. */
bool date_digits(const uint8_t *digits, size_t count, unsigned *value);

/* Parses RFC 3339 ("2026-01-02T03:04:05Z", also with a fraction, which is cut, or an offset). */
bool date_parse(struct span text, int64_t *seconds);

enum { DATE_TEXT_SIZE = 21 };
/* Writes "2026-01-02T03:04:05Z" and a NUL, or "" for a moment without a date. */
void date_format(int64_t seconds, char text[DATE_TEXT_SIZE]);
