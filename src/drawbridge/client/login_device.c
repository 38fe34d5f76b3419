// SPDX-License-Identifier: Apache-2.0
/* The device flow, RFC 8628. */
#include "codec/json.h"
#include "drawbridge/client/login_internal.h"
#include "drawbridge/client/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CODE_MAX = 2048, INTERVAL_PRESET = 5, INTERVAL_MAX = 120 };

struct device {
    char code[CODE_MAX];
    uint64_t interval, expires; /* seconds */
};

static void say(const struct login *login, const char *label, struct span value)
{
    char buffer[OIDC_URL_MAX];
    struct text text = text_init(buffer, sizeof(buffer));
    remote_printable(value, &text);
    fprintf(login->config->out, "%s%s\n", label, buffer);
}

static int begin(const struct login *login, struct device *device)
{
    char buffer[LOGIN_FORM_MAX];
    struct text form = text_init(buffer, sizeof(buffer));
    struct text code = text_init(device->code, sizeof(device->code));
    struct http_reply reply;
    struct span value, text, user, page;
    login_add_client(login, &form);
    login_add_scopes(login, &form);
    login_add(&form, "audience", login->config->audience);
    int status = login_post(login, login->endpoints.device, &form, &reply, &value);
    explicit_bzero(buffer, sizeof(buffer));
    if (status < 0)
        return status;
    if (reply.head.status == 200 && json_get_text(value, "device_code", &text) &&
        json_get_text(value, "user_code", &user) &&
        (json_get_text(value, "verification_uri_complete", &page) ||
         json_get_text(value, "verification_uri", &page))) {
        text_add_span(&code, text);
        if (!json_get_uint(value, "interval", INTERVAL_MAX, &device->interval))
            device->interval = INTERVAL_PRESET;
        if (!json_get_uint(value, "expires_in", LOGIN_SECONDS, &device->expires))
            device->expires = LOGIN_SECONDS;
        say(login, "Open this page and confirm the code:  ", page);
        say(login, "Code:  ", user);
        fflush(login->config->out);
        status = code.overflow
                     ? err_set(login->err, ERR_IO, 0, "the provider's device code is too long")
                     : 0;
    } else {
        status = login_refused(login, "gives no code", value);
    }
    login_wipe(&reply);
    return status;
}

/* Asks once: 1 if it has to be asked again. */
static int poll_token(const struct login *login, struct device *device, struct kept_tokens *tokens)
{
    char buffer[LOGIN_FORM_MAX];
    struct text form = text_init(buffer, sizeof(buffer));
    struct http_reply reply;
    struct span value, error;
    login_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    login_add(&form, "device_code", device->code);
    login_add_client(login, &form);
    int status = login_post(login, login->endpoints.token, &form, &reply, &value);
    explicit_bzero(buffer, sizeof(buffer));
    if (status < 0)
        return status;
    bool refused = reply.head.status != 200 && json_get_text(value, "error", &error);
    if (refused && span_equal(error, SPAN_LITERAL("slow_down")))
        device->interval += INTERVAL_PRESET;
    if (refused && (span_equal(error, SPAN_LITERAL("slow_down")) ||
                    span_equal(error, SPAN_LITERAL("authorization_pending"))))
        status = 1;
    else
        status = login_take_token(login, &reply, value, tokens);
    login_wipe(&reply);
    return status;
}

int login_by_device(const struct login *login, struct kept_tokens *tokens)
{
    struct device device = {.code = ""};
    int status = begin(login, &device);
    if (status == 0)
        status = 1;
    for (int64_t end = login_now() + (int64_t)device.expires; status == 1;) {
        sleep((unsigned)device.interval);
        status = login_now() < end
                     ? poll_token(login, &device, tokens)
                     : err_set(login->err, ERR_IO, ETIMEDOUT, "nobody confirmed the code");
    }
    explicit_bzero(&device, sizeof(device));
    return status;
}
