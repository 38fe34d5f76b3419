// SPDX-License-Identifier: Apache-2.0
/* Both sides of TLS over a pair of sockets, with certificates that openssl makes. */
#include "crypto/tls_internal.h"
#include "tap.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct identity {
    uint8_t chain[4096], key[4096];
    size_t chain_size, key_size;
};

static size_t read_file(const char *path, uint8_t *bytes, size_t max)
{
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    size_t size = fread(bytes, 1, max, file);
    fclose(file);
    return size;
}

/* A self-signed certificate for a name, or an address. */
static void make_identity(struct identity *identity, const char *names)
{
    char directory[] = "/tmp/tls_XXXXXX", command[512], path[64];
    CHECK(mkdtemp(directory) != NULL);
    snprintf(command, sizeof(command),
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
             "-subj /CN=test -addext subjectAltName=%s -keyout %s/key -out %s/crt 2>/dev/null",
             names, directory, directory);
    if (system(command) != 0)
        SKIP("there is no openssl that makes certificates");
    snprintf(path, sizeof(path), "%s/crt", directory);
    identity->chain_size = read_file(path, identity->chain, sizeof(identity->chain));
    unlink(path);
    snprintf(path, sizeof(path), "%s/key", directory);
    identity->key_size = read_file(path, identity->key, sizeof(identity->key));
    unlink(path);
    rmdir(directory);
}

static struct crypto_tls_config config_of(const struct identity *identity)
{
    return (struct crypto_tls_config){.chain = span_of(identity->chain, identity->chain_size),
                                      .key = span_of(identity->key, identity->key_size)};
}

/* The certificate that the client showed in the last talk: its size. */
static size_t shown;

