// SPDX-License-Identifier: Apache-2.0
/* One vCPU: its registers at the start, and the loop that serves it. */
#include "keep/kvm/kvm.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    MSR_STAR = 0xc0000081,
    MSR_LSTAR = 0xc0000082,
    MSR_SFMASK = 0xc0000084,
    MSR_KERNEL_GS_BASE = 0xc0000102,
};

/* Cleared on SYSCALL: TF, IF, DF, IOPL, NT, AC. */
#define SYSCALL_FLAG_MASK 0x47700ull

void soon(struct timespec *limit)
{
    enum { STEP = 2000000, SECOND = 1000000000 };
    clock_gettime(CLOCK_REALTIME, limit);
    limit->tv_nsec += STEP;
    limit->tv_sec += limit->tv_nsec / SECOND;
    limit->tv_nsec %= SECOND;
}

void keep_fail(struct kvm_keep *keep, enum err_class class, int code, const char *format, ...)
{
    pthread_mutex_lock(&keep->lock);
    if (!keep->ending) {
        char text[ERR_MESSAGE_SIZE];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        err_set(&keep->failure, class, code, "%s", text);
    }
    keep->ending = true;
    pthread_cond_broadcast(&keep->changed);
    pthread_mutex_unlock(&keep->lock);
}

/* The registers by which SYSCALL finds the shim, and the shim its processor. */
static int set_msrs(struct vcpu *vcpu, uint64_t cpu)
{
    struct { /* struct kvm_msrs, with room */
        uint32_t count, unused;
        struct kvm_msr_entry entries[4];
    } msrs = {
        .count = 4,
        .entries = {{.index = MSR_STAR,
                     .data = (uint64_t)SELECTOR_SHIM_CODE << 32 | (uint64_t)SELECTOR_SHIM_DATA
                                                                      << 48},
                    {.index = MSR_LSTAR, .data = SHIM_SYSCALL_ENTRY},
                    {.index = MSR_SFMASK, .data = SYSCALL_FLAG_MASK},
                    {.index = MSR_KERNEL_GS_BASE, .data = cpu}},
    };
    _Static_assert(offsetof(typeof(msrs), entries) == sizeof(struct kvm_msrs), "as the kernel's");
    int set = ioctl(vcpu->fd, KVM_SET_MSRS, &msrs);
    return set == 4 ? 0 : set < 0 ? -errno : -EINVAL;
}

int vcpu_reset(struct vcpu *vcpu)
{
    struct kvm_keep *keep = vcpu->keep;
    uint64_t cpu = CPUS_BASE + (vcpu->id + 1) * CPU_STRIDE - CPU_STATE;
    struct kvm_regs regs = {.rip = keep->entry, .rflags = 2, .rsp = cpu, .rdi = vcpu->id};
    struct kvm_fpu fpu = {.fcw = 0x37f, .mxcsr = 0x1f80};
    struct kvm_sregs sregs = keep->sregs;
    sregs.tr.base = cpu + CPU_TASK;
    int status = set_msrs(vcpu, cpu);
    if (status < 0)
        return status;
    if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0 ||
        ioctl(vcpu->fd, KVM_SET_XCRS, &keep->xcrs) < 0 || ioctl(vcpu->fd, KVM_SET_FPU, &fpu) < 0 ||
        ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
        return -errno;
    return 0;
}

