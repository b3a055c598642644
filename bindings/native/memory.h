// An instance of the engine and its linear memory, one reservation of addresses.

#ifndef PODWIRE_MEMORY_H_
#define PODWIRE_MEMORY_H_

#include <setjmp.h>

#include "core.h"

/** Where a trap returns to, for the instance that runs on this thread; null: none does. */
extern _Thread_local sigjmp_buf *trap_return;
extern _Thread_local w2c_core *trap_instance;

/** Zeroed, with nothing instantiated; null where the addresses cannot be had. */
w2c_core *reserve_instance(void);
void release_instance(w2c_core *core);
/** Makes accesses beyond a memory's size traps; once a process is enough, more do no harm. */
void catch_traps(void);
const char *trap_name(int trap);

#endif
