// SPDX-License-Identifier: Apache-2.0
/*
 * epoll on the host's epoll. What exec wants to be told stays in the Keep: the host only sees the
 * index of an entry, and an answer that names no entry of that epoll object is an attack.
 */
#include "shim/vm/files.h"
#include "shim/vm/syscall.h"

#include <linux/eventpoll.h>

enum { ENTRIES = 512, EVENTS_AT_ONCE = 32 };

static struct entry {
    const struct file *epoll, *file;
    uint64_t data;
} entries[ENTRIES];

void epoll_forget(const struct file *file)
{
    for (int i = 0; i < ENTRIES; i++) {
        if (entries[i].file == file || entries[i].epoll == file)
            entries[i] = (struct entry){0};
    }
}

static struct entry *find(const struct file *epoll, const struct file *file)
{
    for (int i = 0; i < ENTRIES; i++) {
        if (entries[i].epoll == epoll && entries[i].file == file)
            return &entries[i];
    }
    return NULL;
}

static int64_t control(struct file *epoll, struct file *file, int operation, uint64_t user_event)
{
    struct epoll_event event = {0};
    if (operation != EPOLL_CTL_DEL && user_read(&event, user_event, sizeof(event)) < 0)
        return -EFAULT;
    struct entry *entry = find(epoll, file);
    if (operation == EPOLL_CTL_ADD) {
        if (entry)
            return -EEXIST;
        entry = find(NULL, NULL);
        if (!entry)
            return -ENOSPC;
    } else if (!entry) {
        return -ENOENT;
    }
    uint64_t cookie = (uint64_t)(entry - entries);
    int64_t result = sp_epoll_ctl(port_hold(), epoll->handle, (uint64_t)operation, file->handle,
                                  event.events, cookie);
    if (result < 0)
        return result;
    if (operation == EPOLL_CTL_DEL)
        *entry = (struct entry){0};
    else
        *entry = (struct entry){epoll, file, event.data};
    return 0;
}

static int64_t create(uint64_t flags)
{
    int64_t fd = file_install(sp_epoll_create1(port_hold(), flags), flags);
    if (fd < 0)
        return fd;
    struct file *file = file_get((uint64_t)fd);
    file->epoll = true;
    file_put(file);
    return fd;
}

int64_t sys_epoll_create(struct regs *regs)
{
    return (int)regs->rdi > 0 ? create(0) : -EINVAL;
}

int64_t sys_epoll_create1(struct regs *regs)
{
    return create(regs->rdi);
}

int64_t sys_epoll_ctl(struct regs *regs)
{
    struct file *epoll = file_get(regs->rdi);
    if (!epoll)
        return -EBADF;
    struct file *file = file_get(regs->rdx);
    int64_t result = -EBADF;
    if (file) {
        result = epoll->epoll ? control(epoll, file, (int)regs->rsi, regs->r10) : -EINVAL;
        file_put(file);
    }
    file_put(epoll);
    return result;
}

/* Hands the host's events on under exec's own names. */
static int64_t translate(const struct file *epoll, const struct sp_event *got, int64_t count,
                         uint64_t user_events)
{
    int64_t written = 0;
    for (int64_t i = 0; i < count; i++) {
        uint64_t cookie = got[i].cookie;
        if (cookie >= ENTRIES)
            shim_panic("the host told of an event that nobody waits for");
        /* One that was removed while the call travelled. */
        if (entries[cookie].epoll != epoll)
            continue;
        struct epoll_event event = {.events = got[i].events, .data = entries[cookie].data};
        if (user_write(user_events + (uint64_t)written * sizeof(event), &event, sizeof(event)) < 0)
            return -EFAULT;
        written++;
    }
    return written;
}

int64_t sys_epoll_wait(struct regs *regs)
{
    struct sp_event got[EVENTS_AT_ONCE];
    uint64_t wanted = regs->rdx;
    if ((int)wanted <= 0)
        return -EINVAL;
    if (wanted > EVENTS_AT_ONCE)
        wanted = EVENTS_AT_ONCE;
    struct file *epoll = file_get(regs->rdi);
    if (!epoll)
        return -EBADF;
    int64_t result = -EINVAL;
    if (epoll->epoll) {
        bool interrupted = signal_waiting(this_cpu());
        result = sp_epoll_wait(port_get(), epoll->handle, got, wanted * sizeof(got[0]),
                               interrupted ? 0 : (uint64_t)(int64_t)(int)regs->r10);
        if (result == 0 && interrupted)
            result = -EINTR;
        if (result > 0)
            result = translate(epoll, got, result, regs->rsi);
    }
    file_put(epoll);
    return result;
}

int64_t sys_epoll_pwait(struct regs *regs)
{
    int status = signal_mask_begin(regs->r8, regs->r9);
    return status < 0 ? status : signal_mask_end(sys_epoll_wait(regs));
}
