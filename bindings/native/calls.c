// Every export of the engine as a call that a trap ends. `exports.h` is written by the build, a line an export.

#include "memory.h"

#define ARG_i32(i) , words[i].i32
#define ARG_i64(i) , words[i].i64
#define ARG_f64(i) , words[i].f64
#define RESULT_void(call) call
#define RESULT_i32(call) words[0].i32 = call
#define RESULT_i64(call) words[0].i64 = call
#define RESULT_f64(call) words[0].f64 = call

#define RUN(core, call)                         \
	sigjmp_buf here;                             \
	sigjmp_buf *outer = trap_return;             \
	w2c_core *outer_instance = trap_instance;    \
	int trap = sigsetjmp(here, 0);               \
	if (trap == 0) {                             \
		trap_return = &here;                      \
		trap_instance = core;                     \
		call;                                     \
	}                                            \
	trap_return = outer;                         \
	trap_instance = outer_instance;              \
	return trap

int run_start(w2c_core *core) {
	RUN(core, wasm2c_core_instantiate(core));
}

#define EXPORT(name, type, count, arguments)                   \
	int run_##name(w2c_core *core, word *words) {               \
		(void)words;                                             \
		RUN(core, RESULT_##type(w2c_core_##name(core arguments))); \
	}
#include "exports.h"