int vcpu_create(struct kvm_keep *keep, unsigned id, struct vcpu **out, struct err *err)
{
    struct vcpu *vcpu = calloc(1, sizeof(*vcpu));
    if (!vcpu)
        return err_set(err, ERR_IO, ENOMEM, "create a processor of the Keep");
    *vcpu = (struct vcpu){
        .keep = keep,
        .id = id,
        .fd = ioctl(keep->vm, KVM_CREATE_VCPU, id),
        .host = {.block = keep->shared + (size_t)id * SP_BLOCK_SIZE,
                 .handles = &keep->handles,
                 .ops = &kvm_keep_ops,
                 .thread = id},
    };
    vcpu->host.keep = vcpu;
    int status = vcpu->fd < 0 ? -errno : 0;
    if (status == 0) {
        vcpu->run = mmap(NULL, keep->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
        if (vcpu->run == MAP_FAILED) {
            vcpu->run = NULL;
            status = -errno;
        }
    }
    if (status == 0 && ioctl(vcpu->fd, KVM_SET_CPUID2, keep->cpuid) < 0)
        status = -errno;
    /* Otherwise the second and further ones would wait for an INIT. */
    struct kvm_mp_state runs = {KVM_MP_STATE_RUNNABLE};
    if (status == 0 && keep->has_irqchip && id > 0 && ioctl(vcpu->fd, KVM_SET_MP_STATE, &runs) < 0)
        status = -errno;
    if (status < 0) {
        vcpu_free(vcpu);
        return err_set(err, ERR_IO, -status, "create processor %u of the Keep", id);
    }
    *out = vcpu;
    return 0;
}

void vcpu_free(struct vcpu *vcpu)
{
    if (!vcpu)
        return;
    if (vcpu->run)
        munmap(vcpu->run, vcpu->keep->run_size);
    if (vcpu->fd >= 0)
        close(vcpu->fd);
    free(vcpu);
}

/* Injects the interrupt that another thread or the user has asked for, or waits for the moment when
 * it can. */
static void inject_kick(struct vcpu *vcpu)
{
    vcpu->run->request_interrupt_window = 0;
    if (!vcpu->kicked && !vcpu->signalled)
        return;
    if (!vcpu->run->ready_for_interrupt_injection || !vcpu->run->if_flag) {
        vcpu->run->request_interrupt_window = 1;
        return;
    }
    struct kvm_interrupt interrupt = {.irq = vcpu->kicked ? VECTOR_KICK : VECTOR_SIGNAL};
    vcpu->kicked = false;
    ioctl(vcpu->fd, KVM_INTERRUPT, &interrupt);
}

static void crash(struct vcpu *vcpu, const char *what, uint64_t detail)
{
    struct kvm_regs regs = {0};
    ioctl(vcpu->fd, KVM_GET_REGS, &regs);
    keep_fail(vcpu->keep, ERR_PROTOCOL, 0,
              "the Keep ended by itself: %s (%#llx) at instruction %#llx of thread %u", what,
              (unsigned long long)detail, (unsigned long long)regs.rip, vcpu->id);
}

/* The thread waits for the shim's lock: whoever holds it needs the processor more. */
static void wait_a_little(void)
{
    enum { NANOSECONDS = 30000 };
    nanosleep(&(struct timespec){0, NANOSECONDS}, NULL);
}

static void serve_io(struct vcpu *vcpu)
{
    switch (vcpu->run->io.port) {
    case PORT_CALL:
        if (sp_host_execute(&vcpu->host) < 0)
            keep_fail(vcpu->keep, ERR_PROTOCOL, 0,
                      "the Keep sent a call that breaks the sallyport protocol");
        break;
    case PORT_YIELD:
        wait_a_little();
        break;
    default:
        crash(vcpu, "write to port", vcpu->run->io.port);
    }
}

static void serve_exit(struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        serve_io(vcpu);
        break;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
        break;
    case KVM_EXIT_SHUTDOWN:
        crash(vcpu, "its shim failed beyond repair", run->exit_reason);
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        crash(vcpu, "the hypervisor cannot run an instruction", run->internal.suberror);
        break;
    case KVM_EXIT_FAIL_ENTRY:
        crash(vcpu, "the hypervisor cannot enter it",
              run->fail_entry.hardware_entry_failure_reason);
        break;
    default:
        crash(vcpu, "unexpected exit", run->exit_reason);
    }
}

/* Whether the thread that runs on this vCPU is still there. */
static bool is_running(struct vcpu *vcpu)
{
    return vcpu->state == VCPU_RUNNING && !vcpu->keep->ending;
}

void vcpu_loop(struct vcpu *vcpu)
{
    vcpu_enter(vcpu);
    while (is_running(vcpu)) {
        inject_kick(vcpu);
        int status = ioctl(vcpu->fd, KVM_RUN, 0);
        __atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
        if (status == 0)
            serve_exit(vcpu);
        else if (errno != EINTR && errno != EAGAIN)
            keep_fail(vcpu->keep, ERR_IO, errno, "run the Keep");
    }
    vcpu_enter(NULL);
}
