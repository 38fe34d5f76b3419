// SPDX-License-Identifier: Apache-2.0
/*
 * Signals of the host process: the one by which a vCPU is made to leave the guest or a blocking
 * call, and those by which a user asks a program to end, which are the Keep's to deal with.
 *
 * A signal can come just before a call blocks, and would then be lost. What the guest has to be
 * told is therefore signalled again every other millisecond until it has been told.
 */
#include "keep/kvm/kvm.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

enum { KICK_SIGNAL = SIGUSR2, AGAIN = 2000 /* microseconds */ };

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static struct kvm_keep *_Atomic served; /* the Keep of this process */
static __thread struct kvm_run *current_run;

void vcpu_enter(struct vcpu *vcpu)
{
    current_run = vcpu ? vcpu->run : NULL;
}

void vcpu_signal(struct vcpu *vcpu)
{
    pthread_kill(vcpu->thread, KICK_SIGNAL);
}

static void repeat(void)
{
    const struct itimerval again = {.it_value.tv_usec = AGAIN};
    setitimer(ITIMER_REAL, &again, NULL);
}

void vcpu_kick(struct vcpu *vcpu)
{
    vcpu->kicked = true;
    vcpu_signal(vcpu);
    repeat();
}

static void on_kick(int number)
{
    (void)number;
    if (current_run)
        __atomic_store_n(&current_run->immediate_exit, 1, __ATOMIC_RELAXED);
}

static struct vcpu *running(struct kvm_keep *keep, unsigned id)
{
    struct vcpu *vcpu = __atomic_load_n(&keep->vcpus[id], __ATOMIC_ACQUIRE);
    return vcpu && __atomic_load_n(&vcpu->state, __ATOMIC_RELAXED) == VCPU_RUNNING ? vcpu : NULL;
}

static void on_alarm(int number)
{
    (void)number;
    int code = errno;
    struct kvm_keep *keep = served;
    bool again = false;
    for (unsigned id = 0; keep && id < CPUS_MAX; id++) {
        struct vcpu *vcpu = running(keep, id);
        if (!vcpu || (!vcpu->kicked && !vcpu->signalled))
            continue;
        vcpu_signal(vcpu);
        again = true;
    }
    if (again)
        repeat();
    errno = code;
}

/* Any thread of the Keep can take the signal; the first one that runs is told. */
static void on_request(int number)
{
    int code = errno;
    struct kvm_keep *keep = served;
    struct vcpu *vcpu = NULL;
    for (unsigned id = 0; keep && id < CPUS_MAX && !vcpu; id++)
        vcpu = running(keep, id);
    if (vcpu) {
        atomic_fetch_or(&keep->requests, 1u << number);
        vcpu->signalled = true;
        vcpu_signal(vcpu);
        repeat();
    }
    errno = code;
}

static void install(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(number, &action, NULL);
}

void signals_begin(struct kvm_keep *keep)
{
    served = keep;
    install(KICK_SIGNAL, on_kick);
    install(SIGALRM, on_alarm);
    install(SIGPIPE, SIG_IGN); /* a broken pipe is the Keep's affair */
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
        struct sigaction present;
        /* What we were told to ignore, as by nohup(1), the Keep does not hear of. */
        if (sigaction(forwarded[i], NULL, &present) == 0 && present.sa_handler != SIG_IGN)
            install(forwarded[i], on_request);
    }
}

void signals_end(void)
{
    served = NULL;
}

int signals_take(struct vcpu *vcpu)
{
    vcpu->signalled = false; /* before the look: a signal that comes now sets it again */
    unsigned waiting = vcpu->keep->requests;
    if (waiting == 0)
        return 0;
    int number = __builtin_ctz(waiting);
    if (atomic_fetch_and(&vcpu->keep->requests, ~(1u << number)) & ~(1u << number))
        vcpu->signalled = true;
    return number;
}
