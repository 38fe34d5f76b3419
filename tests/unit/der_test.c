// SPDX-License-Identifier: Apache-2.0
#include "codec/der.h"
#include "tap.h"

#define DER(text) der_of(SPAN_LITERAL(text))

TEST(empty, "nothing is in nothing")
{
    struct der der = der_of((struct span){0});
    CHECK(der_end(&der));
    CHECK_INT(der_peek(&der), 0);
    der_next(&der);
    CHECK(!der_end(&der));
}

TEST(nested, "a cursor reads what is there and notices what is left")
{
    struct der top = DER("\x30\x08\x02\x01\x07\x04\x03"
                         "abc");
    struct der inner = der_enter(&top, DER_SEQUENCE);
    CHECK_INT(der_uint(&inner, 255), 7);
    CHECK(!der_end(&inner));
    CHECK(span_equal(der_take(&inner, DER_OCTET_STRING), SPAN_LITERAL("abc")));
    CHECK(der_end(&inner) && der_end(&top));
}

TEST(sticky, "after an error nothing is read any more")
{
    struct der der = DER("\x02\x01\x07\x02\x01\x08");
    der_take(&der, DER_OCTET_STRING);
    CHECK_INT(der_uint(&der, 255), 0);
    CHECK(!der_end(&der));
    struct der child = der_enter(&der, DER_SEQUENCE);
    CHECK(!der_end(&child));
}

TEST(lengths, "lengths that are not minimal or too long are refused")
{
    static const struct span wrong[] = {
        SPAN_INIT("\x04"),              /* no length */
        SPAN_INIT("\x04\x80\x00\x00"),  /* indefinite */
        SPAN_INIT("\x04\x81\x01x"),     /* would fit into a byte */
        SPAN_INIT("\x04\x82\x00\x80x"), /* leading zero */
        SPAN_INIT("\x04\x85\x01\x00\x00\x00\x00"),
        SPAN_INIT("\x04\x84\xFF\xFF\xFF\xFF"),
        SPAN_INIT("\x04\x02x"),        /* one byte missing */
        SPAN_INIT("\x1F\x81\x00\x00"), /* tag of several bytes */
        SPAN_INIT("\x00\x00"),         /* end of contents */
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct der der = der_of(wrong[i]);
        der_next(&der);
        CHECK(!der_end(&der));
    }
    uint8_t long_form[3 + 128] = {0x04, 0x81, 0x80};
    struct der der = der_of(span_of(long_form, sizeof(long_form)));
    CHECK_INT(der_take(&der, DER_OCTET_STRING).size, 128);
    CHECK(der_end(&der));
}

static bool is_number(struct span bytes, uint64_t max, uint64_t wanted)
{
    struct der der = der_of(bytes);
    return der_uint(&der, max) == wanted && der_end(&der);
}

TEST(integers, "integers are minimal, not negative and in range")
{
    CHECK(is_number(SPAN_LITERAL("\x02\x01\x00"), 0, 0));
    CHECK(is_number(SPAN_LITERAL("\x02\x02\x00\xD9"), 255, 217));
    CHECK(!is_number(SPAN_LITERAL("\x02\x02\x01\x00"), 255, 256));
    CHECK(!is_number(SPAN_LITERAL("\x02\x02\x00\x07"), 255, 7));
    CHECK(!is_number(SPAN_LITERAL("\x02\x01\xFF"), UINT64_MAX, UINT64_MAX));
    CHECK(!is_number(SPAN_LITERAL("\x02\x00"), 255, 0));
    CHECK(is_number(SPAN_LITERAL("\x02\x09\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), UINT64_MAX,
                    UINT64_MAX));
    CHECK(!is_number(SPAN_LITERAL("\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"), UINT64_MAX, 0));
    struct der zero = DER("\x02\x01\x00");
    CHECK_INT(der_unsigned(&zero).size, 0);
}

TEST(booleans, "booleans are 00 or FF")
{
    struct der der = DER("\x01\x01\xFF\x01\x01\x00");
    CHECK(der_boolean(&der));
    CHECK(!der_boolean(&der) && der_end(&der));
    der = DER("\x01\x01\x01");
    der_boolean(&der);
    CHECK(!der_end(&der));
}

TEST(bits, "bit strings have whole bytes")
{
    struct der der = DER("\x03\x02\x00\xAA");
    CHECK(span_equal(der_bits(&der), SPAN_LITERAL("\xAA")) && der_end(&der));
    der = DER("\x03\x02\x01\xAA");
    der_bits(&der);
    CHECK(!der_end(&der));
    der = DER("\x03\x00");
    der_bits(&der);
    CHECK(!der_end(&der));
}

static bool is_time(struct span bytes, int64_t wanted)
{
    struct der der = der_of(bytes);
    return der_time(&der) == wanted && der_end(&der);
}

TEST(times, "times are those of RFC 5280")
{
    CHECK(is_time(SPAN_LITERAL("\x17\x0D"
                               "700101000000Z"),
                  0));
    CHECK(is_time(SPAN_LITERAL("\x17\x0D"
                               "491231235959Z"),
                  2524607999));
    CHECK(is_time(SPAN_LITERAL("\x18\x0F"
                               "19700101000001Z"),
                  1));
    CHECK(!is_time(SPAN_LITERAL("\x17\x0B"
                                "7001010000Z"),
                   0));
    CHECK(!is_time(SPAN_LITERAL("\x17\x11"
                                "700101000000+0000"),
                   0));
    CHECK(!is_time(SPAN_LITERAL("\x17\x0D"
                                "700230000000Z"),
                   0));
}

TEST(writer, "what is written is read again, and a full buffer is noticed")
{
    uint8_t buffer[400];
    static const uint8_t filler[200];
    struct der_writer writer = der_writer_of(buffer, sizeof(buffer));
    size_t end = der_mark(&writer);
    der_put_time(&writer, 2524608000); /* 2050: GeneralizedTime */
    der_put_time(&writer, 0);
    der_put_bits(&writer, SPAN_LITERAL("\x80"));
    der_put_uint(&writer, 0);
    der_put_uint(&writer, 0x80);
    der_put_unsigned(&writer, SPAN_LITERAL("\x00\x00\xFF\x01"));
    der_put(&writer, DER_OCTET_STRING, span_of(filler, sizeof(filler)));
    der_close(&writer, DER_SEQUENCE, end);
    CHECK(!writer.overflow);
    struct der top = der_of(der_written(&writer));
    struct der der = der_enter(&top, DER_SEQUENCE);
    CHECK_INT(der_take(&der, DER_OCTET_STRING).size, sizeof(filler));
    CHECK_INT(der_uint(&der, UINT64_MAX), 0xFF01);
    CHECK_INT(der_uint(&der, UINT64_MAX), 0x80);
    CHECK_INT(der_uint(&der, UINT64_MAX), 0);
    CHECK(span_equal(der_bits(&der), SPAN_LITERAL("\x80")));
    CHECK_INT(der_time(&der), 0);
    CHECK_INT(der_peek(&der), DER_GENERALIZED_TIME);
    CHECK_INT(der_time(&der), 2524608000);
    CHECK(der_end(&der) && der_end(&top));

    writer = der_writer_of(buffer, 201);
    der_put(&writer, DER_OCTET_STRING, span_of(filler, sizeof(filler)));
    CHECK(writer.overflow);
}

TAP_MAIN()
