/* SPDX-License-Identifier: Apache-2.0 */
#include "wick/compile/lower.h"
void lower_vector(struct lower *l, uint32_t value){ (void)value; arena_give_up(l->machine->arena);}
