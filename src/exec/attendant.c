// SPDX-License-Identifier: Apache-2.0
#include "exec/attendant.h"

#include "base/log.h"

#include <errno.h>

enum { ANSWER_MILLISECONDS = 30 * 1000, QUESTION_MAX = 2048, ANSWERS_MAX = 8 };

/* Sends a question and waits for its answer. Those to questions that were given up may come
 * before; a host that has nothing else to say is not waited for. */
static int ask(struct attendant *attendant, const struct text *question, const char *name,
               struct message_addresses *addresses, struct err *err)
{
    struct span answer = {0};
    int status = message_send(attendant->reader.fd, question);
    for (int i = 0; status == 0 && i < ANSWERS_MAX; i++) {
        status = message_next(&attendant->reader, ANSWER_MILLISECONDS, &answer);
        if (status <= 0)
            break;
        status = message_parse_addresses(answer, name, addresses, err);
        if (status != -EAGAIN)
            return status;
        status = 0;
    }
    return err_set(err, ERR_IO, status < 0 ? -status : EPIPE,
                   "the host does not say what the name \"%.64s\" means", name);
}

int attendant_lookup(struct attendant *attendant, const char *name,
                     struct message_addresses *addresses, struct err *err)
{
    char buffer[QUESTION_MAX];
    struct text question = text_init(buffer, sizeof(buffer));
    message_write_resolve(name, &question);
    pthread_mutex_lock(&attendant->lock);
    int status = ask(attendant, &question, name, addresses, err);
    pthread_mutex_unlock(&attendant->lock);
    if (status < 0 || addresses->count > 0)
        return status;
    err_set(err, ERR_CONFIG, 0, "the host knows no address for the name \"%s\"", name);
    err_hint(err, "Check the name, and that the host can resolve it; or write an IP address.");
    return -ENOTSUP;
}

void attendant_tell(struct attendant *attendant, const struct text *text)
{
    pthread_mutex_lock(&attendant->lock);
    int status = message_send(attendant->reader.fd, text);
    pthread_mutex_unlock(&attendant->lock);
    if (status < 0)
        log_warn("enarx::exec", "the host does not listen");
}
