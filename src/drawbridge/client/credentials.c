// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/client/credentials.h"

#include "base/cleanup.h"
#include "base/read_all.h"
#include "base/text.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { FILE_MAX = 4 * TOKEN_MAX };

extern char **environ;

void credentials_forget_text(char *token)
{
    if (token)
        explicit_bzero(token, strlen(token));
    free(token);
}

void credentials_forget(struct kept_tokens *tokens)
{
    credentials_forget_text(tokens->access);
    credentials_forget_text(tokens->refresh);
    credentials_forget_text(tokens->issuer);
    credentials_forget_text(tokens->client_id);
    *tokens = (struct kept_tokens){0};
}

/* ---- texts ----------------------------------------------------------------------------------- */

static bool is_blank(uint8_t character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

/* Reads a text of up to `max` bytes up to the end of a descriptor. */
static int read_text(int fd, size_t max, char **token)
{
    uint8_t *data = NULL;
    size_t size = 0, begin = 0;
    int status = read_all(fd, max, &data, &size);
    if (status < 0)
        return status;
    size_t end = size;
    while (begin < end && is_blank(data[begin]))
        begin++;
    while (end > begin && is_blank(data[end - 1]))
        end--;
    *token = strndup((const char *)data + begin, end - begin);
    explicit_bzero(data, size);
    free(data);
    return *token ? 0 : -ENOMEM;
}

int credentials_read(const char *path, char **token, struct err *err)
{
    autoclose int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                              : open(path, O_RDONLY | O_CLOEXEC);
    int status = fd < 0 ? -errno : read_text(fd, TOKEN_MAX, token);
    return status < 0 ? err_set(err, ERR_CONFIG, -status, "cannot read a token from %s", path) : 0;
}

/* ---- helpers --------------------------------------------------------------------------------- */

/* Starts `helper verb id` with `end` as its stdin or stdout. */
static int start(const struct credentials *credentials, const char *verb, int end, int target,
                 pid_t *child, struct err *err)
{
    char id[1024];
    struct text text = text_init(id, sizeof(id));
    posix_spawn_file_actions_t actions;
    text_add_span(&text, credentials->provider);
    text_add(&text, "-");
    text_add_span(&text, credentials->store);
    char *arguments[] = {(char *)credentials->helper, (char *)verb, id, NULL};
    int error = text.overflow ? ENAMETOOLONG : posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, end, target);
        if (error == 0)
            error = posix_spawnp(child, credentials->helper, &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    return error ? err_set(err, ERR_CONFIG, error, "cannot run the credential helper %s",
                           credentials->helper)
                 : 0;
}

static int await(pid_t child, struct err *err)
{
    int state = 0;
    while (waitpid(child, &state, 0) < 0) {
        if (errno != EINTR)
            return err_set(err, ERR_IO, errno, "cannot wait for the credential helper");
    }
    if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
        return 0;
    if (WIFEXITED(state))
        return err_set(err, ERR_CONFIG, 0, "Credential helper failed with exit code %d",
                       WEXITSTATUS(state));
    return err_set(err, ERR_CONFIG, 0, "Credential helper was ended by signal %d", WTERMSIG(state));
}

static int open_pipe(int ends[2], struct err *err)
{
    return pipe2(ends, O_CLOEXEC) < 0
               ? err_set(err, ERR_IO, errno, "cannot talk to the credential helper")
               : 0;
}

static int helper_load(const struct credentials *credentials, char **token, struct err *err)
{
    int ends[2];
    pid_t child;
    int status = open_pipe(ends, err);
    if (status < 0)
        return status;
    status = start(credentials, "show", ends[1], STDOUT_FILENO, &child, err);
    close(ends[1]);
    int got = status == 0 ? read_text(ends[0], TOKEN_MAX, token) : 0;
    close(ends[0]);
    if (status == 0)
        status = await(child, err);
    if (status == 0 && got < 0)
        status = err_set(err, ERR_CONFIG, -got, "cannot read what the credential helper shows");
    if (status < 0) {
        credentials_forget_text(*token);
        *token = NULL;
    }
    return status;
}

static int write_text(int fd, const char *text)
{
    for (size_t rest = strlen(text); rest > 0;) {
        ssize_t done = write(fd, text, rest);
        if (done < 0 && errno != EINTR)
            return -errno;
        text += done > 0 ? done : 0;
        rest -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

static int helper_save(const struct credentials *credentials, const char *token, struct err *err)
{
    int ends[2];
    pid_t child;
    int status = open_pipe(ends, err);
    if (status < 0)
        return status;
    status = start(credentials, "insert", ends[0], STDIN_FILENO, &child, err);
    close(ends[0]);
    int written = status == 0 ? write_text(ends[1], token) : 0;
    close(ends[1]);
    if (status == 0)
        status = await(child, err);
    if (status == 0 && written < 0)
        status = err_set(err, ERR_CONFIG, -written, "the credential helper did not take the token");
    return status;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The directory of tokens; with `make`, it is made. */
static int open_directory(bool make, int *fd, struct err *err)
{
    char path[PATH_MAX];
    struct text text = text_init(path, sizeof(path));
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && *data == '/')
        text_printf(&text, "%s/enarx/tokens", data);
    else if (home && *home == '/')
        text_printf(&text, "%s/.local/share/enarx/tokens", home);
    if (text.size == 0 || text.overflow) {
        err_set(err, ERR_CONFIG, 0, "there is no place for tokens");
        err_hint(err, "Set HOME or XDG_DATA_HOME, or use --token-file or --credential-helper.");
        return -EINVAL;
    }
    for (char *slash = strchr(path + 1, '/'); make; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
            return err_set(err, ERR_IO, errno, "cannot make %s", path);
        if (!slash)
            break;
        *slash = '/';
    }
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd < 0 && errno != ENOENT)
        return err_set(err, ERR_IO, errno, "cannot open %s", path);
    return 0;
}

/* Hosts are file names: they have no slash and are not "." or "..". */
static int file_name(const struct credentials *credentials, char name[NAME_MAX + 1],
                     struct err *err)
{
    struct text text = text_init(name, NAME_MAX + 1);
    text_add_span(&text, credentials->store);
    if (text.overflow || strchr(name, '/') || name[0] == '.')
        return err_set(err, ERR_USAGE, 0, "\"%s\" is not a host", name);
    return 0;
}

/* A member of the object in a file; NULL if it is not there. */
static int take_member(struct span document, const char *name, char **text)
{
    struct span value, decoded;
    if (!json_get(document, name, &value))
        return 0;
    *text = calloc(1, value.size + 1);
    if (!*text)
        return -ENOMEM;
    return json_string_decode(value, (uint8_t *)*text, value.size, &decoded) &&
                   !memchr(*text, 0, decoded.size)
               ? 0
               : -EBADMSG;
}

static const struct {
    const char *name;
    size_t offset;
} members[] = {{"access_token", offsetof(struct kept_tokens, access)},
               {"refresh_token", offsetof(struct kept_tokens, refresh)},
               {"issuer", offsetof(struct kept_tokens, issuer)},
               {"client_id", offsetof(struct kept_tokens, client_id)}};

enum { MEMBER_COUNT = sizeof(members) / sizeof(members[0]) };

static char **find_member(struct kept_tokens *tokens, size_t index)
{
    return (char **)(void *)((char *)tokens + members[index].offset);
}

/* Takes the content of a file over. */
static int parse_file(char *content, struct kept_tokens *tokens)
{
    struct span document;
    if (content[0] != '{') {
        tokens->access = content;
        return 0;
    }
    int status = json_parse(span_of(content, strlen(content)), &document) < 0 ? -EBADMSG : 0;
    for (size_t i = 0; i < MEMBER_COUNT && status == 0; i++)
        status = take_member(document, members[i].name, find_member(tokens, i));
    if (status == 0 && !tokens->access)
        status = -EBADMSG;
    credentials_forget_text(content);
    return status;
}

static int file_load(const struct credentials *credentials, struct kept_tokens *tokens,
                     struct err *err)
{
    char name[NAME_MAX + 1];
    struct stat info;
    autoclose int directory = -1;
    int status = file_name(credentials, name, err);
    if (status == 0)
        status = open_directory(false, &directory, err);
    if (status < 0 || directory < 0)
        return status;
    autoclose int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &info) < 0)
        return err_set(err, ERR_IO, errno, "cannot open the token for %s", name);
    if (!S_ISREG(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 077)) {
        err_set(err, ERR_CONFIG, 0, "the file with the token for %s is open to others", name);
        err_hint(err, "Log in again after `enarx user logout`: others may know the token.");
        return -EPERM;
    }
    char *content = NULL;
    status = read_text(fd, FILE_MAX, &content);
    if (status == 0)
        status = parse_file(content, tokens);
    if (status < 0)
        credentials_forget(tokens);
    return status < 0 ? err_set(err, ERR_IO, -status, "cannot read the token for %s", name) : 0;
}

