/*
 * libfido2 on the daemon's socket, by its own hook for transports. Usage: libfido2 SOCKET PIN
 * Registers with ES256 and EdDSA, signs in with hmac-secret, keeps a large blob, lists and deletes; a wrong PIN is refused.
 */
#include <errno.h>
#include <fido.h>
#include <fido/credman.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RP "libfido2.example"

static const unsigned char hash[32] = "what the client data hash to is ";
static const unsigned char user[] = "ann";
static const char *pin;

/* Ends the program with the name of what went wrong. */
static void expect(const char *what, int got, int wanted) {
    if (got == wanted)
        return;
    fprintf(stderr, "%s: %s, not %s\n", what, fido_strerr(got), fido_strerr(wanted));
    exit(1);
}

static void *open_socket(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int *socket_ = malloc(sizeof *socket_);
    if (socket_ == NULL || strlen(path) >= sizeof address.sun_path)
        return NULL;
    strcpy(address.sun_path, path);
    *socket_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (connect(*socket_, (struct sockaddr *)&address, sizeof address) != 0)
        return NULL;
    return socket_;
}

static void close_socket(void *handle) {
    close(*(int *)handle);
    free(handle);
}

static int read_report(void *handle, unsigned char *report, size_t length, int milliseconds) {
    struct pollfd readable = {.fd = *(int *)handle, .events = POLLIN};
    if (poll(&readable, 1, milliseconds) != 1)
        return -1;
    return (int)recv(readable.fd, report, length, 0);
}

/* libfido2 writes the number of the report first, as hidraw wants it; the socket has none. */
static int write_report(void *handle, const unsigned char *report, size_t length) {
    ssize_t sent = send(*(int *)handle, report + 1, length - 1, MSG_NOSIGNAL);
    return sent == (ssize_t)length - 1 ? (int)length : -1;
}

static fido_dev_t *plug(const char *path) {
    static const fido_dev_io_t io = {open_socket, close_socket, read_report, write_report};
    fido_dev_t *dev = fido_dev_new();
    expect("the hook", fido_dev_set_io_functions(dev, &io), FIDO_OK);
    expect("open", fido_dev_open(dev, path), FIDO_OK);
    return dev;
}

static fido_cred_t *make(fido_dev_t *dev, int algorithm, int extensions, fido_opt_t resident) {
    fido_cred_t *cred = fido_cred_new();
    expect("algorithm", fido_cred_set_type(cred, algorithm), FIDO_OK);
    expect("hash", fido_cred_set_clientdata_hash(cred, hash, sizeof hash), FIDO_OK);
    expect("site", fido_cred_set_rp(cred, RP, RP), FIDO_OK);
    expect("user", fido_cred_set_user(cred, user, sizeof user - 1, "ann", "Ann", NULL), FIDO_OK);
    expect("extensions", fido_cred_set_extensions(cred, extensions), FIDO_OK);
    expect("residence", fido_cred_set_rk(cred, resident), FIDO_OK);
    expect("make", fido_dev_make_cred(dev, cred, pin), FIDO_OK);
    expect("its self attestation", fido_cred_verify_self(cred), FIDO_OK);
    return cred;
}

static fido_assert_t *ask(const fido_cred_t *cred, int extensions) {
    fido_assert_t *given = fido_assert_new();
    expect("hash", fido_assert_set_clientdata_hash(given, hash, sizeof hash), FIDO_OK);
    expect("site", fido_assert_set_rp(given, RP), FIDO_OK);
    expect("extensions", fido_assert_set_extensions(given, extensions), FIDO_OK);
    if (extensions & FIDO_EXT_HMAC_SECRET)
        expect("salt", fido_assert_set_hmac_salt(given, hash, sizeof hash), FIDO_OK);
    expect("key", fido_assert_allow_cred(given, fido_cred_id_ptr(cred), fido_cred_id_len(cred)), FIDO_OK);
    return given;
}

