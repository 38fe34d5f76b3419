// SPDX-License-Identifier: Apache-2.0
/* System calls on sockets, and poll. */
#include "shim/vm/files.h"
#include "shim/vm/syscall.h"

#include <asm/poll.h>
#include <linux/time_types.h>
#include <linux/uio.h>

enum {
    MSG_NOSIGNAL_FLAG = 0x4000,
    MSG_TRUNC_FLAG = 0x20,
    TYPE_MASK = 0xf,
    TYPE_DATAGRAM = 2,
    DATAGRAM_MAX = 65536, /* bytes, of any protocol; a thread's block holds as many */
    VALUE_MAX = 4096,
};

#define POLL_ALWAYS (POLLERR | POLLHUP | POLLNVAL)

/* Stores an address that the host answered: *size says how much room there is and is set to the
 * address's own size. A NULL address asks for nothing. */
static int64_t store_address(const struct sp_address *address, uint64_t user_address,
                             uint64_t user_size)
{
    uint32_t room;
    if (!user_address)
        return 0;
    if (address->size > SP_ADDRESS_MAX)
        shim_panic("a socket address is larger than any");
    if (user_read(&room, user_size, sizeof(room)) < 0)
        return -EFAULT;
    if ((int32_t)room < 0)
        return -EINVAL;
    uint32_t size = address->size < room ? address->size : room;
    if (user_write(user_address, address->bytes, size) < 0 ||
        user_write(user_size, &address->size, sizeof(address->size)) < 0)
        return -EFAULT;
    return 0;
}

int64_t sys_socket(struct regs *regs)
{
    uint64_t type = regs->rsi & ~CLOSE_ON_EXEC;
    int64_t fd = file_install(sp_socket(port_hold(), regs->rdi, type, regs->rdx), regs->rsi);
    struct file *file = fd >= 0 ? file_get((uint64_t)fd) : NULL;
    if (file) {
        file->datagram = (type & TYPE_MASK) == TYPE_DATAGRAM;
        file_put(file);
    }
    return fd;
}

int64_t sys_socketpair(struct regs *regs)
{
    int32_t handles[2];
    uint64_t type = regs->rsi & ~CLOSE_ON_EXEC;
    int64_t result = sp_socketpair(port_hold(), regs->rdi, type, regs->rdx, handles);
    return result < 0 ? result : files_install_pair(handles, regs->r10, regs->rsi);
}

int64_t sys_bind(struct regs *regs)
{
    if (regs->rdx > SP_ADDRESS_MAX)
        return -EINVAL;
    return ON_FILE(regs, sp_bind(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx));
}

int64_t sys_connect(struct regs *regs)
{
    if (regs->rdx > SP_ADDRESS_MAX)
        return -EINVAL;
    return ON_FILE(regs, sp_connect(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx));
}

int64_t sys_listen(struct regs *regs)
{
    return ON_FILE(regs, sp_listen(port_get(), file->handle, regs->rsi));
}

static int64_t accept_flags(struct regs *regs, uint64_t flags)
{
    struct sp_address peer;
    peer.size = 0;
    struct file *file = file_get(regs->rdi);
    if (!file)
        return -EBADF;
    int64_t result =
        sp_accept4(port_get(), file->handle, flags & ~CLOSE_ON_EXEC, regs->rsi ? &peer : NULL);
    file_put(file);
    int64_t fd = file_install(result, flags);
    if (fd < 0 || !regs->rsi)
        return fd;
    int64_t stored = store_address(&peer, regs->rsi, regs->rdx);
    if (stored < 0)
        file_close((uint64_t)fd);
    return stored < 0 ? stored : fd;
}

int64_t sys_accept(struct regs *regs)
{
    return accept_flags(regs, 0);
}

int64_t sys_accept4(struct regs *regs)
{
    return accept_flags(regs, regs->r10);
}

int64_t sys_getsockname(struct regs *regs)
{
    struct sp_address name;
    int64_t result = ON_FILE(regs, sp_getsockname(port_get(), file->handle, &name));
    return result < 0 ? result : store_address(&name, regs->rsi, regs->rdx);
}

