// SPDX-License-Identifier: Apache-2.0
#include "base/date.h"
#include "tap.h"

static int64_t seconds_of(const char *text)
{
    int64_t seconds = -1;
    return date_parse(span_of(text, strlen(text)), &seconds) ? seconds : INT64_MIN;
}

TEST(known, "moments are what everybody else says they are")
{
    CHECK_INT(seconds_of("1970-01-01T00:00:00Z"), 0);
    CHECK_INT(seconds_of("2000-03-01T00:00:00Z"), 951868800);
    CHECK_INT(seconds_of("2026-01-02T03:04:05Z"), 1767323045);
    CHECK_INT(seconds_of("2049-12-31T23:59:59Z"), 2524607999);
    CHECK_INT(seconds_of("1969-12-31T23:59:59Z"), -1);
    CHECK_INT(seconds_of("0000-01-01T00:00:00Z"), -62167219200);
    CHECK_INT(seconds_of("9999-12-31T23:59:59Z"), 253402300799);
    CHECK_INT(seconds_of("2026-01-02T04:04:05.999+01:00"), 1767323045);
    CHECK_INT(seconds_of("2026-01-01T21:34:05-05:30"), 1767323045);
}

TEST(wrong, "what is no date is not made one")
{
    static const char *const texts[] = {
        "",
        "2026-01-02T03:04:05",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx",
        "2026-01-01T00:00:00+24:00",
        "2026-1-01T00:00:00Z",
        "+026-01-01T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK(seconds_of(texts[i]) == INT64_MIN);
}

TEST(round_trip, "every day of ten thousand years comes back")
{
    for (int64_t day = -719528; day < 2932897; day++) {
        struct date date;
        int64_t seconds = day * 86400 + 3661, back;
        CHECK(date_from_seconds(seconds, &date));
        CHECK(date_to_seconds(&date, &back) && back == seconds);
    }
    struct date date;
    CHECK(!date_from_seconds(-62167219201, &date));
    CHECK(!date_from_seconds(253402300800, &date));
    char text[DATE_TEXT_SIZE];
    date_format(1767323045, text);
    CHECK_STR(text, "2026-01-02T03:04:05Z");
    date_format(INT64_MAX, text);
    CHECK_STR(text, "");
}

TAP_MAIN()
