// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/client/slug.h"

#include "codec/url.h"
#include "drawbridge/names.h"

#include <errno.h>
#include <string.h>

static const char *const forms[] = {
    [SLUG_USER] = "[HOST/]USER",
    [SLUG_REPOSITORY] = "[HOST/]USER/REPOSITORY",
    [SLUG_TAG] = "[HOST/]USER/REPOSITORY:TAG",
};

bool slug_is_host(struct span host)
{
    char buffer[SLUG_HOST_MAX + 16];
    struct text text = text_init(buffer, sizeof(buffer));
    struct url url;
    if (host.size == 0 || host.size > SLUG_HOST_MAX || memchr(host.data, '/', host.size))
        return false;
    text_add(&text, "https://");
    text_add_span(&text, host);
    text_add(&text, "/");
    return !text.overflow && url_parse(text_span(&text), &url) == 0 &&
           span_equal(url.target, SPAN_LITERAL("/"));
}

/* Takes what is behind the last `mark`; all if there is none. */
static struct span take_last(struct span *text, char mark, bool *found)
{
    const uint8_t *at = memrchr(text->data, mark, text->size);
    *found = at != NULL;
    if (!at) {
        struct span all = *text;
        text->size = 0;
        return all;
    }
    size_t before = (size_t)(at - text->data);
    struct span last = span_of(at + 1, text->size - before - 1);
    text->size = before;
    return last;
}

static bool parse(struct span text, enum slug_kind kind, struct slug *slug)
{
    bool found;
    *slug = (struct slug){0};
    if (kind == SLUG_TAG) {
        slug->tag = take_last(&text, ':', &found);
        if (!found || !name_is_tag(slug->tag))
            return false;
    }
    if (kind != SLUG_USER) {
        slug->repository = take_last(&text, '/', &found);
        if (!found || !name_is_repository(slug->repository))
            return false;
    }
    slug->user = take_last(&text, '/', &found);
    slug->host = text;
    return name_is_user(slug->user) && (!found || slug_is_host(slug->host));
}

int slug_parse(const char *text, enum slug_kind kind, struct slug *slug, struct err *err)
{
    if (parse(span_of(text, strlen(text)), kind, slug))
        return 0;
    err_set(err, ERR_USAGE, 0, "\"%.300s\" is not of the form %s", text, forms[kind]);
    err_hint(err, "An example is store.example.com/alice/hello:1.0.0; users have letters and "
                  "digits, repositories also \"-\", tags are semantic versions.");
    return -EINVAL;
}

void slug_write_path(const struct slug *slug, struct text *text)
{
    text_add_span(text, slug->user);
    if (slug->repository.size > 0) {
        text_add(text, "/");
        text_add_span(text, slug->repository);
    }
    if (slug->tag.size > 0) {
        text_add(text, "/_tag/");
        text_add_span(text, slug->tag);
    }
}