int64_t sys_getpeername(struct regs *regs)
{
    struct sp_address name;
    int64_t result = ON_FILE(regs, sp_getpeername(port_get(), file->handle, &name));
    return result < 0 ? result : store_address(&name, regs->rsi, regs->rdx);
}

int64_t sys_setsockopt(struct regs *regs)
{
    if (regs->r8 > VALUE_MAX)
        return -EINVAL;
    return ON_FILE(regs, sp_setsockopt(port_get(), file->handle, regs->rsi, regs->rdx,
                                       user_pointer(regs->r10), regs->r8));
}

int64_t sys_getsockopt(struct regs *regs)
{
    uint32_t size;
    if (user_read(&size, regs->r8, sizeof(size)) < 0)
        return -EFAULT;
    if (size > 1000)
        size = 1000;
    struct file *file = file_get(regs->rdi);
    if (!file)
        return -EBADF;
    int64_t result = sp_getsockopt(port_get(), file->handle, regs->rsi, regs->rdx,
                                   user_pointer(regs->r10), size);
    file_put(file);
    if (result < 0)
        return result;
    size = (uint32_t)result;
    return user_write(regs->r8, &size, sizeof(size));
}

int64_t sys_sendto(struct regs *regs)
{
    if (regs->r9 > SP_ADDRESS_MAX)
        return -EINVAL;
    if (bulk_in(regs, regs->rsi, regs->rdx))
        return SYSCALL_REGISTERS_SET;
    struct file *file = file_get(regs->rdi);
    if (!file)
        return -EBADF;
    int64_t result = sp_sendto(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx,
                               regs->r10, user_pointer(regs->r8), regs->r8 ? regs->r9 : 0);
    file_put(file);
    return signal_broken_pipe(result, regs->r10 & MSG_NOSIGNAL_FLAG);
}

int64_t sys_recvfrom(struct regs *regs)
{
    struct sp_address from;
    if (regs->rdx && !space_writable(regs->rsi))
        return -EFAULT;
    struct file *file = file_get(regs->rdi);
    if (!file)
        return -EBADF;
    int64_t result = sp_recvfrom(port_get(), file->handle, user_pointer(regs->rsi), regs->rdx,
                                 regs->r10, regs->r8 ? &from : NULL);
    file_put(file);
    if (result < 0 || !regs->r8)
        return result;
    int64_t stored = store_address(&from, regs->r8, regs->r9);
    return stored < 0 ? stored : result;
}

/* struct msghdr as the kernel has it. */
struct message {
    uint64_t name;
    uint32_t name_size, reserved;
    uint64_t pieces, piece_count;
    uint64_t control, control_size;
    uint64_t flags;
};

enum { PIECES_MAX = 32 };

/* Fetches a message and its pieces; ancillary data does not travel. */
static int64_t message_get(uint64_t address, struct message *message, struct iovec *pieces,
                           uint64_t *total)
{
    if (user_read(message, address, sizeof(*message)) < 0)
        return -EFAULT;
    if (message->piece_count > PIECES_MAX)
        return -EMSGSIZE;
    if (user_read(pieces, message->pieces, message->piece_count * sizeof(*pieces)) < 0)
        return -EFAULT;
    *total = 0;
    for (uint64_t i = 0; i < message->piece_count; i++) {
        if (!user_range((uint64_t)pieces[i].iov_base, pieces[i].iov_len))
            return -EFAULT;
        *total += pieces[i].iov_len;
        if (*total > INT32_MAX)
            return -EMSGSIZE;
    }
    return 0;
}

