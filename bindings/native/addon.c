// The engine as a Node-API addon: `instantiate()` gives an object like the exports of `core.wasm`, `source` is the
// SHA-256 of the module it was translated from. `exports.h` is written by the build, a line an export.

#include <node_api.h>
#include <stdlib.h>

#include "memory.h"

/** What functions and buffers of one instance share; freed with the last of them. */
typedef struct {
	w2c_core *core;
	/** `memory` of the exports, weakly. */
	napi_ref memory;
	/** Bytes that `memory.buffer` shows. */
	uint64_t shown;
	uint32_t users;
} instance;

static void drop(napi_env env, void *data, void *hint) {
	(void)hint;
	instance *in = hint;
	if (--in->users > 0) return;
	if (in->memory != NULL) napi_delete_reference(env, in->memory);
	release_instance(in->core);
	free(in);
	(void)data;
}

/** Makes `memory.buffer` an ArrayBuffer over the memory as large as it is now; detaches the one before, as `memory.grow` does. */
static void show(napi_env env, instance *in, napi_value memory) {
	wasm_rt_memory_t *linear = &in->core->w2c_memory;
	napi_value buffer;
	bool old = false;
	napi_has_named_property(env, memory, "buffer", &old);
	if (old && napi_get_named_property(env, memory, "buffer", &buffer) == napi_ok) napi_detach_arraybuffer(env, buffer);
	if (napi_create_external_arraybuffer(env, linear->data, linear->size, drop, in, &buffer) != napi_ok) return;
	in->users++;
	in->shown = linear->size;
	napi_set_named_property(env, memory, "buffer", buffer);
}

static void show_grown(napi_env env, instance *in) {
	napi_value memory = NULL;
	if (napi_get_reference_value(env, in->memory, &memory) == napi_ok && memory != NULL) show(env, in, memory);
}

static napi_value throw_trap(napi_env env, int trap) {
	napi_throw_error(env, "ERR_PODWIRE_TRAP", trap_name(trap));
	return NULL;
}

// Numbers cross as they do for Wasm: i32 modulo 2^32, i64 as BigInt modulo 2^64.

static uint32_t to_i32(napi_env env, napi_value value) {
	int32_t number = 0;
	napi_value coerced;
	if (napi_get_value_int32(env, value, &number) == napi_ok) return (uint32_t)number;
	if (napi_coerce_to_number(env, value, &coerced) == napi_ok) napi_get_value_int32(env, coerced, &number);
	return (uint32_t)number;
}

static uint64_t to_i64(napi_env env, napi_value value) {
	int64_t number = 0;
	bool lossless;
	if (napi_get_value_bigint_int64(env, value, &number, &lossless) != napi_ok) {
		napi_throw_type_error(env, NULL, "a 64-bit argument is a BigInt");
	}
	return (uint64_t)number;
}

__attribute__((unused)) static double to_f64(napi_env env, napi_value value) {
	double number = 0;
	napi_value coerced;
	if (napi_coerce_to_number(env, value, &coerced) == napi_ok) napi_get_value_double(env, coerced, &number);
	return number;
}

#define ARG_f64(i) , to_f64(env, argv[i])
#define ARG_i32(i) , to_i32(env, argv[i])
#define ARG_i64(i) , to_i64(env, argv[i])
#define RESULT_void(call) call
#define RESULT_i32(call) napi_create_int32(env, (int32_t)(call), &result)
#define RESULT_f64(call) napi_create_double(env, call, &result)
#define RESULT_i64(call) napi_create_bigint_int64(env, (int64_t)(call), &result)

#define EXPORT(name, type, count, arguments)                                        \
	static napi_value call_##name(napi_env env, napi_callback_info info) {           \
		size_t argc = count;                                                          \
		napi_value argv[count + 1];                                                   \
		instance *in;                                                                 \
		napi_value result = NULL;                                                     \
		if (napi_get_cb_info(env, info, &argc, argv, NULL, (void **)&in) != napi_ok) return NULL; \
		sigjmp_buf here;                                                              \
		sigjmp_buf *outer = trap_return;                                              \
		w2c_core *outer_core = trap_instance;                                         \
		int trap = sigsetjmp(here, 0);                                                \
		if (trap == 0) {                                                              \
			trap_return = &here;                                                       \
			trap_instance = in->core;                                                  \
			RESULT_##type(w2c_core_##name(in->core arguments));                        \
		}                                                                             \
		trap_return = outer;                                                          \
		trap_instance = outer_core;                                                   \
		if (in->core->w2c_memory.size != in->shown) show_grown(env, in);              \
		return trap == 0 ? result : throw_trap(env, trap);                            \
	}
#include "exports.h"
#undef EXPORT

static const struct {
	const char *name;
	napi_callback call;
} EXPORTS[] = {
#define EXPORT(name, type, count, arguments) {#name, call_##name},
#include "exports.h"
#undef EXPORT
};

static int start(w2c_core *core) {
	sigjmp_buf here;
	int trap = sigsetjmp(here, 0);
	if (trap == 0) {
		trap_return = &here;
		trap_instance = core;
		wasm2c_core_instantiate(core);
	}
	trap_return = NULL;
	trap_instance = NULL;
	return trap;
}

static napi_value instantiate(napi_env env, napi_callback_info info) {
	(void)info;
	instance *in = calloc(1, sizeof *in);
	if (in != NULL) in->core = reserve_instance();
	if (in == NULL || in->core == NULL) {
		free(in);
		napi_throw_error(env, "ERR_PODWIRE_MEMORY", "no addresses left for the engine's memory");
		return NULL;
	}
	int trap = start(in->core);
	if (trap != 0) {
		release_instance(in->core);
		free(in);
		return throw_trap(env, trap);
	}
	napi_value exports, memory;
	napi_create_object(env, &exports);
	napi_create_object(env, &memory);
	napi_create_reference(env, memory, 0, &in->memory);
	show(env, in, memory);
	napi_set_named_property(env, exports, "memory", memory);
	for (size_t i = 0; i < sizeof EXPORTS / sizeof *EXPORTS; i++) {
		napi_value function;
		napi_create_function(env, EXPORTS[i].name, NAPI_AUTO_LENGTH, EXPORTS[i].call, in, &function);
		napi_add_finalizer(env, function, in, drop, in, NULL);
		in->users++;
		napi_set_named_property(env, exports, EXPORTS[i].name, function);
	}
	return exports;
}

NAPI_MODULE_INIT() {
	catch_traps();
	napi_value function, source;
	napi_create_function(env, "instantiate", NAPI_AUTO_LENGTH, instantiate, NULL, &function);
	napi_set_named_property(env, exports, "instantiate", function);
	napi_create_string_utf8(env, CORE_SHA256, NAPI_AUTO_LENGTH, &source);
	napi_set_named_property(env, exports, "source", source);
	return exports;
}
