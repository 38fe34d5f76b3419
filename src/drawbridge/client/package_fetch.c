// SPDX-License-Identifier: Apache-2.0
/* Trees: walked and fetched, each content compared with what its parent says. */
#include "base/cleanup.h"
#include "codec/json.h"
#include "drawbridge/client/package.h"
#include "drawbridge/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- contents -------------------------------------------------------------------------------- */

static void node_path(const struct slug *slug, struct span path, char out[REMOTE_PATH_MAX])
{
    struct text text = text_init(out, REMOTE_PATH_MAX);
    slug_write_path(slug, &text);
    text_add(&text, path.size > 0 ? "/tree/" : "/tree");
    text_add_span(&text, path);
}

static int wrong(struct err *err, struct span path, const char *what)
{
    return err_set(err, ERR_IO, 0, "%.*s%s %s", (int)path.size, (const char *)path.data,
                   path.size > 0 ? "" : "the root of the package", what);
}

/* Compares what came with what was promised: by the parent, and by the answer itself. */
static int check_content(const struct http_reply *reply, struct span path,
                         const struct entry *entry, const struct digests *real, uint64_t size,
                         struct err *err)
{
    const struct span *header = http1_header_find(&reply->head.head, "Content-Digest");
    struct digests said = {0};
    if (size != entry->length || !digests_match(&entry->digests, real))
        return wrong(err, path, "is not what its tag says: length or digest differ");
    if (!header || digests_parse_header(*header, &said) < 0 || !digests_match(&said, real))
        return wrong(err, path, "came without, or with a wrong, Content-Digest");
    return 0;
}

struct receiving {
    const struct package_node *node;
    const struct package_watch *watch;
    struct digester *digester;
    char name[PATH_MAX_SIZE + 1];
    int fd;
    uint64_t size;
};

static int receive_piece(void *context, struct span piece, struct err *err)
{
    struct receiving *receiving = context;
    const struct package_watch *watch = receiving->watch;
    uint64_t length = receiving->node->entry->length;
    if (piece.size > length - receiving->size)
        return wrong(err, receiving->node->path, "is longer than its tag says");
    receiving->size += piece.size;
    if (digester_add(receiving->digester, piece) < 0)
        return err_set(err, ERR_IO, ENOMEM, "cannot digest");
    while (piece.size > 0) {
        ssize_t done = write(receiving->fd, piece.data, piece.size);
        if (done < 0 && errno != EINTR)
            return err_set(err, ERR_IO, errno, "cannot write %s", receiving->name);
        size_t used = done > 0 ? (size_t)done : 0;
        piece = span_of(piece.data + used, piece.size - used);
    }
    watch->moved(watch->context, receiving->name, receiving->size, length);
    return 0;
}

int package_file_get(struct remote *remote, const struct slug *slug,
                     const struct package_node *node, int fd, const struct package_watch *watch,
                     struct err *err)
{
    char path[REMOTE_PATH_MAX];
    struct receiving receiving = {
        .node = node, .watch = watch, .digester = digester_new(), .fd = fd};
    struct text name = text_init(receiving.name, sizeof(receiving.name));
    struct http_reply reply;
    struct digests real;
    node_path(slug, node->path, path);
    text_add_span(&name, node->path.size > 0 ? node->path : SPAN_LITERAL("main.wasm"));
    if (!receiving.digester)
        return err_set(err, ERR_IO, ENOMEM, "cannot digest");
    struct remote_call call = {
        .method = "GET", .path = path, .take = receive_piece, .context = &receiving};
    int status = remote_call(remote, &call, &reply, err);
    if (status == 0) {
        status = digester_end(receiving.digester, &real);
        status = status < 0
                     ? err_set(err, ERR_IO, ENOMEM, "cannot digest")
                     : check_content(&reply, node->path, node->entry, &real, receiving.size, err);
        http_reply_free(&reply);
    }
    digester_free(receiving.digester);
    return status;
}

