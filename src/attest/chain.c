// SPDX-License-Identifier: Apache-2.0
#include "attest/chain.h"

#include "attest/roots.h"
#include "base/date.h"
#include "crypto/crypto.h"

#include <errno.h>
#include <string.h>

#define BYTES(array)                                                                               \
    {                                                                                              \
        (array), sizeof(array)                                                                     \
    }

static const struct span amd_roots[] = {BYTES(amd_milan_ark), BYTES(amd_genoa_ark),
                                        BYTES(amd_turin_ark)};
static const struct span intel_roots[] = {BYTES(intel_sgx_root)};

/* They speed things up and are trusted no more than what evidence brings along. */
static const struct span known[] = {
    BYTES(amd_milan_ask),          BYTES(amd_milan_asvk),         BYTES(amd_genoa_ask),
    BYTES(amd_genoa_asvk),         BYTES(amd_turin_ask),          BYTES(amd_turin_asvk),
    BYTES(intel_tcb_signing_2025), BYTES(intel_tcb_signing_2018),
};

struct span chain_root(enum vendor vendor, size_t index)
{
    const struct span *roots = vendor == VENDOR_AMD ? amd_roots : intel_roots;
    size_t count = vendor == VENDOR_AMD ? sizeof(amd_roots) / sizeof(amd_roots[0])
                                        : sizeof(intel_roots) / sizeof(intel_roots[0]);
    return index < count ? roots[index] : (struct span){0};
}

void chain_add_known(struct pool *pool)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        pool_add(pool, known[i]);
}

/* A certificate's common name for a sentence. */
struct label {
    char text[64];
};

static struct label label_of(struct span name)
{
    struct label label = {"without a common name"};
    struct span common = x509_common_name(name);
    size_t size = common.size < sizeof(label.text) - 1 ? common.size : sizeof(label.text) - 1;
    for (size_t i = 0; i < size; i++)
        label.text[i] =
            common.data[i] >= 0x20 && common.data[i] < 0x7F ? (char)common.data[i] : '?';
    if (size > 0)
        label.text[size] = '\0';
    return label;
}

bool chain_verify(struct judge *judge, const struct x509_key *key,
                  const struct x509_signature *signature)
{
    const uint8_t *message = signature->signed_bytes.data, *value = signature->value.data;
    for (size_t i = 0; i < judge->seen_count; i++) {
        if (judge->seen[i].key == key->info.data && judge->seen[i].message == message &&
            judge->seen[i].signature == value)
            return true;
    }
    if (judge->wrong_count == WRONG_MAX)
        return false;
    if (crypto_verify(key, signature) < 0) {
        judge->wrong_count++;
        return false;
    }
    if (judge->seen_count < SEEN_MAX) {
        judge->seen[judge->seen_count].key = key->info.data;
        judge->seen[judge->seen_count].message = message;
        judge->seen[judge->seen_count++].signature = value;
    }
    return true;
}

/* What one step of the search found. */
enum found { FOUND_NOTHING, FOUND_NAME, FOUND_SIGNER };

static enum found try_signer(struct judge *judge, const struct x509_certificate *child,
                             struct span bytes, struct x509_certificate *signer)
{
    if (x509_parse(bytes, signer) < 0 || !span_equal(signer->subject, child->issuer))
        return FOUND_NOTHING;
    return chain_verify(judge, &signer->key, &child->signature) ? FOUND_SIGNER : FOUND_NAME;
}

static enum found find_root(struct judge *judge, enum vendor vendor, struct chain *chain)
{
    struct x509_certificate *child = &chain->certificates[chain->count - 1], *root = child + 1;
    enum found best = FOUND_NOTHING;
    size_t pinned = 0;
    for (; chain_root(vendor, pinned).size > 0 && best < FOUND_SIGNER; pinned++) {
        enum found found = try_signer(judge, child, chain_root(vendor, pinned), root);
        best = found > best ? found : best;
    }
    for (size_t i = 0; i < judge->policy->simulation_root_count && best < FOUND_SIGNER; i++) {
        enum found found =
            try_signer(judge, child, span_from(judge->policy->simulation_roots[i]), root);
        best = found > best ? found : best;
        chain->simulated = found == FOUND_SIGNER;
    }
    if (best == FOUND_SIGNER)
        chain->count++;
    return best;
}

