// SPDX-License-Identifier: Apache-2.0
/* The keep calls, as kvm serves them. */
#include "keep/kvm/kvm.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ADD_MAX = 1 << 30 /* bytes that a Keep can ask for at once */ };

static struct vcpu *vcpu_of(struct sp_host *host)
{
    return host->keep;
}

static int memory_add(struct sp_host *host, uint64_t address, uint64_t size)
{
    struct kvm_keep *keep = vcpu_of(host)->keep;
    pthread_mutex_lock(&keep->lock);
    int status = -EINVAL;
    if (address == keep->memory_size && size > 0 && size <= ADD_MAX && (size & LARGE_MASK) == 0)
        status = keep_add_memory(keep, size);
    pthread_mutex_unlock(&keep->lock);
    return status;
}

static int memory_discard(struct sp_host *host, uint64_t address, uint64_t size)
{
    struct kvm_keep *keep = vcpu_of(host)->keep;
    if ((address | size) & PAGE_MASK || address < keep->pool_start || size > keep->memory_size ||
        address > keep->memory_size - size)
        return -EINVAL;
    return madvise(keep->memory + address, size, MADV_DONTNEED) < 0 ? -errno : 0;
}

/* The first thread may be in a blocking call while another ends the Keep. Under keep->lock. */
static void wake_first(struct kvm_keep *keep)
{
    while (keep->vcpus[0]->state != VCPU_ENDED) {
        struct timespec limit;
        vcpu_signal(keep->vcpus[0]);
        soon(&limit);
        pthread_cond_timedwait(&keep->changed, &keep->lock, &limit);
    }
}

static void *thread_main(void *argument)
{
    struct vcpu *vcpu = argument;
    struct kvm_keep *keep = vcpu->keep;
    for (;;) {
        vcpu_loop(vcpu);
        pthread_mutex_lock(&keep->lock);
        while (vcpu->state == VCPU_IDLE && !keep->ending)
            pthread_cond_wait(&keep->changed, &keep->lock);
        bool ends = keep->ending;
        if (ends) {
            vcpu->state = VCPU_ENDED;
            wake_first(keep);
        }
        pthread_cond_broadcast(&keep->changed);
        pthread_mutex_unlock(&keep->lock);
        if (ends)
            return NULL;
    }
}

/* Starts a vCPU that has never run. Under keep->lock. */
static int start_new(struct kvm_keep *keep, unsigned id)
{
    struct vcpu *vcpu;
    int status = vcpu_create(keep, id, &vcpu, NULL);
    if (status < 0)
        return status;
    status = vcpu_reset(vcpu);
    if (status == 0) {
        vcpu->state = VCPU_RUNNING;
        status = -pthread_create(&vcpu->thread, NULL, thread_main, vcpu);
    }
    if (status < 0) {
        vcpu_free(vcpu);
        return status;
    }
    keep->vcpus[id] = vcpu;
    return 0;
}

static int thread_spawn(struct sp_host *host, uint64_t thread)
{
    struct kvm_keep *keep = vcpu_of(host)->keep;
    if (thread == 0 || thread >= CPUS_MAX)
        return -EINVAL;
    pthread_mutex_lock(&keep->lock);
    struct vcpu *vcpu = keep->vcpus[thread];
    int status = 0;
    if (keep->ending) {
        status = -EAGAIN; /* nobody would wait for its end any more */
    } else if (!vcpu) {
        status = start_new(keep, (unsigned)thread);
    } else {
        /* The Keep may have given its processor to a new thread before the old one has left it. */
        while (vcpu->state == VCPU_RUNNING && !keep->ending)
            pthread_cond_wait(&keep->changed, &keep->lock);
        vcpu->parked = 0;
        vcpu->kicked = vcpu->signalled = false;
        if (vcpu->state == VCPU_IDLE)
            status = vcpu_reset(vcpu);
        if (vcpu->state == VCPU_IDLE && status == 0)
            vcpu->state = VCPU_RUNNING;
        pthread_cond_broadcast(&keep->changed);
    }
    pthread_mutex_unlock(&keep->lock);
    return status;
}

