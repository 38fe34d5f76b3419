// SPDX-License-Identifier: Apache-2.0
/*
 * The kvm backend: a Keep in a virtual machine of its own. Nothing protects its memory from the
 * host: it is there for development, and as the base of SNP and TDX.
 */
#include "keep/kvm/kvm.h"

#include "keep/kvm/cpuid.h"

#include "base/cleanup.h"
#include "keep/sandbox/landlock.h"
#include "keep/sandbox/seccomp.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define POOL_SIZE   (64ull << 20) /* memory that a Keep starts with, beyond its image */
#define SHARED_SIZE ((uint64_t)CPUS_MAX * SP_BLOCK_SIZE)

#define CR4_SMEP   (1ull << 20)
#define CR4_UMIP   (1ull << 11)
#define CR4_BASE   0x50620ull /* PAE, OSFXSR, OSXMMEXCPT, FSGSBASE, OSXSAVE */
#define CR0_START  0x80050033ull
#define EFER_START 0xd01ull /* SCE, LME, LMA, NXE */

enum { KVM_API = 12, FETCHED_MAX = 1 << 20 };

extern const uint8_t shim_vm_image[], shim_vm_image_end[];

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int set_slot(struct kvm_keep *keep, uint64_t address, uint64_t size, void *memory)
{
    struct kvm_userspace_memory_region region = {
        .slot = keep->slots,
        .guest_phys_addr = address,
        .memory_size = size,
        .userspace_addr = (uint64_t)memory,
    };
    if (ioctl(keep->vm, KVM_SET_USER_MEMORY_REGION, &region) < 0)
        return -errno;
    keep->slots++;
    return 0;
}

/* Lets the host back memory by large pages, which it is mapped by in the Keep where it can be. */
static void prefer_large_pages(uint8_t *start, uint64_t size)
{
    (void)madvise(start, size, MADV_HUGEPAGE); /* a host without them has small ones */
}

int keep_add_memory(struct kvm_keep *keep, uint64_t size)
{
    if (size > MEMORY_MAX - keep->memory_size)
        return -ENOMEM;
    uint8_t *start = keep->memory + keep->memory_size;
    if (mprotect(start, size, PROT_READ | PROT_WRITE) < 0)
        return -errno;
    prefer_large_pages(start, size);
    int status = set_slot(keep, keep->memory_size, size, start);
    if (status == 0)
        keep->memory_size += size;
    return status;
}

/* What the processors of the Keep can do, and their registers at the start. */
static int prepare_cpu(struct kvm_keep *keep, int device, uint64_t root, struct err *err)
{
    int status = cpuid_read(device, &keep->cpuid);
    if (status < 0)
        return err_set(err, ERR_BACKEND, -status, "ask kvm what the processor can do");

    const struct kvm_cpuid_entry2 *features = cpuid_find(keep->cpuid, 7, 0);
    const struct kvm_cpuid_entry2 *state = cpuid_find(keep->cpuid, 0xd, 0);
    uint64_t cr4 = CR4_BASE;
    if (features && features->ebx & 1 << 7)
        cr4 |= CR4_SMEP;
    if (features && features->ecx & 1 << 2)
        cr4 |= CR4_UMIP;

    const struct kvm_segment data = {.limit = 0xffffffff,
                                     .selector = SELECTOR_SHIM_DATA,
                                     .type = 3,
                                     .present = 1,
                                     .db = 1,
                                     .s = 1,
                                     .g = 1};
    const struct kvm_segment code = {.limit = 0xffffffff,
                                     .selector = SELECTOR_SHIM_CODE,
                                     .type = 11,
                                     .present = 1,
                                     .l = 1,
                                     .s = 1,
                                     .g = 1};
    const struct kvm_segment task = {
        .limit = TASK_SIZE - 1, .selector = SELECTOR_TASK, .type = 11, .present = 1};
    keep->sregs = (struct kvm_sregs){
        .cs = code,
        .ds = data,
        .es = data,
        .fs = data,
        .gs = data,
        .ss = data,
        .tr = task,
        .gdt = {.base = INFO_BASE + offsetof(struct keep_info, gdt),
                .limit = sizeof(((struct keep_info *)0)->gdt) - 1},
        .idt = {.base = INFO_BASE + offsetof(struct keep_info, idt),
                .limit = sizeof(((struct keep_info *)0)->idt) - 1},
        .ldt = {.type = 2, .unusable = 1},
        .cr0 = CR0_START,
        .cr3 = root,
        .cr4 = cr4,
        .efer = EFER_START,
    };
    keep->xcrs = (struct kvm_xcrs){
        .nr_xcrs = 1,
        .xcrs[0] = {.xcr = 0, .value = state ? state->eax : 3},
    };
    return 0;
}