int64_t sys_sendmsg(struct regs *regs)
{
    struct message message;
    struct iovec pieces[PIECES_MAX];
    uint8_t address[SP_ADDRESS_MAX];
    uint64_t total;
    int64_t status = message_get(regs->rsi, &message, pieces, &total);
    if (status < 0)
        return status;
    if (message.control_size > 0)
        return -EOPNOTSUPP;
    uint32_t size = message.name ? message.name_size : 0;
    if (size > sizeof(address))
        return -EINVAL;
    if (size && user_read(address, message.name, size) < 0)
        return -EFAULT;
    struct file *file = file_get(regs->rdi);
    if (!file)
        return -EBADF;
    struct cpu *cpu = this_cpu();
    cpu->iov = pieces;
    cpu->iov_count = message.piece_count;
    /* The pieces themselves are named by cpu->iov; the address lies in the shim. */
    int64_t result = sp_sendto(port_get(), file->handle, user_pointer(message.pieces), total,
                               regs->rdx, size ? address : NULL, size);
    cpu->iov = NULL;
    file_put(file);
    return signal_broken_pipe(result, regs->rdx & MSG_NOSIGNAL_FLAG);
}

/* Whether a datagram was cut is seen from its size, which the host is asked for: with the same flag
 * it would throw a stream's bytes away. No more is asked for than the block holds: a size between
 * that and what exec has room for would stand for bytes that did not come. */
int64_t sys_recvmsg(struct regs *regs)
{
    struct message message;
    struct iovec pieces[PIECES_MAX];
    struct sp_address from;
    uint64_t total;
    int64_t status = message_get(regs->rsi, &message, pieces, &total);
    if (status < 0)
        return status;
    struct file *file = file_get(regs->rdi);
    if (!file)
        return -EBADF;
    struct cpu *cpu = this_cpu();
    cpu->iov = pieces;
    cpu->iov_count = message.piece_count;
    uint64_t flags = regs->rdx | (file->datagram ? MSG_TRUNC_FLAG : 0);
    if (file->datagram && total > DATAGRAM_MAX)
        total = DATAGRAM_MAX;
    int64_t result = sp_recvfrom(port_get(), file->handle, user_pointer(message.pieces), total,
                                 flags, message.name ? &from : NULL);
    cpu->iov = NULL;
    file_put(file);
    if (result < 0)
        return result;
    status = store_address(&from, message.name, regs->rsi + offsetof(struct message, name_size));
    if (status < 0)
        return status;
    bool cut = (uint64_t)result > total;
    uint64_t answer[2] = {0, cut ? MSG_TRUNC_FLAG : 0}; /* control_size, flags */
    if (user_write(regs->rsi + offsetof(struct message, control_size), answer, sizeof(answer)) < 0)
        return -EFAULT;
    return cut && !(regs->rdx & MSG_TRUNC_FLAG) ? (int64_t)total : result;
}

int64_t sys_shutdown(struct regs *regs)
{
    return ON_FILE(regs, sp_shutdown(port_get(), file->handle, regs->rsi));
}

/* What a thread that waits for descriptors works with: too much for its stack. */
struct poll_space {
    struct sp_poll entries[SP_POLL_MAX], answers[SP_POLL_MAX];
    struct file *files[SP_POLL_MAX]; /* that are held meanwhile, or NULL */
    struct poll_space *next;
};
_Static_assert(sizeof(struct poll_space) <= CHUNK_SIZE, "a chunk holds it");

static struct poll_space *spare_spaces; /* linked through `next` */

static struct poll_space *take_space(void)
{
    struct poll_space *space = spare_spaces;
    if (space) {
        spare_spaces = space->next;
        return space;
    }
    uint64_t chunk = chunk_alloc();
    return chunk ? direct(chunk) : NULL;
}

/* Lets go of the files of the first entries, too. */
static void give_space(struct poll_space *space, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (space->files[i])
            file_put(space->files[i]);
    }
    space->next = spare_spaces;
    spare_spaces = space;
}

/* What is asked of the host for one entry; closed descriptors are answered here. */
static void ask(struct sp_poll *entry, struct file **file)
{
    int fd = entry->handle;
    entry->revents = 0;
    *file = fd >= 0 ? file_get((uint64_t)fd) : NULL;
    entry->handle = *file ? (int32_t)(*file)->handle : -1;
    if (fd >= 0 && !*file)
        entry->revents = POLLNVAL;
}

