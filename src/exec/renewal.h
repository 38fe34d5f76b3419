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
 * Another thread asks the Steward meanwhile, unless the certificate is not valid any more, and so
 * of no use to the client that has come: then this one does. A Steward that gives none is logged
 * and asked again after a minute, when somebody looks.
 */
void renewal_look(struct identity *identity, int64_t now);

/* Chain, trust, dates and generation of the identity change only while this is held. */
void renewal_lock(void);
void renewal_unlock(void);

/* Whether another thread still asks: the identity, and all that it borrows, has to stay as it is.
 */
bool renewal_is_under_way(void);
