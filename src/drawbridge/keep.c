// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/keep.h"

#include "base/text.h"
#include "codec/base64.h"
#include "codec/x509.h"
#include "drawbridge/names.h"

#include <errno.h>
#include <string.h>

enum { URI_TAG = DER_CONTEXT | 6 };

static bool take_prefix(struct span *text, struct span prefix)
{
    if (text->size < prefix.size || memcmp(text->data, prefix.data, prefix.size) != 0)
        return false;
    *text = span_of(text->data + prefix.size, text->size - prefix.size);
    return true;
}

/* Copies a text once; a second one, or one that is too long, is an error. */
static bool copy_once(struct span text, char *out, size_t capacity)
{
    if (out[0] || text.size == 0 || text.size >= capacity || memchr(text.data, 0, text.size))
        return false;
    memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return true;
}

static bool read_digest(struct span text, struct keep *keep)
{
    uint8_t digest[BASE64_DECODED(44)];
    size_t size;
    if (keep->bound || text.size != 43 || base64url_decode(text, digest, &size) < 0 ||
        size != sizeof(keep->digest))
        return false;
    memcpy(keep->digest, digest, size);
    keep->bound = true;
    return true;
}

/* One URI; those that are not ours mean nothing. */
static bool read_uri(struct span uri, struct keep *keep)
{
    if (take_prefix(&uri, SPAN_LITERAL("enarx:technology/")))
        return copy_once(uri, keep->technology, sizeof(keep->technology));
    if (take_prefix(&uri, SPAN_LITERAL("ni:///sha-256;")))
        return read_digest(uri, keep);
    if (take_prefix(&uri, SPAN_LITERAL("enarx:package/")))
        return copy_once(uri, keep->package, sizeof(keep->package));
    return true;
}

static bool read_names(struct span value, struct keep *keep)
{
    struct der top = der_of(value), names = der_enter(&top, DER_SEQUENCE);
    bool good = true;
    while (good && der_peek(&names)) {
        struct der_element name = der_next(&names);
        good = name.tag != URI_TAG || read_uri(name.value, keep);
    }
    return good && der_end(&names) && der_end(&top);
}

int keep_parse(struct span certificate, int64_t now, struct keep *keep)
{
    static const struct span subject_alt_name = SPAN_INIT("\x55\x1D\x11");
    struct x509_certificate parsed;
    struct x509_extension extension;
    *keep = (struct keep){0};
    if (certificate.size == 0 || x509_parse(certificate, &parsed) < 0 || now < parsed.not_before ||
        now >= parsed.not_after || parsed.is_authority)
        return -EINVAL;
    if (!x509_extension_find(parsed.extensions, subject_alt_name, &extension) ||
        !read_names(extension.value, keep) || !keep->technology[0])
        return -EINVAL;
    return 0;
}

bool keep_is_named(const struct keep *keep, struct span user, struct span repository,
                   struct span tag)
{
    char wanted[3 * NAME_MAX_SIZE + 4];
    struct text text = text_init(wanted, sizeof(wanted));
    if (!keep->package[0])
        return true;
    text_add(&text, "/");
    text_add_span(&text, user);
    text_add(&text, "/");
    text_add_span(&text, repository);
    text_add(&text, ":");
    text_add_span(&text, tag);
    size_t size = strlen(keep->package);
    /* What is before is the host, which has no slash. */
    return !text.overflow && size > text.size &&
           strcmp(keep->package + size - text.size, wanted) == 0 &&
           !memchr(keep->package, '/', size - text.size);
}