/* Writes what parse_file reads. */
static int write_file(int fd, const struct kept_tokens *tokens)
{
    struct kept_tokens borrowed = *tokens;
    char *buffer = malloc(FILE_MAX);
    if (!buffer)
        return -ENOMEM;
    struct text text = text_init(buffer, FILE_MAX);
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        const char *member = *find_member(&borrowed, i);
        if (!member)
            continue;
        text_printf(&text, "%s\"%s\":", text.size > 0 ? "," : "{", members[i].name);
        text_add_quoted(&text, member);
    }
    text_add(&text, "}\n");
    int status = text.overflow ? -EMSGSIZE : write_text(fd, buffer);
    explicit_bzero(buffer, FILE_MAX);
    free(buffer);
    return status;
}

static int file_save(const struct credentials *credentials, const struct kept_tokens *tokens,
                     struct err *err)
{
    char name[NAME_MAX + 1], temporary[64];
    autoclose int directory = -1;
    int status = file_name(credentials, name, err);
    if (status == 0)
        status = open_directory(true, &directory, err);
    if (status < 0)
        return status;
    if (directory < 0)
        return err_set(err, ERR_IO, ENOENT, "cannot keep the token for %s", name);
    snprintf(temporary, sizeof(temporary), ".new-%ld", (long)getpid());
    unlinkat(directory, temporary, 0); /* of a process that is no more */
    autoclose int fd =
        openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    status = fd < 0 ? -errno : write_file(fd, tokens);
    if (status == 0 && (fsync(fd) < 0 || renameat(directory, temporary, directory, name) < 0))
        status = -errno;
    if (status < 0 && fd >= 0)
        unlinkat(directory, temporary, 0);
    return status < 0 ? err_set(err, ERR_IO, -status, "cannot keep the token for %s", name) : 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

int credentials_lock(const struct credentials *credentials, int *lock, struct err *err)
{
    *lock = -1;
    if (credentials->helper)
        return 0;
    int status = open_directory(true, lock, err);
    if (status < 0)
        return status;
    while (flock(*lock, LOCK_EX) < 0) {
        if (errno != EINTR)
            return err_set(err, ERR_IO, errno, "cannot lock the directory of tokens");
    }
    return 0;
}

int credentials_load(const struct credentials *credentials, struct kept_tokens *tokens,
                     struct err *err)
{
    *tokens = (struct kept_tokens){0};
    return credentials->helper ? helper_load(credentials, &tokens->access, err)
                               : file_load(credentials, tokens, err);
}

int credentials_save(const struct credentials *credentials, const struct kept_tokens *tokens,
                     struct err *err)
{
    return credentials->helper ? helper_save(credentials, tokens->access, err)
                               : file_save(credentials, tokens, err);
}

int credentials_remove(const struct credentials *credentials, bool *removed, struct err *err)
{
    char name[NAME_MAX + 1];
    autoclose int directory = -1;
    *removed = false;
    if (credentials->helper) {
        err_set(err, ERR_USAGE, 0, "a credential helper cannot be told to forget a token");
        err_hint(err, "Remove \"%.*s-%.*s\" with its own means.", (int)credentials->provider.size,
                 (const char *)credentials->provider.data, (int)credentials->store.size,
                 (const char *)credentials->store.data);
        return -EINVAL;
    }
    int status = file_name(credentials, name, err);
    if (status == 0)
        status = open_directory(false, &directory, err);
    if (status < 0 || directory < 0)
        return status;
    *removed = unlinkat(directory, name, 0) == 0;
    return *removed || errno == ENOENT
               ? 0
               : err_set(err, ERR_IO, errno, "cannot remove the token for %s", name);
}