/* Takes over the host's answers, cut to what was asked; returns how many entries are ready. */
static int64_t take_answers(struct sp_poll *entries, const struct sp_poll *answers, uint64_t count)
{
    int64_t ready = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (entries[i].handle >= 0)
            entries[i].revents = (int16_t)(answers[i].revents & (entries[i].events | POLL_ALWAYS));
        ready += entries[i].revents != 0;
    }
    return ready;
}

/* Waits for entries until `deadline` (UINT64_MAX: for ever). */
static int64_t poll_until(struct poll_space *space, uint64_t count, uint64_t deadline)
{
    struct sp_poll *entries = space->entries, *answers = space->answers;
    for (;;) {
        uint64_t now = deadline == UINT64_MAX || deadline == 0 ? 0 : clock_monotonic();
        bool ended = deadline != UINT64_MAX && now >= deadline;
        uint64_t left = (deadline - now + 999999) / 1000000;
        int timeout = deadline == UINT64_MAX ? -1
                      : ended                ? 0
                                             : (int)(left < 1u << 30 ? left : 1u << 30);
        bool answered = take_answers(entries, entries, count) > 0 || signal_waiting(this_cpu());
        __builtin_memcpy(answers, entries, count * sizeof(answers[0]));
        int64_t result = sp_poll(port_get(), answers, count * sizeof(answers[0]),
                                 (uint64_t)(int64_t)(answered ? 0 : timeout));
        if (result < 0 && result != -EINTR)
            return result;
        int64_t ready = result < 0 ? 0 : take_answers(entries, answers, count);
        if (ready > 0 || ended)
            return ready;
        if (result == -EINTR)
            signal_take();
        if (signal_waiting(this_cpu()))
            return -EINTR;
    }
}

static int64_t poll_in(struct poll_space *space, uint64_t user_entries, uint64_t count,
                       uint64_t deadline)
{
    struct sp_poll *entries = space->entries;
    for (uint64_t i = 0; i < count; i++)
        ask(&entries[i], &space->files[i]);
    int64_t result = poll_until(space, count, deadline);
    for (uint64_t i = 0; i < count && result >= 0; i++) {
        uint64_t at = user_entries + i * sizeof(entries[0]) + offsetof(struct sp_poll, revents);
        if (user_write(at, &entries[i].revents, sizeof(entries[i].revents)) < 0)
            result = -EFAULT;
    }
    return result;
}

static int64_t poll_entries(uint64_t user_entries, uint64_t count, uint64_t deadline)
{
    if (count > SP_POLL_MAX)
        return -EINVAL;
    struct poll_space *space = take_space();
    if (!space)
        return -ENOMEM;
    if (user_read(space->entries, user_entries, count * sizeof(space->entries[0])) < 0) {
        give_space(space, 0);
        return -EFAULT;
    }
    int64_t result = poll_in(space, user_entries, count, deadline);
    give_space(space, count);
    return result;
}

/* The deadline of a relative timeout at `user_timeout`, or for ever if that is NULL. 0 or -errno.
 */
static int64_t read_deadline(uint64_t user_timeout, uint64_t *deadline)
{
    struct __kernel_timespec timeout;
    *deadline = UINT64_MAX;
    if (!user_timeout)
        return 0;
    if (user_read(&timeout, user_timeout, sizeof(timeout)) < 0)
        return -EFAULT;
    if (timeout.tv_sec < 0 || timeout.tv_nsec < 0 || timeout.tv_nsec >= 1000000000)
        return -EINVAL;
    if (timeout.tv_sec > 1ll << 32)
        return 0;
    uint64_t wait = (uint64_t)timeout.tv_sec * 1000000000 + (uint64_t)timeout.tv_nsec;
    *deadline = wait ? clock_monotonic() + wait : 0;
    return 0;
}

int64_t sys_poll(struct regs *regs)
{
    int timeout = (int)regs->rdx;
    uint64_t deadline = timeout < 0    ? UINT64_MAX
                        : timeout == 0 ? 0
                                       : clock_monotonic() + (uint64_t)timeout * 1000000;
    return poll_entries(regs->rdi, regs->rsi, deadline);
}

