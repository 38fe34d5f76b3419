// SPDX-License-Identifier: Apache-2.0
/* enarx package sign|verify. */
#include "base/cleanup.h"
#include "base/read_all.h"
#include "cli/json_print.h"
#include "cli/tree_print.h"
#include "codec/json.h"
#include "jose/jws.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
    KEY_MAX = 64 * 1024,
    JWS_MAX = 4096,
    SIGNERS_MAX = 32,
    STATUS_REFUSED = 1,
    THUMBPRINT_TEXT = 44,
};

static void write_thumbprint(const uint8_t thumbprint[JWK_THUMBPRINT_SIZE],
                             char out[THUMBPRINT_TEXT])
{
    out[base64_encode(span_of(thumbprint, JWK_THUMBPRINT_SIZE), true, out)] = '\0';
}

/* ---- sign ------------------------------------------------------------------------------------ */

static int read_key(const char *path, struct crypto_signer **signer, struct err *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    int status = fd < 0 ? -errno : read_all(fd, KEY_MAX, &data, &size);
    if (status < 0)
        return err_set(err, ERR_CONFIG, -status, "cannot read the key %s", path);
    status = crypto_signer_read(span_of(data, size), signer);
    explicit_bzero(data, size);
    free(data);
    if (status == 0 && crypto_signer_kind(*signer) == X509_KEY_P256)
        return 0;
    err_set(err, ERR_CONFIG, 0, "%s is not a private key on P-256", path);
    err_hint(err, "Make one with: openssl ecparam -name prime256v1 -genkey -noout -out FILE");
    return -EINVAL;
}

static int send_signature(struct store *store, const struct crypto_signer *signer,
                          const struct package_tag *tag, struct err *err)
{
    char path[REMOTE_PATH_MAX], body[JWS_MAX], name[THUMBPRINT_TEXT];
    struct text path_text = text_init(path, sizeof(path)), text = text_init(body, sizeof(body));
    uint8_t thumbprint[JWK_THUMBPRINT_SIZE];
    struct http_reply reply;
    int status =
        jws_sign_detached(signer, span_of(tag->canonical, tag->canonical_size), &text, thumbprint);
    if (status < 0)
        return err_set(err, ERR_INTERNAL, -status, "cannot sign");
    slug_write_path(&store->slug, &path_text);
    text_add(&path_text, "/signature");
    struct remote_call call = {
        .method = "POST", .path = path, .type = TYPE_JOSE, .body = text_span(&text)};
    status = remote_call(store->remote, &call, &reply, err);
    if (status < 0)
        return status;
    http_reply_free(&reply);
    write_thumbprint(thumbprint, name);
    if (store->json)
        printf("{\n  \"signer\": \"%s\"\n}\n", name);
    else
        puts(name);
    return 0;
}

int command_package_sign(const struct invocation *invocation, int *exit_status, struct err *err)
{
    const char *path = invocation_value(invocation, "key");
    struct crypto_signer *signer = NULL;
    struct store store = {0};
    struct package_tag tag = {0};
    (void)exit_status;
    if (!path)
        return err_set(err, ERR_USAGE, 0, "enarx package sign needs --key");
    int status = read_key(path, &signer, err);
    if (status == 0)
        status = store_open(invocation, SLUG_TAG, STORE_TOKEN_NEEDED, &store, err);
    if (status == 0)
        status = package_tag_get(store.remote, &store.slug, &tag, err);
    if (status == 0)
        status = send_signature(&store, signer, &tag, err);
    package_tag_free(&tag);
    crypto_signer_free(signer);
    return store_finish(&store, status, "Failed to sign the package", err);
}

/* ---- verify ---------------------------------------------------------------------------------- */

struct verifying {
    char signers[SIGNERS_MAX][THUMBPRINT_TEXT]; /* those whose signatures are right */
    size_t count;
    bool trusted; /* one of them was asked for */
    bool wanted;  /* somebody was asked for */
    bool same;    /* the local tree is that of the tag */
    bool compared;
};