/* Puts an area where the guest will find it: pages of a file are mapped, not copied. */
static int place(struct kvm_keep *keep, const struct image_area *area, int file)
{
    uint8_t *to = keep->memory + area->address;
    if (area->bytes) {
        if (area->bytes != to)
            memcpy(to, area->bytes, area->filled);
        return 0;
    }
    if (mmap(to, area->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file,
             (off_t)area->file_offset) == MAP_FAILED)
        return -errno;
    /* Of what is small most is used. All at once is cheaper than a fault for each page, in the host
     * as in the guest: kvm maps pages around the one that faults if it need not fetch them. */
    if (area->size <= FETCHED_MAX)
        (void)madvise(to, area->size, MADV_POPULATE_WRITE);
    /* What follows in the file does not belong to the program's memory. */
    if (area->filled < area->size)
        memset(to + area->filled, 0, area->size - area->filled);
    return 0;
}

/* Address space for all that the Keep may have, at a multiple of 2 MiB as it is in the guest: else
 * no large page of the one would be one of the other. NULL if there is none. */
static void *reserve_guest(void)
{
    uint8_t *start = mmap(NULL, MEMORY_MAX + LARGE_SIZE, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)start & LARGE_MASK;
    if (before > 0)
        munmap(start, before);
    munmap(start + before + MEMORY_MAX, LARGE_SIZE - before);
    return start + before;
}

static int reserve_memory(struct kvm_keep *keep, struct err *err)
{
    void *shared = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    keep->memory = reserve_guest();
    keep->shared = shared == MAP_FAILED ? NULL : shared;
    if (!keep->memory || !keep->shared)
        return err_set(err, ERR_IO, ENOMEM, "reserve memory for the Keep");
    if (mprotect(keep->memory + BOOT_GPA, BOOT_END - BOOT_GPA, PROT_READ | PROT_WRITE) < 0)
        return err_set(err, ERR_IO, errno, "reserve memory for the Keep");
    return 0;
}

static int load(struct kvm_keep *keep, const struct keep_launch *launch, struct err *err)
{
    cpu_set_t allowed;
    int processors = sched_getaffinity(0, sizeof(allowed), &allowed) == 0 ? CPU_COUNT(&allowed) : 1;
    struct image_request request = {
        .boot = keep->memory + BOOT_GPA,
        .shim = span_of(shim_vm_image, (size_t)(shim_vm_image_end - shim_vm_image)),
        .exec_fd = launch->exec_fd,
        .exec_offset = launch->exec_offset,
        .exec_size = launch->exec_size,
        .argv = launch->argv,
        .envp = launch->envp,
        .pool = POOL_SIZE,
        .info_flags = INFO_SYSCALL_FAULTS | INFO_HOST_ZEROES,
        .threads = CPUS_MAX,
        .processors = (uint32_t)processors,
        .fds = launch->fds,
        .fd_count = launch->fd_count,
    };
    struct image image;
    int status = image_build(&image, &request, err);
    if (status < 0)
        return status;
    keep->entry = image.entry;
    keep->pool_start = image.size - POOL_SIZE;
    keep->sregs.cr3 = ((const struct keep_info *)image.boot)->root;
    if (mprotect(keep->memory, image.size, PROT_READ | PROT_WRITE) < 0)
        return err_set(err, ERR_IO, errno, "reserve memory for the Keep");
    for (size_t i = 0; i < image.count; i++) {
        status = place(keep, &image.areas[i], launch->exec_fd);
        if (status < 0)
            return err_set(err, ERR_IO, -status, "load the program into the Keep");
    }
    prefer_large_pages(keep->memory + keep->pool_start, POOL_SIZE);
    keep->memory_size = image.size;
    status = set_slot(keep, 0, image.size, keep->memory);
    if (status == 0)
        status = set_slot(keep, SHARED_BASE, SHARED_SIZE, keep->shared);
    return status < 0 ? err_set(err, ERR_IO, -status, "give the Keep its memory") : 0;
}

