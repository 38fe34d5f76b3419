/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal of the Keep's certificate while its program runs. There is one identity in a Keep.
 *
 * Keep side.
 */
#pragma once

#include "exec/identity.h"

/*
 * Has a certificate renewed of which two thirds of the time are over, `now` in seconds since 1970.
 * Another thread asks the Steward meanwhile. Only if the certificate is not valid any more, and so
 * of no use to the client that has come, and if the client `waits`, this one does. A Steward that
 * gives none is logged and asked again after a minute, when somebody looks. False: the certificate
 * is not valid, and a new one is being asked for.
 */
bool renewal_look(struct identity *identity, int64_t now, bool waits);

/* Chain, trust, dates and generation of the identity change only while this is held. */
void renewal_lock(void);
void renewal_unlock(void);

/* Whether somebody is asking. */
bool renewal_is_under_way(void);

/* Whether there was another thread that asked. It may still be there, and use the identity and all
 * that it borrows, or be on its way out of OpenSSL: the process has to end without undoing these.
 */
bool renewal_has_thread(void);