static void sign_in_with_secret(fido_dev_t *dev) {
    fido_cred_t *cred = make(dev, COSE_ES256, FIDO_EXT_HMAC_SECRET, FIDO_OPT_FALSE);
    fido_assert_t *given = ask(cred, FIDO_EXT_HMAC_SECRET);
    es256_pk_t *key = es256_pk_new();
    expect("a wrong PIN", fido_dev_get_assert(dev, given, "silver-birch-9"), FIDO_ERR_PIN_INVALID);
    expect("assert", fido_dev_get_assert(dev, given, pin), FIDO_OK);
    expect("key", es256_pk_from_ptr(key, fido_cred_pubkey_ptr(cred), fido_cred_pubkey_len(cred)), FIDO_OK);
    expect("its signature", fido_assert_verify(given, 0, COSE_ES256, key), FIDO_OK);
    expect("its secret", fido_assert_hmac_secret_len(given, 0) == 32, 1);
    es256_pk_free(&key);
    fido_assert_free(&given);
    fido_cred_free(&cred);
}

static void sign_in_with_eddsa(fido_dev_t *dev) {
    fido_cred_t *cred = make(dev, COSE_EDDSA, 0, FIDO_OPT_FALSE);
    fido_assert_t *given = ask(cred, 0);
    eddsa_pk_t *key = eddsa_pk_new();
    expect("assert", fido_dev_get_assert(dev, given, pin), FIDO_OK);
    expect("key", eddsa_pk_from_ptr(key, fido_cred_pubkey_ptr(cred), fido_cred_pubkey_len(cred)), FIDO_OK);
    expect("its signature", fido_assert_verify(given, 0, COSE_EDDSA, key), FIDO_OK);
    eddsa_pk_free(&key);
    fido_assert_free(&given);
    fido_cred_free(&cred);
}

static void keep_blob(fido_dev_t *dev) {
    static const unsigned char text[] = "a certificate, say";
    fido_cred_t *cred = make(dev, COSE_ES256, FIDO_EXT_LARGEBLOB_KEY, FIDO_OPT_TRUE);
    const unsigned char *key = fido_cred_largeblob_key_ptr(cred);
    size_t key_length = fido_cred_largeblob_key_len(cred);
    unsigned char *read = NULL;
    size_t length = 0;
    expect("keep", fido_dev_largeblob_set(dev, key, key_length, text, sizeof text, pin), FIDO_OK);
    expect("read", fido_dev_largeblob_get(dev, key, key_length, &read, &length), FIDO_OK);
    expect("the same text", length == sizeof text && memcmp(read, text, length) == 0, 1);
    expect("remove", fido_dev_largeblob_remove(dev, key, key_length, pin), FIDO_OK);
    expect("read again", fido_dev_largeblob_get(dev, key, key_length, &read, &length), FIDO_ERR_NOTFOUND);
    fido_cred_free(&cred);
}

static void list_and_delete(fido_dev_t *dev) {
    fido_credman_rk_t *keys = fido_credman_rk_new();
    expect("list", fido_credman_get_dev_rk(dev, RP, keys, pin), FIDO_OK);
    expect("one key", (int)fido_credman_rk_count(keys), 1);
    const fido_cred_t *key = fido_credman_rk(keys, 0);
    expect("delete", fido_credman_del_dev_rk(dev, fido_cred_id_ptr(key), fido_cred_id_len(key), pin), FIDO_OK);
    expect("list again", fido_credman_get_dev_rk(dev, RP, keys, pin), FIDO_ERR_NO_CREDENTIALS);
    fido_credman_rk_free(&keys);
}

int main(int count, char **arguments) {
    if (count != 3)
        return 2;
    fido_init(0);
    pin = arguments[2];
    fido_dev_t *dev = plug(arguments[1]);
    sign_in_with_secret(dev);
    sign_in_with_eddsa(dev);
    keep_blob(dev);
    list_and_delete(dev);
    fido_dev_close(dev);
    fido_dev_free(&dev);
    return 0;
}