/* The next certificate of the pool that signed the last one of the chain. */
static enum found find_intermediate(struct judge *judge, struct chain *chain)
{
    struct x509_certificate *child = &chain->certificates[chain->count - 1], *signer = child + 1;
    enum found best = FOUND_NOTHING;
    size_t cursor = 0;
    struct span bytes;
    while (pool_next(&judge->pool, POOL_CERTIFICATE, &cursor, &bytes)) {
        enum found found = try_signer(judge, child, bytes, signer);
        best = found > best ? found : best;
        if (found == FOUND_SIGNER) {
            chain->count++;
            break;
        }
    }
    return best;
}

/* What an issuer must be; `below` certificates of authorities are between it and the leaf. */
static int check_authority(struct attest_verdict *verdict, const struct x509_certificate *issuer,
                           size_t below)
{
    struct label label = label_of(issuer->subject);
    if (!issuer->has_constraints || !issuer->is_authority ||
        (issuer->has_usage && !(issuer->usage & X509_KEY_CERT_SIGN)))
        return refuse(verdict, CERTIFICATE_AUTHORITY,
                      "basicConstraints or keyUsage of the certificate %s do not allow it to sign "
                      "certificates",
                      label.text);
    if (issuer->has_path_length && below > issuer->path_length)
        return refuse(verdict, CERTIFICATE_PATH_LENGTH,
                      "pathLenConstraint of the certificate %s allows %llu authorities below it, "
                      "the chain has %zu",
                      label.text, (unsigned long long)issuer->path_length, below);
    return 0;
}

static int check_certificate(struct judge *judge, const struct x509_certificate *certificate)
{
    struct attest_verdict *verdict = judge->verdict;
    struct label label = label_of(certificate->subject);
    char now[DATE_TEXT_SIZE], limit[DATE_TEXT_SIZE];
    date_format(judge->time, now);
    if (certificate->unknown_critical)
        return refuse(verdict, CERTIFICATE_CRITICAL,
                      "the certificate %s has a critical extension that is not understood",
                      label.text);
    date_format(certificate->not_before, limit);
    if (judge->time < certificate->not_before)
        return refuse(verdict, CERTIFICATE_NOT_YET_VALID,
                      "notBefore of the certificate %s is %s, the time is %s", label.text, limit,
                      now);
    date_format(certificate->not_after, limit);
    if (judge->time > certificate->not_after)
        return refuse(verdict, CERTIFICATE_EXPIRED,
                      "notAfter of the certificate %s is %s, the time is %s", label.text, limit,
                      now);
    verdict_window(verdict, certificate->not_before, certificate->not_after);
    return 0;
}

static int refuse_untrusted(struct judge *judge, const char *role,
                            const struct x509_certificate *last, enum found best)
{
    struct label subject = label_of(last->subject), issuer = label_of(last->issuer);
    if (best == FOUND_NAME)
        return refuse(judge->verdict, CERTIFICATE_SIGNATURE,
                      "the signature of the certificate %s (%s) is not of the key of %s",
                      subject.text, role, issuer.text);
    return refuse(judge->verdict, CERTIFICATE_UNTRUSTED,
                  "the issuer %s of the certificate %s (%s) is neither a pinned root nor vouched "
                  "for by one",
                  issuer.text, subject.text, role);
}

int chain_build(struct judge *judge, enum vendor vendor, const char *role,
                const struct x509_certificate *leaf, struct chain *chain)
{
    memset(chain, 0, sizeof(*chain));
    chain->certificates[0] = *leaf;
    chain->count = 1;
    for (;;) {
        const struct x509_certificate *last = &chain->certificates[chain->count - 1];
        enum found best = find_root(judge, vendor, chain);
        if (best == FOUND_SIGNER)
            break;
        enum found other =
            chain->count < CHAIN_MAX - 1 ? find_intermediate(judge, chain) : FOUND_NOTHING;
        if (other != FOUND_SIGNER)
            return refuse_untrusted(judge, role, last, best > other ? best : other);
    }
    for (size_t i = 0; i < chain->count; i++) {
        int status = check_certificate(judge, &chain->certificates[i]);
        if (status == 0 && i > 0)
            status = check_authority(judge->verdict, &chain->certificates[i], i - 1);
        if (status < 0)
            return status;
    }
    judge->verdict->simulated = judge->verdict->simulated || chain->simulated;
    return 0;
}

