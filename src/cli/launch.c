// SPDX-License-Identifier: Apache-2.0
#include "cli/launch.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const char exec_image[], exec_image_end[];

/* --- Images ---------------------------------------------------------------------------------- */

/* Looks for the segment of this program that holds the image. The program itself comes first in the
 * list, so the search ends with it. */
static int locate_image(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct image *image = data;
    uintptr_t address = (uintptr_t)exec_image - info->dlpi_addr;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_filesz)
            image->offset = address - segment->p_vaddr + segment->p_offset;
    }
    return 1;
}

int image_open_builtin(struct image *image, struct err *err)
{
    *image = (struct image){.fd = -1, .size = (uint64_t)(exec_image_end - exec_image)};
    dl_iterate_phdr(locate_image, image);
    if (image->offset == 0)
        return err_set(err, ERR_INTERNAL, 0, "the built-in exec cannot be found");
    image->fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (image->fd < 0) {
        int status = err_set(err, ERR_IO, errno, "cannot open the built-in exec in /proc/self/exe");
        err_hint(err, "Is /proc mounted?");
        return status;
    }
    return 0;
}

int image_open_file(struct image *image, const char *path, struct err *err)
{
    *image = (struct image){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (image->fd < 0)
        return err_set(err, ERR_IO, errno, "cannot open %s", path);
    struct stat status;
    int result = fstat(image->fd, &status) < 0 ? -errno : 0;
    if (result == 0 && !S_ISREG(status.st_mode))
        result = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
    if (result < 0) {
        image_close(image);
        return err_set(err, ERR_IO, -result, "cannot read %s", path);
    }
    image->size = (uint64_t)status.st_size;
    if (image->size > 0)
        return 0;
    image_close(image);
    return err_set(err, ERR_MODULE, 0, "%s is empty", path);
}

void image_close(struct image *image)
{
    if (image->fd >= 0)
        close(image->fd);
    image->fd = -1;
}

/* --- Directories ----------------------------------------------------------------------------- */

static bool take_suffix(char *text, const char *suffix)
{
    size_t size = strlen(text), suffix_size = strlen(suffix);
    if (size < suffix_size || strcmp(text + size - suffix_size, suffix) != 0)
        return false;
    text[size - suffix_size] = '\0';
    return true;
}

static int split_guest(struct grant *grant, const char *text, struct err *err)
{
    char *colons = strstr(grant->host, "::");
    if (!colons || colons == grant->host || colons[2] != '/') {
        err_set(err, ERR_USAGE, 0, "--dir %s is not of the form HOST::GUEST", text);
        err_hint(err, "GUEST begins with a slash, as in --dir ./data::/data or ./data::/data:ro.");
        return -EINVAL;
    }
    *colons = '\0';
    grant->guest = colons + 2;
    if (!strchr(grant->guest, ':'))
        return 0;
    err_set(err, ERR_USAGE, 0, "the directory name %s must not contain ':'", grant->guest);
    err_hint(err, "The only suffix is :ro, for read-only.");
    return -EINVAL;
}

int grant_parse(const char *text, bool with_guest, struct grant *grant, struct err *err)
{
    *grant = (struct grant){.host = strdup(text)};
    if (!grant->host)
        return err_set(err, ERR_IO, ENOMEM, "read the option --dir");
    grant->read_only = take_suffix(grant->host, ":ro");
    int status = 0;
    if (with_guest)
        status = split_guest(grant, text, err);
    else if (grant->host[0] == '\0')
        status = err_set(err, ERR_USAGE, 0, "--dir needs the name of a directory");
    if (status < 0)
        grant_free(grant);
    return status;
}

void grant_free(struct grant *grant)
{
    free(grant->host);
    *grant = (struct grant){0};
}
