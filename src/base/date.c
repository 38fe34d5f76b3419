// SPDX-License-Identifier: Apache-2.0
#include "base/date.h"

#include <stdio.h>

enum { DAY_SECONDS = 86400, YEAR_MAX = 9999, EPOCH_DAYS = 719528 /* 0000-01-01 to 1970-01-01 */ };

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in(unsigned month, unsigned year)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 0000-01-01 to the first day of a year. */
static int64_t days_before_year(unsigned year)
{
    if (year == 0)
        return 0;
    unsigned last = year - 1;
    return 365 * (int64_t)year + last / 4 - last / 100 + last / 400 + 1;
}

bool date_to_seconds(const struct date *date, int64_t *seconds)
{
    if (date->year > YEAR_MAX || date->month < 1 || date->month > 12 || date->day < 1 ||
        date->day > days_in(date->month, date->year))
        return false;
    if (date->hour > 23 || date->minute > 59 || date->second > 59)
        return false;
    int64_t days = days_before_year(date->year) - EPOCH_DAYS + date->day - 1;
    for (unsigned month = 1; month < date->month; month++)
        days += days_in(month, date->year);
    *seconds = days * DAY_SECONDS + (int64_t)date->hour * 3600 + date->minute * 60 + date->second;
    return true;
}

bool date_from_seconds(int64_t seconds, struct date *date)
{
    int64_t first = -(int64_t)EPOCH_DAYS * DAY_SECONDS;
    if (seconds < first || seconds >= first + days_before_year(YEAR_MAX + 1) * DAY_SECONDS)
        return false;
    int64_t since = seconds - first, days = since / DAY_SECONDS, rest = since % DAY_SECONDS;
    unsigned year = (unsigned)(days / 366);
    while (days_before_year(year + 1) <= days)
        year++;
    days -= days_before_year(year);
    unsigned month = 1;
    for (; days >= days_in(month, year); month++)
        days -= days_in(month, year);
    *date = (struct date){year,
                          month,
                          (unsigned)days + 1,
                          (unsigned)(rest / 3600),
                          (unsigned)(rest / 60 % 60),
                          (unsigned)(rest % 60)};
    return true;
}

bool date_digits(const uint8_t *digits, size_t count, unsigned *value)
{
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        sum = sum * 10 + (digits[i] - '0');
    }
    *value = sum;
    return true;
}

/* "Z" or "+hh:mm" after the time of day: minutes east of UTC. */
static bool parse_offset(struct span text, int *minutes)
{
    if (text.size == 1 && (text.data[0] == 'Z' || text.data[0] == 'z')) {
        *minutes = 0;
        return true;
    }
    unsigned hour, minute;
    if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':' ||
        !date_digits(text.data + 1, 2, &hour) || !date_digits(text.data + 4, 2, &minute) ||
        hour > 23 || minute > 59)
        return false;
    *minutes = (int)(hour * 60 + minute) * (text.data[0] == '-' ? -1 : 1);
    return true;
}

bool date_parse(struct span text, int64_t *seconds)
{
    struct date date;
    const uint8_t *at = text.data;
    if (text.size < 20 || at[4] != '-' || at[7] != '-' || (at[10] != 'T' && at[10] != 't') ||
        at[13] != ':' || at[16] != ':')
        return false;
    if (!date_digits(at, 4, &date.year) || !date_digits(at + 5, 2, &date.month) ||
        !date_digits(at + 8, 2, &date.day) || !date_digits(at + 11, 2, &date.hour) ||
        !date_digits(at + 14, 2, &date.minute) || !date_digits(at + 17, 2, &date.second))
        return false;
    size_t end = 19;
    if (at[end] == '.') {
        size_t first = ++end;
        while (end < text.size && at[end] >= '0' && at[end] <= '9')
            end++;
        if (end == first)
            return false;
    }
    int minutes;
    int64_t local;
    if (!parse_offset(span_of(at + end, text.size - end), &minutes) ||
        !date_to_seconds(&date, &local))
        return false;
    *seconds = local - minutes * 60;
    return true;
}

void date_format(int64_t seconds, char text[DATE_TEXT_SIZE])
{
    struct date date;
    text[0] = '\0';
    if (date_from_seconds(seconds, &date))
        snprintf(text, DATE_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", date.year % 10000,
                 date.month % 100, date.day % 100, date.hour % 100, date.minute % 100,
                 date.second % 100);
}