/* A directory in its canonical form, with a NUL behind it; the caller's to free. */
static int get_directory(const struct package_walk *walk, struct span path,
                         const struct entry *entry, char **listing, struct err *err)
{
    char where[REMOTE_PATH_MAX];
    struct http_reply reply;
    struct digests real;
    node_path(walk->slug, path, where);
    struct remote_call call = {.method = "GET", .path = where};
    int status = remote_call(walk->remote, &call, &reply, err);
    if (status < 0)
        return status;
    autofree char *buffer = malloc(reply.body.size + 1);
    if (!buffer || digests_of(reply.body, &real) < 0)
        status = err_set(err, ERR_IO, ENOMEM, "cannot hold a directory");
    if (status == 0)
        status = check_content(&reply, path, entry, &real, reply.body.size, err);
    if (status == 0) {
        struct text text = text_init(buffer, reply.body.size + 1);
        if (directory_canonical(reply.body, &text) < 0 || !span_equal(text_span(&text), reply.body))
            status = wrong(err, path, "is not a directory in canonical form");
    }
    http_reply_free(&reply);
    if (status == 0)
        *listing = take_ptr(buffer);
    return status;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool is_directory(const struct entry *entry)
{
    return span_equal(media_type_essence(entry->type), SPAN_LITERAL(TYPE_DIRECTORY));
}

/* Of what was visited. */
struct extent {
    size_t nodes;
    uint64_t bytes; /* up to PACKAGE_BYTES_MAX */
};

static int walk_node(const struct package_walk *walk, struct span path, const struct entry *entry,
                     struct extent *extent, struct err *err);

static int walk_children(const struct package_walk *walk, struct span path, const char *listing,
                         struct extent *extent, struct err *err)
{
    struct span value;
    struct json_member member;
    int status = json_parse(span_of(listing, strlen(listing)), &value);
    for (struct json_cursor cursor = json_members(value);
         status == 0 && json_next(&cursor, &member);) {
        char buffer[PATH_MAX_SIZE + 1];
        struct text text = text_init(buffer, sizeof(buffer));
        struct entry entry;
        struct span child;
        text_add_span(&text, path);
        text_add(&text, path.size > 0 ? "/" : "");
        text_add_span(&text, member.key);
        if (text.overflow || !name_is_node(member.key) ||
            !name_parse_path(text_span(&text), &child) || child.size != text.size)
            return wrong(err, path, "has a file whose name is not allowed");
        if (entry_parse(member.value, NULL, &entry) < 0)
            return wrong(err, path, "has an entry that is malformed");
        status = walk_node(walk, child, &entry, extent, err);
    }
    return status;
}

static int walk_node(const struct package_walk *walk, struct span path, const struct entry *entry,
                     struct extent *extent, struct err *err)
{
    autofree char *listing = NULL;
    struct package_node node = {.path = path, .entry = entry, .is_directory = is_directory(entry)};
    if (++extent->nodes > PACKAGE_NODES_MAX)
        return wrong(err, path, "is one file too many for a package");
    if (entry->length > PACKAGE_BYTES_MAX - extent->bytes)
        return wrong(err, path, "is too much for a package, which has at most 16 GiB");
    extent->bytes += entry->length;
    int status = node.is_directory ? get_directory(walk, path, entry, &listing, err) : 0;
    node.listing = listing;
    if (status == 0)
        status = walk->visit(walk->context, &node, err);
    return status == 0 && listing ? walk_children(walk, path, listing, extent, err) : status;
}

/* Goes down from the root to the node at `path`; what its parents say of it is in `listing`. */
static int find_node(const struct package_walk *walk, struct span path, char **listing,
                     struct entry *entry, struct err *err)
{
    *entry = walk->tag->entry;
    for (size_t at = 0; at < path.size;) {
        struct span before = span_of(path.data, at > 0 ? at - 1 : 0);
        const uint8_t *slash = memchr(path.data + at, '/', path.size - at);
        size_t end = slash ? (size_t)(slash - path.data) : path.size;
        char *next = NULL;
        if (!is_directory(entry))
            return wrong(err, before, "is not a directory");
        int status = get_directory(walk, before, entry, &next, err);
        if (status < 0)
            return status;
        free(*listing);
        *listing = next;
        if (!directory_find(span_of(next, strlen(next)), span_of(path.data + at, end - at), entry))
            return err_set(err, ERR_IO, 0, "the package has no %.*s", (int)path.size,
                           (const char *)path.data);
        at = end + 1;
    }
    return 0;
}

int package_walk(const struct package_walk *walk, struct span path, struct err *err)
{
    autofree char *listing = NULL;
    struct entry entry;
    struct extent extent = {0};
    if (!name_parse_path(path, &path))
        return err_set(err, ERR_USAGE, 0, "\"%.*s\" is not a path in a package", (int)path.size,
                       (const char *)path.data);
    int status = find_node(walk, path, &listing, &entry, err);
    return status == 0 ? walk_node(walk, path, &entry, &extent, err) : status;
}

/* ---- into files ------------------------------------------------------------------------------ */

struct fetching {
    const struct package_walk *walk;
    const struct package_watch *watch;
    size_t prefix; /* bytes of a path that are those of the node that is fetched */
    int fd;        /* of the directory beside the destination where everything is collected */
};

/* Opens the directory in which a node is, one name after the other, never through a link. */
static int open_parent(const struct fetching *fetching, struct span path, struct span *name)
{
    struct span parent;
    int fd = fcntl(fetching->fd, F_DUPFD_CLOEXEC, 0);
    name_split_path(path, &parent, name);
    while (fd >= 0 && parent.size > 0) {
        char one[NAME_MAX_SIZE + 1];
        const uint8_t *slash = memchr(parent.data, '/', parent.size);
        size_t size = slash ? (size_t)(slash - parent.data) : parent.size;
        snprintf(one, sizeof(one), "%.*s", (int)size, (const char *)parent.data);
        autoclose int above = fd;
        fd = openat(above, one, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        size += slash ? 1 : 0;
        parent = span_of(parent.data + size, parent.size - size);
    }
    return fd;
}

static int fail_write(struct err *err, const char *what, int error)
{
    return err_set(err, ERR_IO, error, "cannot write %s", what);
}

static int write_node(const struct fetching *fetching, const struct package_node *node, int parent,
                      const char *name, struct err *err)
{
    if (node->is_directory)
        return mkdirat(parent, name, 0777) < 0 ? fail_write(err, name, errno) : 0;
    autoclose int fd =
        openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0)
        return fail_write(err, name, errno);
    int status = package_file_get(fetching->walk->remote, fetching->walk->slug, node, fd,
                                  fetching->watch, err);
    if (status == 0 && fsync(fd) < 0)
        status = fail_write(err, name, errno);
    return status;
}

/* The node that is fetched itself is called "it" below the temporary directory. */
static int visit(void *context, const struct package_node *node, struct err *err)
{
    const struct fetching *fetching = context;
    char buffer[PATH_MAX_SIZE + 8], name[NAME_MAX_SIZE + 1];
    struct text text = text_init(buffer, sizeof(buffer)), name_text = text_init(name, sizeof(name));
    struct span last;
    size_t prefix = node->path.size < fetching->prefix ? node->path.size : fetching->prefix;
    struct span below = span_of(node->path.data + prefix, node->path.size - prefix);
    text_add(&text, "it");
    text_add(&text, below.size > 0 && below.data[0] != '/' ? "/" : "");
    text_add_span(&text, below);
    autoclose int parent = open_parent(fetching, text_span(&text), &last);
    text_add_span(&name_text, last);
    if (parent < 0)
        return fail_write(err, buffer, errno);
    return write_node(fetching, node, parent, name, err);
}

/* Removes a file, or a directory with what is in it; both are ours and no links. */
static void remove_below(int parent, const char *name)
{
    if (unlinkat(parent, name, 0) == 0 || errno != EISDIR)
        return;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_below(fd, entry->d_name);
    }
    if (directory)
        closedir(directory);
    unlinkat(parent, name, AT_REMOVEDIR);
}