/* Sends a byte to the server and back; what the client got at last. */
static ssize_t talk(const struct crypto_tls_config *server, const struct crypto_tls_config *client,
                    const char *host)
{
    struct crypto_tls_context *contexts[2];
    int ends[2];
    char byte = 'x';
    ssize_t heard = -EAGAIN, got = -EAGAIN, sent = -EAGAIN;
    signal(SIGPIPE, SIG_IGN);
    CHECK(crypto_tls_context_new(CRYPTO_TLS_SERVER, server, &contexts[0]) == 0);
    CHECK(crypto_tls_context_new(CRYPTO_TLS_CLIENT, client, &contexts[1]) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    struct crypto_tls *accepted = crypto_tls_accept(contexts[0], ends[0]);
    struct crypto_tls *connected = crypto_tls_connect(contexts[1], ends[1], host);
    CHECK(accepted && connected);
    while (sent == -EAGAIN) {
        sent = crypto_tls_write(connected, &byte, 1);
        if (got == -EAGAIN)
            got = crypto_tls_read(accepted, &byte, 1);
    }
    while (sent == 1 && got == -EAGAIN)
        got = crypto_tls_read(accepted, &byte, 1);
    if (sent == 1 && got == 1) {
        shown = crypto_tls_peer(accepted).size;
        CHECK(crypto_tls_write(accepted, "y", 1) == 1);
        while (heard == -EAGAIN)
            heard = crypto_tls_read(connected, &byte, 1);
        CHECK(heard == 1 && byte == 'y');
        crypto_tls_free(accepted); /* says that it is the end */
        accepted = NULL;
        CHECK(crypto_tls_read(connected, &byte, 1) == 0);
    } else {
        CHECK(crypto_tls_reason(sent == 1 ? accepted : connected)[0]);
    }
    crypto_tls_free(connected);
    crypto_tls_free(accepted);
    for (size_t i = 0; i < 2; i++) {
        close(ends[i]);
        crypto_tls_context_free(contexts[i]);
    }
    return sent;
}

TEST(believed, "a client would not believe the right server, or believe another")
{
    static struct identity good, other;
    make_identity(&good, "DNS:a.example,DNS:*.b.example,IP:127.0.0.1,IP:::1");
    make_identity(&other, "DNS:a.example");
    struct crypto_tls_config server = config_of(&good), impostor = config_of(&other);
    struct crypto_tls_config client = {.trust = server.chain};
    static const struct {
        const char *host;
        bool good;
    } rows[] = {
        {"a.example", true},       {"A.EXAMPLE", true},     {"x.b.example", true},
        {"127.0.0.1", true},       {"::1", true},           {"b.example", false},
        {"x.y.b.example", false},  {"127.0.0.2", false},    {"test", false},
        {"a.example.evil", false}, {"evil.example", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ssize_t status = talk(&server, &client, rows[i].host);
        if (status != (rows[i].good ? 1 : -EACCES))
            tap_fail(__FILE__, __LINE__, "%s: %zd", rows[i].host, status);
    }
    CHECK_INT(talk(&impostor, &client, "a.example"), -EACCES);
}

TEST(clients, "a client could not show who it is, or anybody could show anything")
{
    static struct identity host, member, stranger;
    make_identity(&host, "DNS:a.example");
    make_identity(&member, "DNS:member");
    make_identity(&stranger, "DNS:stranger");
    struct crypto_tls_config server = config_of(&host), client = config_of(&member);
    server.trust = client.chain;
    client.trust = server.chain;
    CHECK_INT(talk(&server, &client, "a.example"), 1);
    CHECK(shown > 0);
    struct crypto_tls_config nobody = {.trust = server.chain};
    CHECK_INT(talk(&server, &nobody, "a.example"), 1);
    CHECK_INT(shown, 0);
    client = config_of(&stranger);
    client.trust = server.chain;
    shown = 1;
    (void)talk(&server, &client, "a.example"); /* with TLS 1.3 the client may have sent already */
    CHECK_INT(shown, 1);
}

TEST(contexts, "a key of another certificate, or trust in nobody, would be noticed too late")
{
    static struct identity one, two;
    make_identity(&one, "DNS:a");
    make_identity(&two, "DNS:a");
    struct crypto_tls_context *context = NULL;
    struct crypto_tls_config mixed = config_of(&one), own = config_of(&one), none = {0};
    mixed.key = span_of(two.key, two.key_size);
    CHECK(crypto_tls_context_new(CRYPTO_TLS_SERVER, &mixed, &context) == -EINVAL);
    CHECK(crypto_tls_context_new(CRYPTO_TLS_SERVER, &none, &context) == -EINVAL);
    CHECK(crypto_tls_context_new(CRYPTO_TLS_CLIENT, &none, &context) == -EINVAL);
    none.trust = SPAN_LITERAL("nothing");
    CHECK(crypto_tls_context_new(CRYPTO_TLS_CLIENT, &none, &context) == -EINVAL);
    mixed.trust = own.trust = own.chain;
    CHECK(crypto_tls_context_new(CRYPTO_TLS_CLIENT, &mixed, &context) == -EINVAL);
    CHECK(crypto_tls_context_new(CRYPTO_TLS_CLIENT, &own, &context) == 0);
    crypto_tls_context_free(context);
}

/* ---- Datagrams --------------------------------------------------------------------------------
 */

static ssize_t end_receive(void *env, void *buffer, size_t size)
{
    ssize_t count = recv(*(int *)env, buffer, size, MSG_DONTWAIT);
    return count < 0 ? -errno : count;
}

static ssize_t end_send(void *env, const void *data, size_t size)
{
    ssize_t count = send(*(int *)env, data, size, MSG_DONTWAIT);
    return count < 0 ? -errno : count;
}

/* A server, a client, and what is between them. */
struct pair {
    struct crypto_tls_context *contexts[2];
    struct crypto_dtls_link links[2];
    int ends[2];
    struct crypto_tls *accepted, *connected;
};

static void pair_init(struct pair *pair, const struct crypto_tls_config *server,
                      const struct crypto_tls_config *client)
{
    *pair = (struct pair){0};
    CHECK(crypto_tls_context_new(CRYPTO_TLS_SERVER, server, &pair->contexts[0]) == 0);
    CHECK(crypto_tls_context_new(CRYPTO_TLS_CLIENT, client, &pair->contexts[1]) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair->ends) == 0);
    for (size_t i = 0; i < 2; i++)
        pair->links[i] = (struct crypto_dtls_link){end_receive, end_send, &pair->ends[i]};
    pair->connected = crypto_tls_connect(pair->contexts[1], -1, "a.example");
    CHECK(pair->connected != NULL);
    crypto_dtls_attach(pair->connected, &pair->links[1]);
}

static void pair_free(struct pair *pair)
{
    crypto_tls_free(pair->accepted);
    crypto_tls_free(pair->connected);
    for (size_t i = 0; i < 2; i++) {
        close(pair->ends[i]);
        crypto_tls_context_free(pair->contexts[i]);
    }
}

/* The server looks at the next datagram, as if it came from `address`; with `again` it stays. */
static int greet(struct pair *pair, struct span address, size_t *asked, size_t *answered,
                 bool again)
{
    uint8_t datagram[2048], answer[CRYPTO_DTLS_ANSWER_MAX];
    int flags = MSG_DONTWAIT | (again ? MSG_PEEK : 0);
    ssize_t count = recv(pair->ends[0], datagram, sizeof(datagram), flags);
    CHECK(count > 0);
    *asked = (size_t)count;
    int status = crypto_dtls_greet(pair->contexts[0], address, span_of(datagram, (size_t)count),
                                   answer, answered, &pair->accepted);
    if (*answered > 0 && !again)
        CHECK(send(pair->ends[0], answer, *answered, 0) == (ssize_t)*answered);
    return status;
}

static int greet_next(struct pair *pair, struct span address, size_t *asked, size_t *answered)
{
    return greet(pair, address, asked, answered, false);
}

static int shake_hands(struct pair *pair)
{
    int one = -EAGAIN, other = -EAGAIN;
    for (int i = 0; i < 100 && (one == -EAGAIN || other == -EAGAIN); i++) {
        if (one == -EAGAIN)
            one = crypto_tls_handshake(pair->connected);
        if (other == -EAGAIN)
            other = crypto_tls_handshake(pair->accepted);
    }
    return one ? one : other;
}

TEST(datagrams, "messages of DTLS would lose their borders, or forged addresses cost memory")
{
    static struct identity good;
    static uint8_t big[CRYPTO_DTLS_MESSAGE_MAX + 1], buffer[CRYPTO_DTLS_MESSAGE_MAX];
    struct pair pair;
    size_t asked, answered;
    make_identity(&good, "DNS:a.example");
    struct crypto_tls_config server = config_of(&good), client = {.trust = server.chain};
    server.datagrams = client.datagrams = true;
    pair_init(&pair, &server, &client);

    CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
    int left = crypto_tls_milliseconds(pair.connected);
    CHECK(left > 0 && left <= 1000);
    CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 0);
    CHECK(answered > 0 && answered < asked);
    CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN); /* shows the cookie */
    CHECK_INT(greet(&pair, SPAN_LITERAL("elsewhere"), &asked, &answered, true), 0);
    CHECK(answered > 0);
    CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 1);
    crypto_dtls_attach(pair.accepted, &pair.links[0]);
    CHECK_INT(shake_hands(&pair), 0);
    CHECK_INT(crypto_tls_milliseconds(pair.connected), -1);

    CHECK_INT(crypto_tls_write(pair.connected, "one", 3), 3);
    CHECK_INT(crypto_tls_write(pair.connected, "three", 5), 5);
    CHECK_INT(crypto_tls_ready(pair.accepted), 3);
    CHECK_INT(crypto_tls_peek(pair.accepted, buffer, sizeof(buffer)), 3);
    CHECK_INT(crypto_tls_read(pair.accepted, buffer, sizeof(buffer)), 3);
    CHECK_INT(crypto_tls_ready(pair.accepted), 5);
    CHECK_INT(crypto_tls_read(pair.accepted, buffer, sizeof(buffer)), 5);
    CHECK(memcmp(buffer, "three", 5) == 0);
    CHECK_INT(crypto_tls_ready(pair.accepted), 0);
    CHECK_INT(crypto_tls_write(pair.accepted, big, sizeof(big)), -EMSGSIZE);
    CHECK_INT(crypto_tls_write(pair.accepted, big, sizeof(big) - 1), sizeof(big) - 1);
    CHECK_INT(send(pair.ends[0], "rubbish", 7, 0), 7); /* is passed over */
    CHECK_INT(send(pair.ends[0], "", 0, 0), 0);        /* so is that */
    CHECK_INT(crypto_tls_read(pair.connected, buffer, sizeof(buffer)), sizeof(big) - 1);
    CHECK_INT(crypto_tls_read(pair.connected, buffer, sizeof(buffer)), -EAGAIN);
    CHECK_INT(crypto_tls_finish(pair.accepted), 0);
    CHECK_INT(crypto_tls_read(pair.connected, buffer, sizeof(buffer)), 0);
    pair_free(&pair);
}

