#include "wick/compile/x86_64/emit.h"
void emit_vector(struct emit *e, const struct machine_ins *ins){ (void)ins; arena_give_up(e->code.arena);}
