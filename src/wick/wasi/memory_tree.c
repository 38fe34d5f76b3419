/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/wasi/memory_fs.h"

#include <stdlib.h>
#include <string.h>

/* ---- Space -----------------------------------------------------------------------------------
 */

static bool charge(struct memory_fs *fs, uint64_t bytes)
{
    if (bytes > fs->max - fs->used)
        return false;
    fs->used += bytes;
    return true;
}

/* Doubles the room as long as the limit allows. */
static bool make_room(struct memory_node *node, size_t size)
{
    size_t wanted = size > SIZE_MAX / 2 || size * 2 - node->room > node->fs->max - node->fs->used
                        ? size
                        : size * 2;
    if (!charge(node->fs, wanted - node->room))
        return false;
    uint8_t *grown = realloc(node->data, wanted);
    if (!grown) {
        node->fs->used -= wanted - node->room;
        return false;
    }
    node->data = grown;
    node->room = wanted;
    return true;
}

enum wasi_errno memory_resize(struct memory_node *node, uint64_t size)
{
    if (size > SIZE_MAX || (size > node->room && !make_room(node, (size_t)size)))
        return WASI_NOSPC;
    if (size > node->size)
        memset(node->data + node->size, 0, (size_t)size - node->size);
    node->size = (size_t)size;
    if (size == 0) {
        node->fs->used -= node->room;
        free(node->data);
        node->data = NULL;
        node->room = 0;
    }
    return WASI_SUCCESS;
}

/* ---- Nodes -----------------------------------------------------------------------------------
 */

struct memory_node *memory_node_new(struct memory_fs *fs, enum wasi_filetype type)
{
    struct memory_node *node = NULL;
    if (charge(fs, sizeof(*node)))
        node = calloc(1, sizeof(*node));
    if (!node)
        return NULL;
    node->fs = fs;
    node->type = type;
    node->inode = ++fs->inodes;
    node->last_cookie = 2; /* "." and ".." */
    node->accessed = node->modified = node->changed = memory_now();
    fs->nodes++;
    return node;
}

static void free_entry(struct memory_fs *fs, struct memory_entry *entry)
{
    fs->used -= sizeof(*entry) + entry->length;
    free(entry);
}

/* Without recursion, for the program decides how deep its tree is. */
static void put(struct memory_node *node, struct memory_node **dead)
{
    if (--node->references)
        return;
    node->next_dead = *dead;
    *dead = node;
}

bool memory_node_put(struct memory_node *node)
{
    struct memory_fs *fs = node->fs;
    struct memory_node *dead = NULL;
    put(node, &dead);
    while (dead) {
        struct memory_node *gone = dead;
        dead = gone->next_dead;
        while (gone->entries) {
            struct memory_entry *entry = gone->entries;
            gone->entries = entry->next;
            entry->node->parent = NULL;
            entry->node->removed = true;
            put(entry->node, &dead);
            free_entry(fs, entry);
        }
        fs->used -= sizeof(*gone) + gone->room;
        fs->nodes--;
        free(gone->data);
        free(gone);
    }
    return fs->nodes == 0;
}

void memory_fs_free(struct memory_fs *fs)
{
    pthread_mutex_destroy(&fs->lock);
    free(fs);
}

/* ---- Names -----------------------------------------------------------------------------------
 */

static struct memory_entry **find_entry(struct memory_node *directory, const char *name,
                                        size_t length)
{
    struct memory_entry **at = &directory->entries;
    while (*at && ((*at)->length != length || memcmp((*at)->name, name, length) != 0))
        at = &(*at)->next;
    return at;
}

/* One step into a component that is no entry: "." and "..". */
static enum wasi_errno step_up(const struct memory_node *start, struct memory_node **node,
                               size_t length)
{
    if (length == 1)
        return WASI_SUCCESS;
    if (*node == start || !(*node)->parent)
        return WASI_PERM;
    *node = (*node)->parent;
    return WASI_SUCCESS;
}

static bool is_dots(const char *name, size_t length)
{
    return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

/* Looks one component up in place->node, which becomes what it names. */
static enum wasi_errno step(const struct memory_node *start, struct memory_place *place,
                            const char *name, size_t length)
{
    if (!place->node)
        return WASI_NOENT;
    if (place->node->type != FILETYPE_DIRECTORY)
        return WASI_NOTDIR;
    if (length > WASI_NAME_MAX)
        return WASI_NAMETOOLONG;
    place->directory = place->node;
    if (is_dots(name, length)) {
        place->length = 0;
        enum wasi_errno error = step_up(start, &place->node, length);
        place->directory = place->node;
        return error;
    }
    const struct memory_entry *entry = *find_entry(place->directory, name, length);
    place->name = name;
    place->length = length;
    place->node = entry ? entry->node : NULL;
    return WASI_SUCCESS;
}

enum wasi_errno memory_find(struct memory_node *start, const char *path, struct memory_place *place)
{
    *place = (struct memory_place){.directory = start, .node = start};
    while (*path) {
        size_t length = strcspn(path, "/");
        enum wasi_errno error = step(start, place, path, length);
        if (error)
            return error;
        path += length;
        place->wants_directory = *path == '/';
        while (*path == '/')
            path++;
    }
    return WASI_SUCCESS;
}

enum wasi_errno memory_enter(const struct memory_place *place, struct memory_node *node)
{
    struct memory_node *directory = place->directory;
    struct memory_entry *entry = NULL;
    if (directory->removed)
        return WASI_NOENT;
    if (charge(node->fs, sizeof(*entry) + place->length))
        entry = malloc(sizeof(*entry) + place->length);
    if (!entry)
        return WASI_NOSPC;
    *entry = (struct memory_entry){
        .node = node, .cookie = ++directory->last_cookie, .length = place->length};
    memcpy(entry->name, place->name, place->length);
    struct memory_entry **at = &directory->entries;
    while (*at)
        at = &(*at)->next;
    *at = entry;
    node->references++;
    if (node->type == FILETYPE_DIRECTORY) {
        node->parent = directory;
        node->removed = false;
    }
    directory->modified = directory->changed = memory_now();
    return WASI_SUCCESS;
}

void memory_leave(const struct memory_place *place)
{
    struct memory_node *directory = place->directory;
    struct memory_entry **at = find_entry(directory, place->name, place->length);
    struct memory_entry *entry = *at; /* the place was found, so it is there */
    *at = entry->next;                // NOLINT(clang-analyzer-core.NullDereference)
    directory->modified = directory->changed = entry->node->changed = memory_now();
    if (entry->node->type == FILETYPE_DIRECTORY) {
        entry->node->parent = NULL;
        entry->node->removed = true;
    }
    memory_node_put(entry->node); /* never the last node: the directory is one */
    free_entry(directory->fs, entry);
}