static int thread_park(struct sp_host *host, uint64_t timeout)
{
    struct vcpu *vcpu = vcpu_of(host);
    if (atomic_exchange(&vcpu->parked, 0) || vcpu->keep->ending)
        return 0;
    if (vcpu->signalled)
        return -EINTR;
    if (timeout == 0) {
        sched_yield();
        return 0;
    }
    struct timespec limit = {(time_t)(timeout / 1000000000), (long)(timeout % 1000000000)};
    syscall(SYS_futex, &vcpu->parked, FUTEX_WAIT_PRIVATE, 0, timeout == UINT64_MAX ? NULL : &limit,
            NULL, 0);
    atomic_store(&vcpu->parked, 0);
    return vcpu->signalled ? -EINTR : 0;
}

static struct vcpu *find_vcpu(struct kvm_keep *keep, uint64_t thread)
{
    if (thread >= CPUS_MAX)
        return NULL;
    pthread_mutex_lock(&keep->lock);
    struct vcpu *vcpu = keep->vcpus[thread];
    pthread_mutex_unlock(&keep->lock);
    return vcpu;
}

static int thread_unpark(struct sp_host *host, uint64_t thread)
{
    struct vcpu *vcpu = find_vcpu(vcpu_of(host)->keep, thread);
    if (!vcpu)
        return -ESRCH;
    atomic_store(&vcpu->parked, 1);
    syscall(SYS_futex, &vcpu->parked, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return 0;
}

static int thread_kick(struct sp_host *host, uint64_t thread)
{
    struct vcpu *vcpu = find_vcpu(vcpu_of(host)->keep, thread);
    if (!vcpu)
        return -ESRCH;
    vcpu_kick(vcpu);
    return 0;
}

static int signal_take(struct sp_host *host)
{
    return signals_take(vcpu_of(host));
}

static void exit_thread(struct sp_host *host)
{
    struct vcpu *vcpu = vcpu_of(host);
    pthread_mutex_lock(&vcpu->keep->lock);
    vcpu->state = VCPU_IDLE;
    pthread_cond_broadcast(&vcpu->keep->changed);
    pthread_mutex_unlock(&vcpu->keep->lock);
}

static void exit_group(struct sp_host *host, int status)
{
    struct kvm_keep *keep = vcpu_of(host)->keep;
    pthread_mutex_lock(&keep->lock);
    if (!keep->ending)
        keep->exit_status = status;
    keep->ending = true;
    pthread_cond_broadcast(&keep->changed);
    pthread_mutex_unlock(&keep->lock);
}

static void panic(struct sp_host *host, const char *message)
{
    keep_fail(vcpu_of(host)->keep, ERR_PROTOCOL, 0, "the Keep ended itself: %s", message);
}

static int clocks(struct sp_host *host, struct sp_clocks *now)
{
    struct timespec monotonic, realtime;
    if (clock_gettime(CLOCK_MONOTONIC, &monotonic) < 0 ||
        clock_gettime(CLOCK_REALTIME, &realtime) < 0)
        return -errno;
    *now = (struct sp_clocks){
        .monotonic = (uint64_t)monotonic.tv_sec * 1000000000 + (uint64_t)monotonic.tv_nsec,
        .realtime = (uint64_t)realtime.tv_sec * 1000000000 + (uint64_t)realtime.tv_nsec,
        .tsc_khz = vcpu_of(host)->keep->tsc_khz,
    };
    return 0;
}

const struct sp_keep_ops kvm_keep_ops = {
    .memory_add = memory_add,
    .memory_discard = memory_discard,
    .thread_spawn = thread_spawn,
    .thread_park = thread_park,
    .thread_unpark = thread_unpark,
    .thread_kick = thread_kick,
    .signal_take = signal_take,
    .exit_thread = exit_thread,
    .exit_group = exit_group,
    .panic = panic,
    .clocks = clocks,
};
