// SPDX-License-Identifier: Apache-2.0
#include "codec/x509.h"

#include <errno.h>

enum { VERSION_2 = 1, ENTRIES_MAX = 100000 };

/* Whether an extension is critical: none of those that vendors use needs to be understood to tell
 * whether a serial number is listed. */
static bool check_extensions(struct span extensions, bool *critical)
{
    struct x509_extension extension;
    while (x509_extension_next(&extensions, &extension))
        *critical = *critical || extension.critical;
    return extensions.size == 0;
}

/* Takes one entry; its serial number is all that counts. */
static bool take_entry(struct der *entries, struct span *serial)
{
    struct der entry = der_enter(entries, DER_SEQUENCE);
    *serial = der_unsigned(&entry);
    der_time(&entry);
    bool critical = false;
    if (der_peek(&entry)) {
        struct span extensions = der_take(&entry, DER_SEQUENCE);
        if (!check_extensions(extensions, &critical))
            return false;
    }
    return der_end(&entry) && !critical;
}

static bool check_entries(struct span revoked)
{
    struct der entries = der_of(revoked);
    struct span serial;
    for (unsigned count = 0; der_peek(&entries); count++) {
        if (count == ENTRIES_MAX || !take_entry(&entries, &serial))
            return false;
    }
    return der_end(&entries);
}

int x509_crl_parse(struct span bytes, struct x509_crl *crl)
{
    *crl = (struct x509_crl){.whole = bytes};
    struct der body;
    struct span outer_algorithm;
    if (x509_signed_parse(bytes, &crl->signature, &body, &outer_algorithm) < 0)
        return -EINVAL;
    uint64_t version = der_uint(&body, VERSION_2);
    struct span algorithm = der_take(&body, DER_SEQUENCE);
    crl->issuer = der_whole(&body, DER_SEQUENCE);
    crl->this_update = der_time(&body);
    /* Without nextUpdate a list would never grow old: RFC 5280 demands it, and so does this. */
    crl->next_update = der_time(&body);
    der_optional(&body, DER_SEQUENCE, &crl->revoked);
    if (der_peek(&body)) {
        struct der wrapper = der_enter(&body, DER_CONTEXT_CONSTRUCTED | 0);
        struct span extensions = der_take(&wrapper, DER_SEQUENCE);
        if (!der_end(&wrapper) || !check_extensions(extensions, &crl->unknown_critical))
            return -EINVAL;
    }
    if (!der_end(&body) || version != VERSION_2 || !span_equal(algorithm, outer_algorithm) ||
        !check_entries(crl->revoked))
        return -EINVAL;
    return 0;
}

bool x509_crl_lists(const struct x509_crl *crl, struct span serial)
{
    struct der entries = der_of(crl->revoked);
    struct span listed;
    while (der_peek(&entries)) {
        if (!take_entry(&entries, &listed))
            return false;
        if (span_equal(listed, serial))
            return true;
    }
    return false;
}
