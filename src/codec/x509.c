// SPDX-License-Identifier: Apache-2.0
#include "codec/x509.h"

#include <errno.h>

enum { EXTENSIONS_MAX = 32, VERSION_3 = 2 };

#define OID(text) SPAN_LITERAL(text)

/* Content of OBJECT IDENTIFIERs. */
#define OID_EC_KEY            OID("\x2A\x86\x48\xCE\x3D\x02\x01")
#define OID_P256              OID("\x2A\x86\x48\xCE\x3D\x03\x01\x07")
#define OID_P384              OID("\x2B\x81\x04\x00\x22")
#define OID_RSA               OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01")
#define OID_PSS               OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0A")
#define OID_MGF1              OID("\x2A\x86\x48\x86\xF7\x0D\x01\x01\x08")
#define OID_SHA384            OID("\x60\x86\x48\x01\x65\x03\x04\x02\x02")
#define OID_ECDSA_SHA256      OID("\x2A\x86\x48\xCE\x3D\x04\x03\x02")
#define OID_ECDSA_SHA384      OID("\x2A\x86\x48\xCE\x3D\x04\x03\x03")
#define OID_KEY_USAGE         OID("\x55\x1D\x0F")
#define OID_CONSTRAINTS       OID("\x55\x1D\x13")
#define OID_COMMON_NAME       OID("\x55\x04\x03")
#define OID_EXTENSION_REQUEST OID("\x2A\x86\x48\x86\xF7\x0D\x01\x09\x0E")

/* An AlgorithmIdentifier of SHA-384, whose parameters are NULL or absent. */
static void check_sha384(struct der *der)
{
    struct der algorithm = der_enter(der, DER_SEQUENCE);
    struct span null = {0};
    if (!span_equal(der_take(&algorithm, DER_OID), OID_SHA384))
        der_fail(&algorithm);
    der_optional(&algorithm, DER_NULL, &null);
    if (!der_end(&algorithm) || null.size > 0)
        der_fail(der);
}

/* RSASSA-PSS-params (RFC 4055 section 3.1): exactly SHA-384, MGF1 with SHA-384, salt of 48 bytes;
 * the trailer may be named, which AMD does in certificates and not in revocation lists. */
static bool is_pss_sha384(struct der *der)
{
    enum { SALT = 48, TRAILER = 1 };
    struct der params = der_enter(der, DER_SEQUENCE);
    struct der hash = der_enter(&params, DER_CONTEXT_CONSTRUCTED | 0);
    check_sha384(&hash);
    struct der mask = der_enter(&params, DER_CONTEXT_CONSTRUCTED | 1);
    struct der generator = der_enter(&mask, DER_SEQUENCE);
    if (!span_equal(der_take(&generator, DER_OID), OID_MGF1))
        der_fail(&generator);
    check_sha384(&generator);
    struct der salt = der_enter(&params, DER_CONTEXT_CONSTRUCTED | 2);
    bool right = der_uint(&salt, SALT) == SALT;
    if (der_peek(&params)) {
        struct der trailer = der_enter(&params, DER_CONTEXT_CONSTRUCTED | 3);
        right = right && der_uint(&trailer, TRAILER) == TRAILER && der_end(&trailer);
    }
    return right && der_end(&hash) && der_end(&mask) && der_end(&generator) && der_end(&salt) &&
           der_end(&params);
}

static enum x509_algorithm parse_algorithm(struct span content)
{
    struct der der = der_of(content);
    struct span oid = der_take(&der, DER_OID);
    if (der_end(&der) && span_equal(oid, OID_ECDSA_SHA256))
        return X509_ECDSA_SHA256;
    if (der_end(&der) && span_equal(oid, OID_ECDSA_SHA384))
        return X509_ECDSA_SHA384;
    if (span_equal(oid, OID_PSS) && is_pss_sha384(&der) && der_end(&der))
        return X509_PSS_SHA384;
    return X509_ALGORITHM_OTHER;
}

int x509_signed_parse(struct span bytes, struct x509_signature *signature, struct der *body,
                      struct span *algorithm)
{
    struct der top = der_of(bytes);
    struct der outer = der_enter(&top, DER_SEQUENCE);
    struct der copy = outer;
    signature->signed_bytes = der_whole(&copy, DER_SEQUENCE);
    *body = der_enter(&outer, DER_SEQUENCE);
    *algorithm = der_take(&outer, DER_SEQUENCE);
    signature->algorithm = parse_algorithm(*algorithm);
    signature->value = der_bits(&outer);
    return der_end(&outer) && der_end(&top) ? 0 : -EINVAL;
}

