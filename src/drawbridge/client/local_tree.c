// SPDX-License-Identifier: Apache-2.0
#include "drawbridge/client/local_tree.h"

#include "base/cleanup.h"
#include "drawbridge/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { READ_SIZE = 64 * 1024, ENTRY_ROOM = 1024 };

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK)

struct reading {
    struct local_tree *tree;
    enum local_rules rules;
    const struct package_watch *watch;
    struct err *err;
};

static const char *media_type(const char *name)
{
    static const char *const types[][2] = {{".wasm", "application/wasm"},
                                           {".toml", "application/toml"}};
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t end = strlen(types[i][0]);
        if (size > end && strcmp(name + size - end, types[i][0]) == 0)
            return types[i][1];
    }
    return "application/octet-stream";
}

static int fail_io(const struct reading *reading, const char *path, int error)
{
    return err_set(reading->err, ERR_IO, error, "cannot read %s%s%s", reading->tree->name,
                   *path ? "/" : "", path);
}

static int refuse(const struct reading *reading, const char *path, const char *why)
{
    return err_set(reading->err, ERR_USAGE, 0, "%s: %s%s%s", why, reading->tree->name,
                   *path ? "/" : "", path);
}

static int invalid_name(const struct reading *reading, const char *path)
{
    refuse(reading, path, "Invalid file name");
    if (reading->rules == LOCAL_PACKAGE)
        err_hint(reading->err, "A package is main.wasm, alone or in a directory with Enarx.toml; "
                               "--any-files publishes whatever there is.");
    else
        err_hint(reading->err, "Names have up to 255 of the characters 0-9 A-Z a-z - . _ :");
    return -EINVAL;
}

/* A new node at the end; its number. */
static int add_node(const struct reading *reading, const char *path, size_t *index)
{
    struct local_tree *tree = reading->tree;
    if (tree->count == LOCAL_NODES_MAX)
        return refuse(reading, path, "There are too many files for a package");
    if (tree->count % 64 == 0) {
        void *nodes = realloc(tree->nodes, (tree->count + 64) * sizeof(*tree->nodes));
        if (!nodes)
            return fail_io(reading, path, ENOMEM);
        tree->nodes = nodes;
    }
    struct local_node node = {.path = strdup(path)};
    if (!node.path)
        return fail_io(reading, path, ENOMEM);
    *index = tree->count;
    tree->nodes[tree->count++] = node;
    return 0;
}

