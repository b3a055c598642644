// Where the traps of an instance's memory go.

#ifndef PODWIRE_MEMORY_H_
#define PODWIRE_MEMORY_H_

#include <setjmp.h>

#include "calls.h"
#include "core.h"

/** Where a trap returns to, for the instance that runs on this thread; null: none does. */
extern _Thread_local sigjmp_buf *trap_return;
extern _Thread_local w2c_core *trap_instance;

#endif
