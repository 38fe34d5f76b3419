// SPDX-License-Identifier: Apache-2.0
/* What the store in object storage signs, reads and writes, without a network. */
#include "drawbridge/s3_list.h"
#include "drawbridge/s3_log.h"
#include "drawbridge/s3_sign.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>

#define S(text) span_of(text, strlen(text))
#define DATE    "20130524T000000Z"
#define EMPTY   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const struct s3_credentials credentials = {
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"};

/* The examples of "Signature Calculations for the Authorization Header" in Amazon's S3 API
 * reference that can be made with headers as they are here. */
TEST(signatures, "a server would refuse every request")
{
#define HOST                                                                                       \
    {                                                                                              \
        "host", "examplebucket.s3.amazonaws.com"                                                   \
    }
#define HASH(hash)                                                                                 \
    {                                                                                              \
        "x-amz-content-sha256", hash                                                               \
    }
    static const struct {
        const char *method, *path, *query, *signature;
        struct http1_field fields[8];
    } rows[] = {
        {"GET",
         "/test.txt",
         "",
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
         {HOST, {"range", "bytes=0-9"}, HASH(EMPTY), {"x-amz-date", DATE}}},
        {"PUT",
         "/test%24file.text",
         "",
         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
         {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
          HOST,
          HASH("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
          {"x-amz-date", DATE},
          {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}},
        {"GET",
         "/",
         "lifecycle=",
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
         {HOST, HASH(EMPTY), {"x-amz-date", DATE}}},
        {"GET",
         "/",
         "max-keys=2&prefix=J",
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
         {HOST, HASH(EMPTY), {"x-amz-date", DATE}}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char authorization[S3_AUTHORIZATION_MAX];
        struct s3_request request = {.method = rows[i].method,
                                     .path = rows[i].path,
                                     .query = rows[i].query,
                                     .fields = rows[i].fields,
                                     .date = DATE};
        for (; rows[i].fields[request.field_count].name; request.field_count++) {
            if (strcmp(rows[i].fields[request.field_count].name, "x-amz-content-sha256") == 0)
                request.body_hash = rows[i].fields[request.field_count].value;
        }
        CHECK_INT(s3_sign(&request, &credentials, authorization), 0);
        const char *signature = strstr(authorization, "Signature=");
        CHECK_STR(signature ? signature + strlen("Signature=") : "", rows[i].signature);
    }
}

TEST(dates, "signatures would be of another day")
{
    char date[S3_DATE_SIZE], digits[S3_HASH_SIZE];
    s3_date(1369353600, date);
    CHECK_STR(date, DATE);
    s3_date(-1000000000000000, date);
    CHECK_STR(date, "");
    CHECK_INT(s3_hash((struct span){0}, digits), 0);
    CHECK_STR(digits, EMPTY);
}

TEST(too_large, "what does not fit would be signed by half")
{
    char authorization[S3_AUTHORIZATION_MAX], *path = calloc(1, 20000);
    memset(path, 'a', 19999);
    struct s3_request request = {
        .method = "GET", .path = path, .query = "", .date = DATE, .body_hash = EMPTY};
    CHECK_INT(s3_sign(&request, &credentials, authorization), -EMSGSIZE);
    request.path = "/";
    request.date = "";
    CHECK_INT(s3_sign(&request, &credentials, authorization), -EMSGSIZE);
    struct s3_credentials long_secret = {"a", path, "b"};
    request.date = DATE;
    CHECK_INT(s3_sign(&request, &long_secret, authorization), -EMSGSIZE);
    free(path);
}

static char seen[512];

static int see(void *context, const struct s3_item *item)
{
    (void)context;
    size_t size = strlen(seen);
    snprintf(seen + size, sizeof(seen) - size, "%.60s %llu %lld %.60s;", item->name,
             (unsigned long long)item->size, (long long)item->changed, item->upload);
    return strcmp(item->name, "stop") == 0 ? -EINTR : 0;
}

static int parse(const char *xml, struct s3_page *page)
{
    seen[0] = '\0';
    return s3_parse_page(S(xml), "p/", see, NULL, page);
}

TEST(lists, "objects would be missed, and uploads of others be taken for one's own")
{
    struct s3_page page;
    CHECK_INT(parse("<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"http://x/\"><Name>b</Name>"
                    "<Contents><Key>p/a&amp;b</Key><LastModified>2026-01-02T03:04:05.000Z"
                    "</LastModified><ETag>&quot;x&quot;</ETag><Size>17</Size><Owner><ID>1</ID>"
                    "</Owner></Contents><Contents><Key>other/c</Key><Size>1</Size></Contents>"
                    "<IsTruncated>true</IsTruncated><NextContinuationToken>t&lt;</NextContinuation"
                    "Token></ListBucketResult>",
                    &page),
              0);
    CHECK_STR(seen, "a&b 17 1767323045 ;");
    CHECK(page.truncated);
    CHECK_STR(page.token, "t<");
    CHECK_INT(parse("<r><Upload><Key>p/u</Key><UploadId>i</UploadId><Initiated>1970-01-01T00:00:01Z"
                    "</Initiated></Upload><NextKeyMarker>k</NextKeyMarker></r>",
                    &page),
              0);
    CHECK_STR(seen, "u 0 1 i;");
    CHECK(!page.truncated);
    CHECK_STR(page.key_marker, "k");
    CHECK_INT(parse("<r><Contents><Key>p/stop</Key></Contents><Contents/></r>", &page), -EINTR);
    static const char *const wrong[] = {"",
                                        "x",
                                        "<r>",
                                        "<r></s>",
                                        "<r/><r/>",
                                        "<r><Contents><Key>p/a</Key><Size>-1</Size></Contents></r>",
                                        "<r><Contents><Key>p/&nope;</Key></Contents></r>",
                                        "<!DOCTYPE r><r/>",
                                        "<r><!-- c --></r>",
                                        "<r><![CDATA[x]]></r>",
                                        "<r a=b/>",
                                        "<r><Contents><Size>x</Size></Contents></r>"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_INT(parse(wrong[i], &page), -EINVAL);
}

TEST(values, "the name of an upload or the code of an error would not be found")
{
    char out[8];
    CHECK_INT(s3_parse_value(S("<r a=\"1\"><x><Id>no</Id></x><Id>y&#38;z</Id></r>"), "Id", out, 8),
              0);
    CHECK_STR(out, "y&z");
    CHECK_INT(s3_parse_value(S("<r></r>"), "Id", out, 8), -ENOENT);
    CHECK_INT(s3_parse_value(S("<r><Id>12345678</Id></r>"), "Id", out, 8), -EINVAL);
    CHECK_INT(s3_parse_value(S("not xml"), "Id", out, 8), -EINVAL);
}

TEST(ops, "changes would come back as others")
{
    uint8_t hash[STORE_SHA256] = {1, 2, 3}, place[S3_NONCE + STORE_SHA256] = {9};
    const struct s3_op ops[] = {
        {.kind = S3_OP_RECORD, .key = S("k"), .value = S("")},
        {.kind = S3_OP_RECORD, .key = S("a/b"), .value = S("value"), .content = hash},
        {.kind = S3_OP_NO_RECORD, .key = S("gone")},
        {.kind = S3_OP_CONTENT, .content = hash, .length = 4, .data = S("data")},
        {.kind = S3_OP_CONTENT, .content = hash, .length = 9, .place = span_of(place, 48)},
        {.kind = S3_OP_NO_CONTENT, .content = hash},
    };
    struct s3_bytes bytes = {0};
    for (size_t i = 0; i < 6; i++)
        s3_op_add(&bytes, &ops[i]);
    struct span rest = span_of(bytes.data, bytes.size);
    struct s3_op op;
    for (size_t i = 0; i < 6; i++) {
        CHECK_INT(s3_op_next(&rest, &op), 1);
        CHECK_INT(op.kind, ops[i].kind);
        CHECK(span_equal(op.key, ops[i].key) && span_equal(op.value, ops[i].value));
        CHECK(span_equal(op.data, ops[i].data) && span_equal(op.place, ops[i].place));
        CHECK(!op.content == !ops[i].content);
        CHECK(!op.content || memcmp(op.content, hash, sizeof(hash)) == 0);
        CHECK_INT(op.length, ops[i].length);
    }
    CHECK_INT(s3_op_next(&rest, &op), 0);
    /* Cut off anywhere, it ends at a change or is refused. */
    for (size_t size = 0; size < bytes.size; size++) {
        int more;
        rest = span_of(bytes.data, size);
        while ((more = s3_op_next(&rest, &op)) > 0)
            continue;
        CHECK(more == -EINVAL || rest.size == 0);
    }
    s3_bytes_fini(&bytes);
}

TEST(heads, "a head that is damaged, or has gaps, would be believed")
{
    struct s3_head *head = tap_memory(sizeof(*head)), *read = tap_memory(sizeof(*read));
    struct s3_bytes bytes = {0};
    uint8_t nonce[S3_NONCE] = {7};
    struct s3_unit unit = {12, nonce, S("ops")}, got;
    head->sequence = 12;
    head->snapshot = (struct s3_part){.to = 5, .size = 100};
    head->parts[0] = (struct s3_part){.from = 4, .to = 8, .size = 10};
    head->parts[1] = (struct s3_part){.from = 9, .to = 11, .size = 20};
    head->part_count = 2;
    s3_unit_add(&head->tail, &unit);
    s3_head_write(head, &bytes);
    CHECK_INT(s3_head_read(span_of(bytes.data, bytes.size), read), 0);
    CHECK_INT(read->sequence, 12);
    CHECK_INT(read->part_count, 2);
    CHECK_INT(read->parts[1].from, 9);
    struct span rest = span_of(read->tail.data, read->tail.size);
    CHECK_INT(s3_unit_next(&rest, &got), 1);
    CHECK(got.sequence == 12 && span_equal(got.ops, S("ops")) && got.nonce[0] == 7);
    CHECK_INT(s3_unit_next(&rest, &got), 0);
    for (size_t i = 0; i < bytes.size; i++) {
        s3_bytes_fini(&read->tail);
        bytes.data[i] ^= 1;
        CHECK_INT(s3_head_read(span_of(bytes.data, bytes.size), read), -EINVAL);
        bytes.data[i] ^= 1;
        CHECK_INT(s3_head_read(span_of(bytes.data, i), read), -EINVAL);
    }
    static const uint64_t wrong[][2] = {{10, 11}, {8, 11}, {9, 8}, {9, 13}};
    for (size_t i = 0; i < 4; i++) {
        bytes.size = 0;
        head->parts[1].from = wrong[i][0];
        head->parts[1].to = wrong[i][1];
        s3_head_write(head, &bytes);
        CHECK_INT(s3_head_read(span_of(bytes.data, bytes.size), read), -EINVAL);
    }
    s3_bytes_fini(&head->tail);
    s3_bytes_fini(&bytes);
}

TAP_MAIN()