TEST(greeting, "what is no ClientHello would be answered, or stop the listener")
{
    static struct identity good;
    static const struct {
        const char *bytes;
        size_t size;
    } rows[] = {
        {"", 1},
        {"x", 1},
        {"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x01\x01", 14},
        {"\x16\xfe\xfd\0\0\0\0\0\0\0\0\xff\xff\x01", 14},
        {"\x17\xfe\xfd\0\x01\0\0\0\0\0\0\0\x03"
         "abc",
         16},
        {"\x15\xfe\xfd\0\0\0\0\0\0\0\0\0\x02\x02\x28", 15},
    };
    make_identity(&good, "DNS:a.example");
    struct crypto_tls_config server = config_of(&good), client = {.trust = server.chain};
    server.datagrams = client.datagrams = true;
    struct pair pair;
    size_t asked, answered;
    pair_init(&pair, &server, &client);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK(send(pair.ends[1], rows[i].bytes, rows[i].size, 0) == (ssize_t)rows[i].size);
        CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 0);
        CHECK_INT(answered, 0);
    }
    CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
    CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 0);
    CHECK(answered > 0);
    CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
    CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 1);
    crypto_dtls_attach(pair.accepted, &pair.links[0]);
    CHECK_INT(shake_hands(&pair), 0);
    pair_free(&pair);
}