static bool is_wanted(const struct invocation *invocation, const char *signer)
{
    const char *wanted;
    for (size_t cursor = 0; (wanted = invocation_next(invocation, "signer", &cursor));) {
        if (strcmp(wanted, signer) == 0)
            return true;
    }
    return false;
}

static void add_signer(const struct invocation *invocation, struct verifying *verifying,
                       const uint8_t thumbprint[JWK_THUMBPRINT_SIZE])
{
    if (verifying->count == SIGNERS_MAX)
        return;
    char *name = verifying->signers[verifying->count++];
    write_thumbprint(thumbprint, name);
    verifying->trusted = verifying->trusted || is_wanted(invocation, name);
}

/* A signature that is wrong, or of an unknown kind, says nothing and counts for nothing. */
static int check_signatures(const struct invocation *invocation, struct store *store,
                            const struct package_tag *tag, struct verifying *verifying,
                            struct err *err)
{
    const struct span payload = span_of(tag->canonical, tag->canonical_size);
    struct http_reply reply;
    struct span value;
    struct json_member member;
    if (tag->jws)
        add_signer(invocation, verifying, tag->signer);
    int status = store_get(store, "/signature", &reply, &value, err);
    if (status < 0)
        return status;
    for (struct json_cursor cursor = json_elements(value); json_next(&cursor, &member);) {
        struct jws_signed result;
        autofree uint8_t *memory = malloc(member.value.size);
        if (memory &&
            jws_verify_flattened(member.value, &payload, memory, member.value.size, &result) == 0)
            add_signer(invocation, verifying, result.thumbprint);
    }
    http_reply_free(&reply);
    return 0;
}

static int compare_local(const char *path, struct store *store, const struct package_tag *tag,
                         struct verifying *verifying, struct err *err)
{
    struct local_tree tree;
    int status = local_tree_read(path, LOCAL_ANY, &store->watch, &tree, err);
    if (status < 0)
        return status;
    const struct entry *local = &tree.nodes[0].entry;
    verifying->compared = true;
    verifying->same =
        local->length == tag->entry.length && digests_match(&tag->entry.digests, &local->digests);
    local_tree_free(&tree);
    return 0;
}

static void print_verdict(const struct verifying *verifying, bool as_json, bool good)
{
    if (as_json) {
        printf("{\n  \"verified\": %s,\n  \"signers\": [", good ? "true" : "false");
        for (size_t i = 0; i < verifying->count; i++)
            printf("%s\"%s\"", i > 0 ? ", " : "", verifying->signers[i]);
        fputs("]", stdout);
        if (verifying->compared)
            printf(",\n  \"same_content\": %s", verifying->same ? "true" : "false");
        puts("\n}");
        return;
    }
    for (size_t i = 0; i < verifying->count; i++)
        printf("signed by  %s\n", verifying->signers[i]);
    if (verifying->wanted && !verifying->trusted)
        puts("refused: none of the wanted keys has signed");
    if (verifying->compared)
        puts(verifying->same ? "the content is that of the tag"
                             : "refused: the content is not that of the tag");
}

int command_package_verify(const struct invocation *invocation, int *exit_status, struct err *err)
{
    size_t cursor = 0;
    struct verifying verifying = {.wanted = invocation_next(invocation, "signer", &cursor) != NULL};
    struct store store = {0};
    struct package_tag tag = {0};
    if (!verifying.wanted && invocation->operand_count < 2)
        return err_set(err, ERR_USAGE, 0, "enarx package verify needs --signer or PATH");
    int status = tag_open(invocation, &store, &tag, err);
    if (status == 0)
        status = check_signatures(invocation, &store, &tag, &verifying, err);
    if (status == 0 && invocation->operand_count > 1)
        status = compare_local(invocation->operands[1], &store, &tag, &verifying, err);
    if (status == 0) {
        bool good =
            (!verifying.wanted || verifying.trusted) && (!verifying.compared || verifying.same);
        print_verdict(&verifying, store.json, good);
        *exit_status = good ? 0 : STATUS_REFUSED;
    }
    package_tag_free(&tag);
    return store_finish(&store, status, "Failed to verify the package", err);
}
