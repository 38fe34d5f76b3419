// SPDX-License-Identifier: Apache-2.0
#include "cli/tree_print.h"

#include "cli/json_print.h"
#include "codec/base64.h"
#include "codec/json.h"

#include <inttypes.h>

enum { REASON_MAX = 1024 };

void entry_print(const struct entry *entry, bool as_json)
{
    char buffer[ENTRY_MAX_SIZE];
    struct text text = text_init(buffer, sizeof(buffer));
    if (as_json) {
        entry_write(entry, &text);
        json_print(text_span(&text));
        return;
    }
    store_print_text("type     ", entry->type);
    printf("length   %" PRIu64 "\n", entry->length);
    for (unsigned i = 0; i < DIGEST_COUNT; i++) {
        char digest[BASE64_ENCODED(DIGEST_SIZE_MAX) + 1];
        enum digest_algorithm algorithm = (enum digest_algorithm)i;
        if (!entry->digests.has[i])
            continue;
        struct span value = span_of(entry->digests.value[i], digest_size(algorithm));
        digest[base64_encode(value, false, digest)] = '\0';
        printf("%s  %s\n", digest_name(algorithm), digest);
    }
}

void tree_print_begin(const struct tree_printer *printer)
{
    if (printer->as_json)
        putchar('{');
}

void tree_print_node(struct tree_printer *printer, struct span path, const struct entry *entry)
{
    char buffer[ENTRY_MAX_SIZE];
    struct text text = text_init(buffer, sizeof(buffer));
    int size = (int)path.size;
    if (printer->as_json) {
        entry_write(entry, &text);
        printf("%s\n  \"/%.*s\": %s", printer->filled ? "," : "", size, (const char *)path.data,
               buffer);
        printer->filled = true;
        return;
    }
    text_add_span(&text, media_type_essence(entry->type));
    printf("%12" PRIu64 "  %-45s  /%.*s\n", entry->length, buffer, size, (const char *)path.data);
}

void tree_print_end(const struct tree_printer *printer)
{
    if (printer->as_json)
        puts("\n}");
}

static void warn_yanked(struct store *store, const struct package_tag *tag)
{
    uint8_t decoded[REASON_MAX];
    char buffer[REASON_MAX];
    struct text text = text_init(buffer, sizeof(buffer));
    struct http_reply reply;
    struct span value, reason;
    if (!tag->yanked)
        return;
    /* The warning does not depend on whether its reason can be had. */
    if (store_get(store, "/yank", &reply, &value, NULL) == 0) {
        if (json_get(value, "reason", &value) &&
            json_string_decode(value, decoded, sizeof(decoded), &reason))
            remote_printable(reason, &text);
        http_reply_free(&reply);
    }
    fprintf(stderr, "Warning: this tag was yanked: its owner advises against its use%s%s\n",
            text.size > 0 ? ": " : "", buffer);
}

int tag_open(const struct invocation *invocation, struct store *store, struct package_tag *tag,
             struct err *err)
{
    int status = store_open(invocation, SLUG_TAG, STORE_TOKEN_USED, store, err);
    if (status == 0)
        status = package_tag_get(store->remote, &store->slug, tag, err);
    if (status == 0)
        warn_yanked(store, tag);
    return status;
}