/* Takes copies of the launch's descriptors: the Keep closes its own. */
static int grant(struct kvm_keep *keep, const struct keep_launch *launch, struct err *err)
{
    int fds[SP_HANDLES_MAX];
    if (launch->fd_count > SP_HANDLES_MAX)
        return err_set(err, ERR_USAGE, EMFILE, "give %zu files to a Keep", launch->fd_count);
    for (size_t i = 0; i < launch->fd_count; i++) {
        fds[i] = launch->fds[i] < 0 ? -1 : fcntl(launch->fds[i], F_DUPFD_CLOEXEC, 0);
        if (fds[i] < 0 && launch->fds[i] >= 0) {
            int code = errno;
            sp_handles_init(&keep->handles, fds, i);
            return err_set(err, ERR_IO, code, "give file %zu to the Keep", i);
        }
    }
    sp_handles_init(&keep->handles, fds, launch->fd_count);
    return 0;
}

/* Makes all other threads leave the guest and waits for them. */
static void join(struct kvm_keep *keep)
{
    for (unsigned id = 1; id < CPUS_MAX; id++) {
        struct vcpu *vcpu = keep->vcpus[id];
        struct timespec limit;
        do {
            if (!vcpu)
                break;
            vcpu_signal(vcpu);
            soon(&limit);
        } while (pthread_timedjoin_np(vcpu->thread, NULL, &limit) != 0);
    }
}

/* Runs the first thread of the Keep here. It may end while others go on. */
static void run_first(struct kvm_keep *keep)
{
    struct vcpu *first = keep->vcpus[0];
    first->thread = pthread_self();
    first->state = VCPU_RUNNING;
    vcpu_loop(first);
    pthread_mutex_lock(&keep->lock);
    while (!keep->ending)
        pthread_cond_wait(&keep->changed, &keep->lock);
    first->state = VCPU_ENDED;
    pthread_cond_broadcast(&keep->changed);
    pthread_mutex_unlock(&keep->lock);
}

/* From here on this process can do no more than serve the Keep, whatever the Keep makes of it. */
static int confine(const struct keep_launch *launch, struct err *err)
{
    autoclose int ruleset = landlock_open(launch->dirs, err);
    if (ruleset < 0 && ruleset != -ENOSYS)
        return ruleset;
    int status = ruleset < 0 ? 0 : landlock_enter(ruleset);
    if (status == 0)
        status = seccomp_enter_host();
    return status < 0 ? err_set(err, ERR_IO, -status, "confine the Keep's host process") : 0;
}

/*
 * With an interrupt controller for each processor, which nobody uses. Without it kvm patches its
 * own code when the first such virtual machine starts and when the last ends, on all processors at
 * once: half a millisecond of a start. Kicks are injected by KVM_INTERRUPT in either case, so a
 * kernel that refuses loses nothing but that time.
 */
static void use_split_irqchip(struct kvm_keep *keep)
{
    struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {24}};
    keep->has_irqchip = ioctl(keep->vm, KVM_ENABLE_CAP, &split) == 0;
}