int64_t sys_ppoll(struct regs *regs)
{
    uint64_t deadline;
    int64_t status = read_deadline(regs->rdx, &deadline);
    if (status == 0)
        status = signal_mask_begin(regs->r10, regs->r8);
    return status < 0 ? status : signal_mask_end(poll_entries(regs->rdi, regs->rsi, deadline));
}

/* The three sets of select(2), as far as descriptors go that can be waited for. */
struct sets {
    uint64_t words[3][FDS_MAX / 64];
};

enum { SET_READ, SET_WRITE, SET_EXCEPT };

static bool is_set(const struct sets *sets, int set, uint64_t fd)
{
    return sets->words[set][fd / 64] & 1ull << fd % 64;
}

static int64_t read_sets(struct regs *regs, struct sets *sets, uint64_t size)
{
    const uint64_t user[3] = {regs->rsi, regs->rdx, regs->r10};
    for (int i = 0; i < 3; i++) {
        if (user[i] && user_read(sets->words[i], user[i], size) < 0)
            return -EFAULT;
    }
    return 0;
}

/* Poll entries for the descriptors in the sets; -EBADF for a closed one. `used` says how many have
 * files, also on failure. */
static int64_t entries_of_sets(const struct sets *sets, uint64_t count, struct poll_space *space,
                               uint64_t *used)
{
    *used = 0;
    for (uint64_t fd = 0; fd < count; fd++) {
        int16_t events = (int16_t)((is_set(sets, SET_READ, fd) ? POLLIN : 0) |
                                   (is_set(sets, SET_WRITE, fd) ? POLLOUT : 0) |
                                   (is_set(sets, SET_EXCEPT, fd) ? POLLPRI : 0));
        if (!events)
            continue;
        space->entries[*used] = (struct sp_poll){.handle = (int32_t)fd, .events = events};
        ask(&space->entries[*used], &space->files[*used]);
        if (!space->files[(*used)++])
            return -EBADF;
    }
    return 0;
}

/* Writes back what is ready; returns how many bits that are. */
static int64_t write_sets(struct regs *regs, const struct sets *wanted, uint64_t count,
                          const struct sp_poll *entries)
{
    static const int16_t meaning[3] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI};
    const uint64_t user[3] = {regs->rsi, regs->rdx, regs->r10};
    struct sets ready = {0};
    int64_t bits = 0, entry = 0;
    for (uint64_t fd = 0; fd < count; fd++) {
        bool any = false;
        for (int set = 0; set < 3; set++) {
            if (!is_set(wanted, set, fd))
                continue;
            any = true;
            if (entries[entry].revents & meaning[set]) {
                ready.words[set][fd / 64] |= 1ull << fd % 64;
                bits++;
            }
        }
        entry += any;
    }
    for (int set = 0; set < 3; set++) {
        if (user[set] && user_write(user[set], ready.words[set], (count + 63) / 64 * 8) < 0)
            return -EFAULT;
    }
    return bits;
}

static int64_t select_in(struct regs *regs, const struct sets *sets, uint64_t deadline)
{
    struct poll_space *space = take_space();
    if (!space)
        return -ENOMEM;
    uint64_t used;
    int64_t result = entries_of_sets(sets, regs->rdi, space, &used);
    if (result == 0)
        result = poll_until(space, used, deadline);
    if (result >= 0)
        result = write_sets(regs, sets, regs->rdi, space->entries);
    give_space(space, used);
    return result;
}

int64_t sys_pselect6(struct regs *regs)
{
    struct sets sets = {0};
    uint64_t count = regs->rdi, deadline, mask[2] = {0};
    if (count > FDS_MAX)
        return -EINVAL;
    if (regs->r9 && user_read(mask, regs->r9, sizeof(mask)) < 0)
        return -EFAULT;
    int64_t result = read_deadline(regs->r8, &deadline);
    if (result == 0)
        result = read_sets(regs, &sets, (count + 63) / 64 * 8);
    if (result == 0)
        result = signal_mask_begin(mask[0], mask[1]);
    return result < 0 ? result : signal_mask_end(select_in(regs, &sets, deadline));
}