static void parse_ec_key(struct x509_key *key, struct span curve, struct span point)
{
    static const struct {
        enum x509_key_kind kind;
        size_t size;
    } curves[] = {{X509_KEY_P256, 65}, {X509_KEY_P384, 97}};
    size_t which = span_equal(curve, OID_P384);
    if (which == 0 && !span_equal(curve, OID_P256))
        return;
    if (point.size != curves[which].size || point.data[0] != 0x04)
        return;
    key->kind = curves[which].kind;
    key->point = point;
}

static void parse_rsa_key(struct x509_key *key, struct span bits)
{
    struct der top = der_of(bits);
    struct der pair = der_enter(&top, DER_SEQUENCE);
    key->modulus = der_unsigned(&pair);
    key->exponent = der_unsigned(&pair);
    if (der_end(&pair) && der_end(&top))
        key->kind = X509_KEY_RSA;
}

static struct x509_key parse_key(struct der *der)
{
    struct x509_key key = {0};
    struct der copy = *der;
    key.info = der_whole(&copy, DER_SEQUENCE);
    struct der info = der_enter(der, DER_SEQUENCE);
    struct der algorithm = der_enter(&info, DER_SEQUENCE);
    struct span oid = der_take(&algorithm, DER_OID);
    struct span bits = der_bits(&info);
    if (!der_end(&info)) {
        der_fail(der);
        return key;
    }
    struct span parameter = {0};
    if (span_equal(oid, OID_EC_KEY) && der_optional(&algorithm, DER_OID, &parameter) &&
        der_end(&algorithm))
        parse_ec_key(&key, parameter, bits);
    else if (span_equal(oid, OID_RSA) && der_optional(&algorithm, DER_NULL, &parameter) &&
             parameter.size == 0 && der_end(&algorithm))
        parse_rsa_key(&key, bits);
    return key;
}

bool x509_extension_next(struct span *extensions, struct x509_extension *extension)
{
    struct der der = der_of(*extensions);
    if (der_end(&der))
        return false;
    struct der one = der_enter(&der, DER_SEQUENCE);
    extension->oid = der_take(&one, DER_OID);
    /* FALSE is the default, which DER leaves out; Intel's library and others write it. */
    extension->critical = der_peek(&one) == DER_BOOLEAN && der_boolean(&one);
    extension->value = der_take(&one, DER_OCTET_STRING);
    if (!der_end(&one) || der.failed)
        return false;
    *extensions = der.rest;
    return true;
}

bool x509_extension_find(struct span extensions, struct span oid, struct x509_extension *extension)
{
    while (x509_extension_next(&extensions, extension)) {
        if (span_equal(extension->oid, oid))
            return true;
    }
    return false;
}

/* All are well-formed, and none is there twice. */
static bool check_extensions(struct span extensions)
{
    struct span seen[EXTENSIONS_MAX];
    size_t count = 0;
    struct x509_extension extension;
    struct span rest = extensions;
    while (x509_extension_next(&rest, &extension)) {
        if (count == EXTENSIONS_MAX)
            return false;
        for (size_t i = 0; i < count; i++) {
            if (span_equal(seen[i], extension.oid))
                return false;
        }
        seen[count++] = extension.oid;
    }
    return rest.size == 0;
}

static bool parse_usage(struct span value, unsigned *usage)
{
    struct der der = der_of(value);
    struct span bits = der_take(&der, DER_BIT_STRING);
    if (!der_end(&der) || bits.size < 2 || bits.data[0] > 7)
        return false;
    *usage = 0;
    for (unsigned i = 0; i < 8; i++)
        *usage |= (bits.data[1] & 0x80U >> i ? 1U : 0U) << i;
    return true;
}

static bool parse_constraints(struct span value, struct x509_certificate *certificate)
{
    struct der der = der_of(value);
    struct der constraints = der_enter(&der, DER_SEQUENCE);
    certificate->has_constraints = true;
    certificate->is_authority = der_peek(&constraints) == DER_BOOLEAN && der_boolean(&constraints);
    certificate->has_path_length = der_peek(&constraints) == DER_INTEGER;
    if (certificate->has_path_length)
        certificate->path_length = der_uint(&constraints, 255);
    return der_end(&constraints) && der_end(&der);
}