/* Both directions' keys and salts for AES-256-GCM (RFC 5246, section 6.3; RFC 5288). */
static void derive_keys(SSL *ssl, uint8_t keys[72])
{
    uint8_t secret[48], seed[13 + 32 + 32] = "key expansion";
    char digest[] = "SHA384";
    CHECK(SSL_SESSION_get_master_key(SSL_get_session(ssl), secret, 48) == 48);
    CHECK(SSL_get_server_random(ssl, seed + 13, 32) == 32);
    CHECK(SSL_get_client_random(ssl, seed + 45, 32) == 32);
    EVP_KDF *kind = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *kdf = EVP_KDF_CTX_new(kind);
    const OSSL_PARAM wanted[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, 48),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
        OSSL_PARAM_construct_end()};
    CHECK(EVP_KDF_derive(kdf, keys, 72, wanted) == 1);
    EVP_KDF_CTX_free(kdf);
    EVP_KDF_free(kind);
}

/* A record of the client without data, which OpenSSL does not send. */
static void send_empty(const struct pair *pair, uint8_t number)
{
    uint8_t record[13 + 8 + 16] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 1, number, 0, 24};
    uint8_t keys[72], nonce[12], told[13];
    int size;
    CHECK(strcmp(SSL_get_cipher(pair->connected->ssl), "ECDHE-ECDSA-AES256-GCM-SHA384") == 0);
    derive_keys(pair->connected->ssl, keys);
    memcpy(record + 13, record + 3, 8);
    memcpy(nonce, keys + 64, 4);
    memcpy(nonce + 4, record + 13, 8);
    memcpy(told, record + 3, 8);
    memcpy(told + 8, record, 3);
    told[11] = told[12] = 0; /* bytes of data */
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    CHECK(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, keys, nonce) == 1 &&
          EVP_EncryptUpdate(cipher, NULL, &size, told, sizeof(told)) == 1 &&
          EVP_EncryptFinal_ex(cipher, record + 21, &size) == 1 &&
          EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, record + 21) == 1);
    EVP_CIPHER_CTX_free(cipher);
    CHECK_INT(send(pair->ends[1], record, sizeof(record), 0), sizeof(record));
}

