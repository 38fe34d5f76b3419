// SPDX-License-Identifier: Apache-2.0
/* A chat room. The first line of a client is its name; each further one goes to everybody. */
#include "../../clients/clients.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 24, LINE_MAX_BYTES = 500, QUEUE_MAX = 64 * 1024 };

static void tell_everybody(const char *text)
{
    for (struct client *client = client_next(NULL); client; client = client_next(client)) {
        if (client_get_state(client))
            client_send(client, text, strlen(text));
    }
}

static bool is_name(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
            return false;
    }
    return *text && strlen(text) <= NAME_MAX_BYTES;
}

static bool is_taken(const char *name)
{
    for (struct client *client = client_next(NULL); client; client = client_next(client)) {
        const char *other = client_get_state(client);
        if (other && strcasecmp(other, name) == 0)
            return true;
    }
    return false;
}

/* What could move the cursor of somebody's terminal becomes a question mark. */
static void disarm(char *text)
{
    unsigned char before = 0;
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        bool control = *c < ' ' || *c == 0x7f || (before == 0xc2 && *c < 0xa0);
        before = *c;
        if (control)
            *c = '?';
    }
}

static void come_in(struct client *client, const char *name)
{
    char text[NAME_MAX_BYTES + 32];
    char *own = is_name(name) && !is_taken(name) ? strdup(name) : NULL;
    if (!own) {
        client_print(client,
                     "! A name is taken once, and has up to %d letters, digits, dots and dashes.\n",
                     NAME_MAX_BYTES);
        client_end(client);
        return;
    }
    client_set_state(client, own);
    snprintf(text, sizeof(text), "* %s comes in\n", name);
    tell_everybody(text);
}

static void say(const char *name, char *line)
{
    char text[NAME_MAX_BYTES + LINE_MAX_BYTES + 8];
    disarm(line);
    snprintf(text, sizeof(text), "%s: %s\n", name, line);
    tell_everybody(text);
}

static size_t take_line(struct client *client, const char *bytes, size_t size)
{
    char line[LINE_MAX_BYTES + 1];
    const char *end = memchr(bytes, '\n', size);
    if (!end)
        return 0;
    size_t length = (size_t)(end - bytes);
    memcpy(line, bytes, length); /* input_max has room for this and the line feed */
    line[length] = '\0';
    line[strcspn(line, "\r")] = '\0';
    const char *name = client_get_state(client);
    if (name)
        say(name, line);
    else
        come_in(client, line);
    return length + 1;
}

static void go_out(struct client *client)
{
    char *name = client_get_state(client), text[NAME_MAX_BYTES + 32];
    if (!name)
        return;
    snprintf(text, sizeof(text), "* %s goes out\n", name);
    tell_everybody(text);
    free(name);
}

int main(void)
{
    static const struct service chat = {
        .clients_max = 100,
        .input_max = LINE_MAX_BYTES + 1,
        .output_max = QUEUE_MAX,
        .idle_seconds = 3600,
        .take = take_line,
        .left = go_out,
    };
    return clients_serve("chat", &chat);
}