static char *temporary_name(const char *destination)
{
    char *name = NULL;
    int before = (int)strlen(destination);
    while (before > 0 && destination[before - 1] == '/')
        before--;
    while (before > 0 && destination[before - 1] != '/')
        before--;
    return asprintf(&name, "%.*s.enarx-fetch-XXXXXX", before, destination) < 0 ? NULL : name;
}

int package_fetch(struct remote *remote, const struct slug *slug, const struct package_tag *tag,
                  struct span path, const char *destination, const struct package_watch *watch,
                  struct err *err)
{
    struct package_walk walk = {.remote = remote, .slug = slug, .tag = tag, .visit = visit};
    autofree char *temporary = temporary_name(destination);
    struct fetching fetching = {.walk = &walk, .watch = watch, .fd = -1};
    struct stat info;
    if (!name_parse_path(path, &path))
        return err_set(err, ERR_USAGE, 0, "\"%.*s\" is not a path in a package", (int)path.size,
                       (const char *)path.data);
    if (lstat(destination, &info) == 0)
        return err_set(err, ERR_USAGE, EEXIST, "cannot fetch to %s", destination);
    if (!temporary || !mkdtemp(temporary))
        return err_set(err, ERR_IO, errno, "cannot fetch to %s", destination);
    fetching.prefix = path.size;
    walk.context = &fetching;
    fetching.fd = open(temporary, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int status =
        fetching.fd < 0 ? fail_write(err, temporary, errno) : package_walk(&walk, path, err);
    if (status == 0 && renameat2(fetching.fd, "it", AT_FDCWD, destination, RENAME_NOREPLACE) < 0)
        status = fail_write(err, destination, errno);
    if (fetching.fd >= 0) {
        remove_below(fetching.fd, "it");
        close(fetching.fd);
    }
    rmdir(temporary);
    return status;
}