TEST(empty_records, "a message without bytes would be taken for the end, or for something to read")
{
    static struct identity good;
    uint8_t buffer[CRYPTO_DTLS_MESSAGE_MAX];
    struct pair pair;
    size_t asked, answered;
    make_identity(&good, "DNS:a.example");
    struct crypto_tls_config server = config_of(&good), client = {.trust = server.chain};
    server.datagrams = client.datagrams = true;
    pair_init(&pair, &server, &client);
    CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
    CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 0);
    CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
    CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 1);
    crypto_dtls_attach(pair.accepted, &pair.links[0]);
    CHECK_INT(shake_hands(&pair), 0);
    send_empty(&pair, 1);
    CHECK_INT(crypto_tls_ready(pair.accepted), 0);
    send_empty(&pair, 2);
    CHECK_INT(crypto_tls_peek(pair.accepted, buffer, sizeof(buffer)), -EAGAIN);
    send_empty(&pair, 3);
    CHECK_INT(crypto_tls_read(pair.accepted, buffer, sizeof(buffer)), -EAGAIN);
    pair_free(&pair);
}

TEST(short_tags, "records that are easily forged would be believed")
{
    static struct identity good;
    static const char *const rows[] = {"ECDHE-ECDSA-AES128-CCM8", "ECDHE-ECDSA-AES256-CCM8",
                                       "ECDHE-ECDSA-AES128-CCM"};
    struct pair pair;
    size_t asked, answered;
    make_identity(&good, "DNS:a.example");
    struct crypto_tls_config server = config_of(&good), client = {.trust = server.chain};
    server.datagrams = client.datagrams = true;
    for (size_t i = 0; i < 3; i++) {
        pair_init(&pair, &server, &client);
        CHECK(SSL_set_cipher_list(pair.connected->ssl, rows[i]) == 1);
        CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
        CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 0);
        CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
        CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 1);
        crypto_dtls_attach(pair.accepted, &pair.links[0]);
        CHECK_INT(shake_hands(&pair), i < 2 ? -EIO : 0);
        pair_free(&pair);
    }
}

TEST(datagrams_believed, "DTLS would believe anybody")
{
    static struct identity good, other;
    struct pair pair;
    size_t asked, answered;
    make_identity(&good, "DNS:a.example");
    make_identity(&other, "DNS:b.example");
    struct crypto_tls_config configs[] = {config_of(&other), config_of(&good)};
    for (size_t i = 0; i < 2; i++) { /* another name, another authority */
        struct crypto_tls_config client = {.trust = span_of(other.chain, other.chain_size)};
        client.datagrams = configs[i].datagrams = true;
        pair_init(&pair, &configs[i], &client);
        CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
        CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 0);
        CHECK_INT(crypto_tls_handshake(pair.connected), -EAGAIN);
        CHECK_INT(greet_next(&pair, SPAN_LITERAL("here"), &asked, &answered), 1);
        crypto_dtls_attach(pair.accepted, &pair.links[0]);
        CHECK_INT(shake_hands(&pair), -EACCES);
        pair_free(&pair);
    }
}

TAP_MAIN()