static int digest_file(const struct reading *reading, int fd, const char *name, uint64_t total,
                       struct entry *entry)
{
    struct digester *digester = digester_new();
    autofree uint8_t *buffer = malloc(READ_SIZE);
    int status = digester && buffer ? 0 : -ENOMEM;
    ssize_t got = 0;
    while (status == 0 && (got = read(fd, buffer, READ_SIZE)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        status = got < 0 ? -errno : digester_add(digester, span_of(buffer, (size_t)got));
        entry->length += got > 0 ? (uint64_t)got : 0;
        reading->watch->moved(reading->watch->context, name, entry->length, total);
    }
    if (status == 0)
        status = digester_end(digester, &entry->digests);
    digester_free(digester);
    return status;
}

static int read_file(const struct reading *reading, int fd, const char *path, uint64_t size)
{
    const char *name = *path ? path : reading->tree->name;
    const char *type = media_type(name);
    size_t index = 0;
    int status = add_node(reading, path, &index);
    if (status < 0)
        return status;
    struct entry *entry = &reading->tree->nodes[index].entry;
    entry->type = span_of(type, strlen(type));
    status = digest_file(reading, fd, name, size, entry);
    return status < 0 ? fail_io(reading, path, -status) : 0;
}

static int select_names(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_node(const struct reading *reading, int parent, const char *directory,
                     const char *name, unsigned depth);

/* Reads what is in a directory and adds it to the listing. */
static int read_children(const struct reading *reading, int fd, const char *path,
                         struct dirent **names, size_t count, struct text *listing, unsigned depth)
{
    directory_begin(listing);
    for (size_t i = 0; i < count; i++) {
        size_t index = reading->tree->count; /* the child comes first, then what is below it */
        int status = read_node(reading, fd, path, names[i]->d_name, depth + 1);
        if (status < 0)
            return status;
        directory_add(listing, span_of(names[i]->d_name, strlen(names[i]->d_name)),
                      &reading->tree->nodes[index].entry);
    }
    directory_end(listing);
    if (listing->overflow || listing->size > LOCAL_DIRECTORY_MAX)
        return refuse(reading, path, "A directory has too many files");
    return 0;
}

static int read_directory(const struct reading *reading, int fd, const char *path, unsigned depth)
{
    struct dirent **names = NULL;
    size_t index = 0;
    if (depth > PATH_DEPTH_MAX)
        return refuse(reading, path, "Directories are too deep for a package");
    int status = add_node(reading, path, &index);
    if (status < 0)
        return status;
    int found = scandirat(fd, ".", &names, select_names, compare_names);
    if (found < 0)
        return fail_io(reading, path, errno);
    size_t count = (size_t)found, room = (count + 1) * ENTRY_ROOM;
    autofree char *buffer = malloc(room);
    status = buffer ? 0 : fail_io(reading, path, ENOMEM);
    struct text listing = {.data = buffer, .capacity = room};
    if (status == 0)
        status = read_children(reading, fd, path, names, count, &listing, depth);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    if (status < 0)
        return status;
    struct local_node *node = &reading->tree->nodes[index];
    node->entry.type = SPAN_LITERAL(TYPE_DIRECTORY);
    node->entry.length = listing.size;
    status = digests_of(text_span(&listing), &node->entry.digests);
    node->listing = take_ptr(buffer);
    return status < 0 ? fail_io(reading, path, -status) : 0;
}

static bool is_package_name(const char *name)
{
    return strcmp(name, "main.wasm") == 0 || strcmp(name, "Enarx.toml") == 0;
}

static int read_node(const struct reading *reading, int parent, const char *directory,
                     const char *name, unsigned depth)
{
    char path[PATH_MAX_SIZE + 1];
    struct text text = text_init(path, sizeof(path));
    struct stat info;
    text_printf(&text, "%s%s%s", directory, *directory ? "/" : "", name);
    if (text.overflow)
        return refuse(reading, directory, "A path is too long for a package");
    autoclose int fd = openat(parent, name, OPEN_FLAGS | O_NOFOLLOW);
    if (fd < 0 && errno == ELOOP)
        return refuse(reading, path, "A symbolic link cannot be in a package");
    if (fd < 0 || fstat(fd, &info) < 0)
        return fail_io(reading, path, errno);
    if (S_ISDIR(info.st_mode) && reading->rules == LOCAL_PACKAGE)
        return refuse(reading, path, "Publishing nested directories is not supported");
    if (!name_is_node(span_of(name, strlen(name))) ||
        (reading->rules == LOCAL_PACKAGE && !is_package_name(name)))
        return invalid_name(reading, path);
    if (S_ISDIR(info.st_mode))
        return read_directory(reading, fd, path, depth);
    return S_ISREG(info.st_mode) ? read_file(reading, fd, path, (uint64_t)info.st_size)
                                 : refuse(reading, path, "Neither a file nor a directory");
}

static int read_root(const struct reading *reading)
{
    const char *name = reading->tree->name, *slash = strrchr(name, '/');
    struct stat info;
    if (fstat(reading->tree->fd, &info) < 0)
        return fail_io(reading, "", errno);
    if (S_ISDIR(info.st_mode))
        return read_directory(reading, reading->tree->fd, "", 0);
    if (!S_ISREG(info.st_mode))
        return refuse(reading, "", "Neither a file nor a directory");
    if (reading->rules == LOCAL_PACKAGE && strcmp(slash ? slash + 1 : name, "main.wasm") != 0)
        return invalid_name(reading, "");
    return read_file(reading, reading->tree->fd, "", (uint64_t)info.st_size);
}

int local_tree_read(const char *path, enum local_rules rules, const struct package_watch *watch,
                    struct local_tree *tree, struct err *err)
{
    struct reading reading = {tree, rules, watch, err};
    *tree = (struct local_tree){.name = strdup(path), .fd = open(path, OPEN_FLAGS)};
    int status = tree->name ? 0 : err_set(err, ERR_IO, ENOMEM, "cannot read %s", path);
    if (status == 0)
        status = tree->fd < 0 ? fail_io(&reading, "", errno) : read_root(&reading);
    if (status < 0)
        local_tree_free(tree);
    return status;
}

void local_tree_free(struct local_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->nodes[i].path);
        free(tree->nodes[i].listing);
    }
    free(tree->nodes);
    free(tree->name);
    if (tree->fd >= 0)
        close(tree->fd);
    *tree = (struct local_tree){.fd = -1};
}

int local_tree_open(const struct local_tree *tree, const struct local_node *node, int *fd,
                    struct err *err)
{
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    if (*node->path) {
        *fd = (int)syscall(SYS_openat2, tree->fd, node->path, &how, sizeof(how));
    } else {
        *fd = fcntl(tree->fd, F_DUPFD_CLOEXEC, 0);
        if (*fd >= 0 && lseek(*fd, 0, SEEK_SET) < 0) {
            close(*fd);
            *fd = -1;
        }
    }
    return *fd < 0 ? err_set(err, ERR_IO, errno, "cannot read %s%s%s", tree->name,
                             *node->path ? "/" : "", node->path)
                   : 0;
}