static bool parse_extensions(struct x509_certificate *certificate)
{
    struct span rest = certificate->extensions;
    struct x509_extension extension;
    if (!check_extensions(rest))
        return false;
    while (x509_extension_next(&rest, &extension)) {
        if (span_equal(extension.oid, OID_KEY_USAGE)) {
            certificate->has_usage = true;
            if (!parse_usage(extension.value, &certificate->usage))
                return false;
        } else if (span_equal(extension.oid, OID_CONSTRAINTS)) {
            if (!parse_constraints(extension.value, certificate))
                return false;
        } else if (extension.critical) {
            certificate->unknown_critical = true;
        }
    }
    return true;
}

int x509_parse(struct span bytes, struct x509_certificate *certificate)
{
    *certificate = (struct x509_certificate){.whole = bytes};
    struct der body;
    struct span outer_algorithm;
    if (x509_signed_parse(bytes, &certificate->signature, &body, &outer_algorithm) < 0)
        return -EINVAL;
    struct der version = der_enter(&body, DER_CONTEXT_CONSTRUCTED | 0);
    bool right_version = der_uint(&version, VERSION_3) == VERSION_3 && der_end(&version);
    certificate->serial = der_unsigned(&body);
    struct span algorithm = der_take(&body, DER_SEQUENCE);
    certificate->issuer = der_whole(&body, DER_SEQUENCE);
    struct der validity = der_enter(&body, DER_SEQUENCE);
    certificate->not_before = der_time(&validity);
    certificate->not_after = der_time(&validity);
    certificate->subject = der_whole(&body, DER_SEQUENCE);
    certificate->key = parse_key(&body);
    if (der_peek(&body)) {
        struct der outer = der_enter(&body, DER_CONTEXT_CONSTRUCTED | 3);
        certificate->extensions = der_take(&outer, DER_SEQUENCE);
        if (!der_end(&outer))
            return -EINVAL;
    }
    if (!der_end(&body) || !der_end(&validity) || !right_version ||
        !span_equal(algorithm, outer_algorithm) || !parse_extensions(certificate))
        return -EINVAL;
    return 0;
}

struct span x509_common_name(struct span name)
{
    struct der top = der_of(name);
    struct der sets = der_enter(&top, DER_SEQUENCE);
    while (der_peek(&sets)) {
        struct der set = der_enter(&sets, DER_SET);
        struct der attribute = der_enter(&set, DER_SEQUENCE);
        struct span oid = der_take(&attribute, DER_OID);
        struct der_element value = der_next(&attribute);
        if (!attribute.failed && span_equal(oid, OID_COMMON_NAME))
            return value.value;
    }
    return (struct span){0};
}

/* The wanted attribute value of extensionRequest: SET { SEQUENCE OF Extension }. */
static bool parse_attribute(struct der *attributes, struct x509_request *request, bool *seen)
{
    struct der attribute = der_enter(attributes, DER_SEQUENCE);
    struct span oid = der_take(&attribute, DER_OID);
    if (!span_equal(oid, OID_EXTENSION_REQUEST)) {
        request->unknown_attribute = true;
        return !attributes->failed;
    }
    struct der values = der_enter(&attribute, DER_SET);
    request->extensions = der_take(&values, DER_SEQUENCE);
    bool first = !*seen;
    *seen = true;
    return first && der_end(&values) && der_end(&attribute) && !attributes->failed &&
           check_extensions(request->extensions);
}

int x509_request_parse(struct span bytes, struct x509_request *request)
{
    *request = (struct x509_request){0};
    struct der body;
    struct span algorithm;
    bool seen = false;
    if (x509_signed_parse(bytes, &request->signature, &body, &algorithm) < 0)
        return -EINVAL;
    uint64_t version = der_uint(&body, 0);
    request->subject = der_whole(&body, DER_SEQUENCE);
    request->key = parse_key(&body);
    struct der attributes = der_enter(&body, DER_CONTEXT_CONSTRUCTED | 0);
    while (der_peek(&attributes)) {
        if (!parse_attribute(&attributes, request, &seen))
            return -EINVAL;
    }
    return version == 0 && der_end(&attributes) && der_end(&body) ? 0 : -EINVAL;
}
