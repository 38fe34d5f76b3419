// SPDX-License-Identifier: Apache-2.0
#include "codec/url.h"

#include "codec/base64.h"
#include "codec/http1.h"

#include <errno.h>
#include <string.h>

static bool is_alphanumeric(uint8_t character)
{
    uint8_t lower = character | 0x20;
    return (lower >= 'a' && lower <= 'z') || (character >= '0' && character <= '9');
}

static bool is_among(uint8_t character, const char *set)
{
    return character && strchr(set, character);
}

void url_encode(struct text *text, struct span value)
{
    for (size_t i = 0; i < value.size; i++) {
        if (is_alphanumeric(value.data[i]) || is_among(value.data[i], "-._~"))
            text_add_span(text, span_of(value.data + i, 1));
        else
            text_printf(text, "%%%02X", value.data[i]);
    }
}

static bool take_scheme(struct span *rest, bool *secure)
{
    static const struct {
        const char *scheme;
        bool secure;
    } schemes[] = {{"https://", true}, {"http://", false}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t size = strlen(schemes[i].scheme);
        if (rest->size > size && http1_equal(span_of(rest->data, size), schemes[i].scheme)) {
            *rest = span_of(rest->data + size, rest->size - size);
            *secure = schemes[i].secure;
            return true;
        }
    }
    return false;
}

/* Takes the host's characters, which are letters, digits and those of `others`. */
static struct span take_host(struct span *rest, const char *others)
{
    size_t size = 0;
    while (size < rest->size &&
           (is_alphanumeric(rest->data[size]) || is_among(rest->data[size], others)))
        size++;
    struct span host = span_of(rest->data, size);
    *rest = span_of(rest->data + size, rest->size - size);
    return host;
}

static bool take(struct span *rest, char character)
{
    if (rest->size == 0 || rest->data[0] != character)
        return false;
    *rest = span_of(rest->data + 1, rest->size - 1);
    return true;
}

static bool take_port(struct span *rest, uint16_t *port)
{
    uint32_t value = 0;
    size_t digits = 0;
    while (rest->size > 0 && rest->data[0] >= '0' && rest->data[0] <= '9' && digits++ < 5) {
        value = value * 10 + (uint32_t)(rest->data[0] - '0');
        take(rest, (char)rest->data[0]);
    }
    *port = (uint16_t)value;
    return value > 0 && value <= UINT16_MAX;
}

/* Characters that may stand in a path or a query without being written in percent. */
static bool is_target(struct span text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_alphanumeric(text.data[i]) && !is_among(text.data[i], "-._~!$&'()*+,;=:@/?%"))
            return false;
    }
    return text.size == 0 || text.data[0] == '/' || text.data[0] == '?';
}

int url_parse(struct span text, struct url *url)
{
    struct span rest = text;
    *url = (struct url){0};
    if (!take_scheme(&rest, &url->secure))
        return -EINVAL;
    url->bracketed = take(&rest, '[');
    url->host = take_host(&rest, url->bracketed ? ":." : "-._");
    if (url->host.size == 0 || url->host.size > URL_HOST_MAX ||
        (url->bracketed && !take(&rest, ']')))
        return -EINVAL;
    url->port = url->secure ? 443 : 80;
    if (take(&rest, ':') && !take_port(&rest, &url->port))
        return -EINVAL;
    url->target = rest;
    return is_target(rest) ? 0 : -EINVAL;
}

int url_decode(struct span text, uint8_t *out, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            if (text.size - i < 3 || hex_decode(span_of(text.data + i + 1, 2), &byte, 1) < 0)
                return -EINVAL;
            i += 2;
        }
        out[(*size)++] = byte;
    }
    return 0;
}
