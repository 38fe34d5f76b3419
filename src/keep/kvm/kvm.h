/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the kvm backend. Host side; internal to src/keep/kvm. */
#pragma once

#include "keep/backend.h"
#include "keep/vm/image.h"
#include "sallyport/host/execute.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>

enum vcpu_state {
    VCPU_ABSENT,
    VCPU_RUNNING,
    VCPU_IDLE,  /* its thread of the Keep has ended; it can be started again */
    VCPU_ENDED, /* its host thread is gone or going */
};

struct vcpu {
    struct kvm_keep *keep;
    unsigned id;
    int fd;
    struct kvm_run *run;
    pthread_t thread;
    enum vcpu_state state; /* under keep->lock */
    atomic_int parked;     /* futex: 1 = a wake-up is waiting to be taken */
    atomic_bool kicked;    /* an interrupt is to be injected: by another thread, … */
    atomic_bool signalled; /* … or because the user has sent a signal */
    struct sp_host host;
};

struct kvm_keep {
    int vm;
    size_t run_size;
    uint8_t *memory; /* MEMORY_MAX bytes reserved; the first `memory_size` are the Keep's */
    uint64_t memory_size, pool_start;
    uint8_t *shared; /* the sallyport blocks */
    unsigned slots;
    bool has_irqchip;
    uint64_t tsc_khz;
    struct kvm_cpuid2 *cpuid;
    struct kvm_sregs sregs; /* of a starting vCPU */
    struct kvm_xcrs xcrs;
    uint64_t entry;
    struct sp_handles handles;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct vcpu *vcpus[CPUS_MAX];
    atomic_bool ending;
    atomic_uint requests; /* bit n: signal n has come for the Keep */
    int exit_status;
    struct err failure; /* why the Keep ended, if not by its own will */
};

/* vcpu.c */
int vcpu_create(struct kvm_keep *keep, unsigned id, struct vcpu **vcpu, struct err *err);
void vcpu_free(struct vcpu *vcpu);
int vcpu_reset(struct vcpu *vcpu);

/* Runs until the thread or the Keep has ended. */
void vcpu_loop(struct vcpu *vcpu);

/* signals.c: from here to signals_end this process's signals are those of the Keep. */
void signals_begin(struct kvm_keep *keep);
void signals_end(void);

/* The number of a signal that has come for the Keep, once; 0 if there is none. */
int signals_take(struct vcpu *vcpu);

/* Tells which vCPU the calling thread serves, if any. */
void vcpu_enter(struct vcpu *vcpu);

/* Makes a vCPU leave the guest or a blocking call: once, and until the guest has had an interrupt.
 */
void vcpu_signal(struct vcpu *vcpu);
void vcpu_kick(struct vcpu *vcpu);

/* A moment from now, for waits that have to be repeated: a signal can come just before a call
 * blocks, and then has to be sent again. */
void soon(struct timespec *limit);

/* Ends the Keep because of a failure; the first one counts. */
__attribute__((format(printf, 4, 5))) void keep_fail(struct kvm_keep *keep, enum err_class class,
                                                     int code, const char *format, ...);

/* calls.c */
extern const struct sp_keep_ops kvm_keep_ops;

/* kvm.c: gives the guest `size` more bytes at the end of its memory. 0 or -errno. */
int keep_add_memory(struct kvm_keep *keep, uint64_t size);
