// The runtime that code translated by wasm2c expects, as far as the engine uses it: one linear memory, no tables, no
// imports. The memory lies directly behind the instance's globals, so that the address of a byte is that of the
// instance plus a constant plus an index, and no base pointer is ever loaded. Names are wasm2c's.

#ifndef WASM_RT_H_
#define WASM_RT_H_

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#define WASM_RT_MEMCHECK_GUARD_PAGES 1
#define WASM_RT_STACK_DEPTH_COUNT 0
#define WASM_RT_USE_SEGUE 0
#define WABT_BIG_ENDIAN 0

#define wasm_rt_memcpy memcpy

typedef enum {
	WASM_RT_TRAP_NONE,
	WASM_RT_TRAP_OOB,
	WASM_RT_TRAP_INT_OVERFLOW,
	WASM_RT_TRAP_DIV_BY_ZERO,
	WASM_RT_TRAP_INVALID_CONVERSION,
	WASM_RT_TRAP_UNREACHABLE,
} wasm_rt_trap_t;

typedef enum {
	WASM_RT_I32,
	WASM_RT_I64,
	WASM_RT_F32,
	WASM_RT_F64,
	WASM_RT_V128,
} wasm_rt_type_t;

/** Size in bytes and pages, then the bytes themselves: 4 GiB of addresses of which `size` bytes can be used. */
typedef struct {
	uint64_t size;
	uint64_t pages;
	uint64_t max_pages;
	_Alignas(4096) uint8_t data[];
} wasm_rt_memory_t;

// Only named by code that a module without tables never calls.
typedef const char *wasm_rt_func_type_t;
typedef void (*wasm_rt_function_ptr_t)(void);
typedef struct {
	wasm_rt_function_ptr_t fn;
} wasm_rt_tailcallee_t;
typedef struct {
	wasm_rt_func_type_t func_type;
	wasm_rt_function_ptr_t func;
	wasm_rt_tailcallee_t func_tailcallee;
	void *module_instance;
} wasm_rt_funcref_t;
typedef void *wasm_rt_externref_t;
typedef struct {
	wasm_rt_funcref_t *data;
	uint32_t size;
} wasm_rt_funcref_table_t;
typedef struct {
	wasm_rt_externref_t *data;
	uint32_t size;
} wasm_rt_externref_table_t;
static const wasm_rt_funcref_t wasm_rt_funcref_null_value;
static const wasm_rt_externref_t wasm_rt_externref_null_value;

static inline bool wasm_rt_is_initialized(void) {
	return true;
}

/** Leaves the call that is running; it throws in JavaScript. */
_Noreturn void wasm_rt_trap(wasm_rt_trap_t trap);
void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint64_t pages, uint64_t max_pages, bool is64, uint32_t page_size);
/** Pages before; UINT32_MAX where the maximum or the machine's memory is reached. */
uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint64_t pages);
void wasm_rt_free_memory(wasm_rt_memory_t *memory);

#endif
