// SPDX-License-Identifier: Apache-2.0
/* Tags: plain entries, or entries inside a signature. */
#include "codec/json.h"
#include "drawbridge/client/package.h"
#include "jose/jws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int malformed(struct err *err, const char *what)
{
    return err_set(err, ERR_IO, 0, "the tag that was received %s", what);
}

/* Brings the bytes of an entry into their canonical form, in memory of the tag. */
static int take_entry(struct package_tag *tag, struct span bytes, struct err *err)
{
    char buffer[CUSTOM_MAX_SIZE + 1];
    struct text custom = text_init(buffer, sizeof(buffer));
    struct span value;
    struct entry entry;
    if (json_parse(bytes, &value) < 0 || entry_parse(value, &custom, &entry) < 0 ||
        digests_empty(&entry.digests))
        return malformed(err, "is not an entry with digests");
    tag->canonical = malloc(ENTRY_MAX_SIZE);
    if (!tag->canonical)
        return err_set(err, ERR_IO, ENOMEM, "cannot hold a tag");
    struct text text = text_init(tag->canonical, ENTRY_MAX_SIZE);
    entry_write(&entry, &text);
    tag->canonical_size = text.size;
    if (text.overflow || json_parse(text_span(&text), &value) < 0 ||
        entry_parse(value, NULL, &tag->entry) < 0)
        return malformed(err, "is too long");
    return 0;
}

static int take_signed(struct package_tag *tag, struct span bytes, struct err *err)
{
    struct jws_signed result;
    uint8_t *memory = malloc(bytes.size + 1);
    tag->jws = malloc(bytes.size + 1);
    int status = memory && tag->jws ? 0 : err_set(err, ERR_IO, ENOMEM, "cannot hold a tag");
    if (status == 0 && jws_verify_flattened(bytes, NULL, memory, bytes.size, &result) < 0)
        status = malformed(err, "has a wrong signature");
    if (status == 0) {
        memcpy(tag->jws, bytes.data, bytes.size);
        tag->jws_size = bytes.size;
        memcpy(tag->signer, result.thumbprint, sizeof(tag->signer));
        status = take_entry(tag, result.payload, err);
    }
    free(memory);
    return status;
}

int package_tag_get(struct remote *remote, const struct slug *slug, struct package_tag *tag,
                    struct err *err)
{
    char path[REMOTE_PATH_MAX];
    struct text text = text_init(path, sizeof(path));
    struct http_reply reply;
    struct digests said = {0}, real;
    *tag = (struct package_tag){0};
    slug_write_path(slug, &text);
    struct remote_call call = {.method = "GET", .path = path};
    int status = remote_call(remote, &call, &reply, err);
    if (status < 0)
        return status;
    const struct span *type = http1_header_find(&reply.head.head, "Content-Type");
    const struct span *digest = http1_header_find(&reply.head.head, "Content-Digest");
    tag->yanked = http1_header_find(&reply.head.head, "Drawbridge-Yanked") != NULL;
    if (!digest || digests_parse_header(*digest, &said) < 0 || digests_of(reply.body, &real) < 0 ||
        !digests_match(&said, &real))
        status = malformed(err, "does not have the digest that was announced");
    else if (type && span_equal(media_type_essence(*type), SPAN_LITERAL(TYPE_JOSE)))
        status = take_signed(tag, reply.body, err);
    else
        status = take_entry(tag, reply.body, err);
    http_reply_free(&reply);
    if (status < 0)
        package_tag_free(tag);
    return status;
}

void package_tag_free(struct package_tag *tag)
{
    free(tag->canonical);
    free(tag->jws);
    *tag = (struct package_tag){0};
}