/* The best list that an issuer has signed. */
struct list_search {
    struct x509_crl fresh; /* of those that are valid now, the youngest */
    bool has_fresh, has_old, has_young, has_forged, revoked;
};

static void consider_list(struct judge *judge, const struct x509_certificate *issuer,
                          const struct x509_certificate *subject, struct span bytes,
                          struct list_search *search)
{
    struct x509_crl crl;
    if (x509_crl_parse(bytes, &crl) < 0 || !span_equal(crl.issuer, issuer->subject) ||
        crl.unknown_critical)
        return;
    bool old = judge->time > crl.next_update, young = judge->time < crl.this_update;
    if (search->has_fresh && !old && !young && crl.this_update <= search->fresh.this_update)
        return;
    bool may_sign = !issuer->has_usage || (issuer->usage & X509_CRL_SIGN);
    if (!may_sign || !chain_verify(judge, &issuer->key, &crl.signature)) {
        search->has_forged = true;
        return;
    }
    search->has_old = search->has_old || old;
    search->has_young = search->has_young || young;
    /* A list from the past that names a certificate still counts, one from the future too. */
    search->revoked = search->revoked || x509_crl_lists(&crl, subject->serial);
    if (old || young)
        return;
    search->fresh = crl;
    search->has_fresh = true;
}

static int refuse_list(struct judge *judge, const struct list_search *search,
                       const struct x509_certificate *issuer)
{
    struct label label = label_of(issuer->subject);
    char now[DATE_TEXT_SIZE];
    date_format(judge->time, now);
    if (search->has_old)
        return refuse(judge->verdict, CRL_EXPIRED,
                      "nextUpdate of the revocation list of %s is before the time %s", label.text,
                      now);
    if (search->has_young)
        return refuse(judge->verdict, CRL_NOT_YET_VALID,
                      "thisUpdate of the revocation list of %s is behind the time %s", label.text,
                      now);
    if (search->has_forged)
        return refuse(judge->verdict, CRL_SIGNATURE,
                      "the signature of the revocation list of %s is not of its key", label.text);
    return refuse(judge->verdict, CRL_MISSING, "no revocation list of %s was given", label.text);
}

static int check_pair(struct judge *judge, const struct x509_certificate *issuer,
                      const struct x509_certificate *subject, enum attest_revocation revocation,
                      bool *checked)
{
    struct list_search search = {0};
    size_t cursor = 0;
    struct span bytes;
    while (pool_next(&judge->pool, POOL_CRL, &cursor, &bytes))
        consider_list(judge, issuer, subject, bytes, &search);
    if (search.revoked)
        return refuse(judge->verdict, CERTIFICATE_REVOKED,
                      "the serial number 0x%s of the certificate %s is on the revocation list of "
                      "%s",
                      hex_of(subject->serial.data, subject->serial.size).text,
                      label_of(subject->subject).text, label_of(issuer->subject).text);
    if (search.has_fresh) {
        verdict_window(judge->verdict, search.fresh.this_update, search.fresh.next_update);
        return 0;
    }
    *checked = false;
    bool given = search.has_old || search.has_young || search.has_forged;
    if (revocation == ATTEST_REVOCATION_OPTIONAL && !given)
        return 0;
    return refuse_list(judge, &search, issuer);
}

int chain_check_revocation(struct judge *judge, const struct chain *chain, size_t first,
                           enum attest_revocation revocation)
{
    bool checked = true;
    for (size_t i = first; i + 1 < chain->count; i++) {
        int status = check_pair(judge, &chain->certificates[i + 1], &chain->certificates[i],
                                revocation, &checked);
        if (status < 0)
            return status;
    }
    judge->verdict->revocation_checked = checked;
    return 0;
}
