/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confinement of a process to directories, with the kernel's Landlock.
 *
 * Host side. A ruleset is made before fork and entered in the child, where only async-signal-safe
 * work is allowed.
 */
#pragma once

#include "keep/backend.h"

/* The version of Landlock in this kernel, from 1; 0 if it has none or it is switched off. */
int landlock_version(void);

/*
 * A ruleset that lets files be opened only below the directories: reading, and, unless read-only,
 * writing, making and removing. Executing files is refused everywhere.
 * Returns a descriptor (close-on-exec), -ENOSYS if the kernel has no Landlock, or -errno with *err
 * filled if a directory cannot be opened.
 */
int landlock_open(const struct keep_dir *dirs, struct err *err);

/* Confines the calling thread and all that comes of it, for ever. 0 or -errno. */
int landlock_enter(int ruleset);
