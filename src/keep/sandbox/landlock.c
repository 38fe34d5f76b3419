// SPDX-License-Identifier: Apache-2.0
#include "keep/sandbox/landlock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Rights that the headers of older kernels do not name. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

static const uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

static const uint64_t write_rights = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                                     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
                                     LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE;

/* Refused everywhere. */
static const uint64_t other_rights = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_IOCTL_DEV;

static uint64_t known_rights(int version)
{
    uint64_t rights = read_rights | write_rights | other_rights;
    if (version < 2)
        rights &= ~LANDLOCK_ACCESS_FS_REFER;
    if (version < 3)
        rights &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
    if (version < 5)
        rights &= ~LANDLOCK_ACCESS_FS_IOCTL_DEV;
    return rights;
}

int landlock_version(void)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version < 0 ? 0 : (int)version;
}

static int add_directory(int ruleset, const struct keep_dir *dir, uint64_t known, struct err *err)
{
    autoclose int fd = open(dir->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_IO, errno, "cannot open the directory %s", dir->path);
    struct landlock_path_beneath_attr rule = {
        .allowed_access = known & (read_rights | (dir->read_only ? 0 : write_rights)),
        .parent_fd = fd,
    };
    if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
        return err_set(err, ERR_IO, errno, "cannot confine the Keep to %s", dir->path);
    return 0;
}

int landlock_open(const struct keep_dir *dirs, struct err *err)
{
    int version = landlock_version();
    if (version == 0)
        return -ENOSYS;
    uint64_t known = known_rights(version);
    struct landlock_ruleset_attr attributes = {.handled_access_fs = known};
    autoclose int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes,
                                         sizeof(attributes.handled_access_fs), 0);
    if (ruleset < 0)
        return err_set(err, ERR_IO, errno, "cannot make a Landlock ruleset");
    for (; dirs && dirs->path; dirs++) {
        int status = add_directory(ruleset, dirs, known, err);
        if (status < 0)
            return status;
    }
    return take_fd(&ruleset);
}

int landlock_enter(int ruleset)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return syscall(SYS_landlock_restrict_self, ruleset, 0) < 0 ? -errno : 0;
}
