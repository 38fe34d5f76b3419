/* SPDX-License-Identifier: Apache-2.0 */
/* What the processors of a Keep on kvm say of themselves (Intel SDM volume 2A, CPUID). Host side.
 */
#pragma once

#include <linux/kvm.h>
#include <stdint.h>

/*
 * What a Keep's processors can do, less extended state that exec may not use (EXTENDED_STATE).
 * Answers an owned table for KVM_SET_CPUID2 in *out. `device` is /dev/kvm. 0 or -errno.
 */
int cpuid_read(int device, struct kvm_cpuid2 **out);

/* NULL if the table has no such leaf. */
const struct kvm_cpuid_entry2 *cpuid_find(const struct kvm_cpuid2 *cpuid, uint32_t leaf,
                                          uint32_t index);
