// What the addon asks of the engine. Traps are jumps: none leaves these functions, so none passes over C++ objects.

#ifndef PODWIRE_CALLS_H_
#define PODWIRE_CALLS_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct w2c_core w2c_core;

/** An argument or result, of the type that the export has. */
typedef union {
	uint32_t i32;
	uint64_t i64;
	double f64;
} word;

typedef struct {
	uint8_t *data;
	uint64_t size;
} bytes;

/** Zeroed, with nothing instantiated; null where the addresses cannot be had. */
w2c_core *reserve_instance(void);
void release_instance(w2c_core *core);
/** The linear memory as large as it is now; it never moves. */
bytes linear_memory(w2c_core *core);
/** Makes accesses beyond a memory's size traps; once a process is enough, more do no harm. */
void catch_traps(void);
const char *trap_name(int trap);

// 0, or the trap that ended it.

int run_start(w2c_core *core);
/** `words` has the arguments, then the result in `words[0]`. */
#define EXPORT(name, type, count, arguments) int run_##name(w2c_core *core, word *words);
#include "exports.h"
#undef EXPORT

#ifdef __cplusplus
}
#endif

#endif