static int run_keep(struct kvm_keep *keep, const struct keep_launch *launch, struct err *err)
{
    struct keep_times unused;
    struct keep_times *times = launch->times ? launch->times : &unused;
    autoclose int device = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (device < 0) {
        int status = err_set(err, ERR_BACKEND, errno, "open /dev/kvm");
        err_hint(err, "enarx platform info says what is missing");
        return status;
    }
    keep->vm = ioctl(device, KVM_CREATE_VM, 0);
    if (keep->vm < 0)
        return err_set(err, ERR_BACKEND, errno, "create a virtual machine");
    use_split_irqchip(keep);
    int run_size = ioctl(device, KVM_GET_VCPU_MMAP_SIZE, 0);
    keep->run_size = run_size > 0 ? (size_t)run_size : 0;
    times->opened = now_ns();

    int status = reserve_memory(keep, err);
    if (status == 0)
        status = prepare_cpu(keep, device, 0, err);
    if (status == 0)
        status = grant(keep, launch, err);
    if (status == 0)
        status = load(keep, launch, err);
    if (status == 0)
        status = vcpu_create(keep, 0, &keep->vcpus[0], err);
    if (status < 0)
        return status;
    status = vcpu_reset(keep->vcpus[0]);
    if (status < 0)
        return err_set(err, ERR_BACKEND, -status, "set the registers of the Keep");
    int khz = ioctl(keep->vcpus[0]->fd, KVM_GET_TSC_KHZ, 0);
    keep->tsc_khz = khz > 0 ? (uint64_t)khz : 0;
    times->loaded = now_ns();

    status = confine(launch, err);
    if (status < 0)
        return status;
    signals_begin(keep);
    run_first(keep);
    signals_end();
    join(keep);
    return 0;
}

static void keep_fini(struct kvm_keep *keep)
{
    for (unsigned id = 0; id < CPUS_MAX; id++)
        vcpu_free(keep->vcpus[id]);
    if (keep->vm >= 0)
        close(keep->vm);
    if (keep->memory)
        munmap(keep->memory, MEMORY_MAX);
    if (keep->shared)
        munmap(keep->shared, SHARED_SIZE);
    sp_handles_fini(&keep->handles);
    free(keep->cpuid);
    pthread_mutex_destroy(&keep->lock);
    pthread_cond_destroy(&keep->changed);
}

static int kvm_run(const struct keep_launch *launch, int *exit_status, struct err *err)
{
    struct kvm_keep *keep = calloc(1, sizeof(*keep));
    if (!keep)
        return err_set(err, ERR_IO, ENOMEM, "create a Keep");
    keep->vm = -1;
    pthread_mutex_init(&keep->lock, NULL);
    pthread_cond_init(&keep->changed, NULL);
    sp_handles_init(&keep->handles, NULL, 0);

    int status = run_keep(keep, launch, err);
    if (status == 0 && keep->failure.class != ERR_NONE) {
        if (err)
            *err = keep->failure;
        status = -EPROTO;
    }
    *exit_status = keep->exit_status;
    keep_fini(keep);
    free(keep);
    return status;
}

static void probe(struct probe_report *report)
{
    autoclose int device = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    struct probe *driver = probe_add(report, "Driver: /dev/kvm", device >= 0);
    if (device < 0) {
        snprintf(driver->info, sizeof(driver->info), "%s", strerror(errno));
        snprintf(driver->hint, sizeof(driver->hint), "%s",
                 errno == EACCES ? "add your user to the group that owns /dev/kvm"
                                 : "load the kvm module, or enable virtualization in the firmware");
    }
    int version = device < 0 ? -1 : ioctl(device, KVM_GET_API_VERSION, 0);
    struct probe *api = probe_add(report, " API Version", version == KVM_API);
    if (version >= 0)
        snprintf(api->info, sizeof(api->info), "%d", version);

    unsigned a, b = 0, c = 0, d;
    bool fsgsbase = __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_FSGSBASE;
    probe_add(report, " CPU supports FSGSBASE instructions", fsgsbase);
    bool rdrand = __get_cpuid(1, &a, &b, &c, &d) && c & bit_RDRND;
    probe_add(report, " CPU supports RDRAND instruction", rdrand);
}

const struct backend backend_kvm = {
    .name = "kvm",
    .guarantee =
        "the program runs in a virtual machine of its own, which protects the host from it "
        "but not it from the host",
    .confidential = false,
    .probe = probe,
    .run = kvm_run,
};
