// Linear memory of native instances: addresses reserved once, pages made usable as the memory grows, everything behind
// them out of bounds. An index is 32 bits and an offset 32 more, so 8 GiB of addresses make bounds checks superfluous.

#define _GNU_SOURCE
#include "memory.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 65536ull
#define HUGE (2ull << 20)
#define REACH (8ull << 30)
#define DATA (offsetof(w2c_core, w2c_memory) + offsetof(wasm_rt_memory_t, data))

// The bytes come behind all else that an instance has.
_Static_assert(offsetof(w2c_core, w2c_memory) + sizeof(wasm_rt_memory_t) == sizeof(w2c_core), "memory is not last");
_Static_assert(DATA % 4096 == 0 && DATA <= HUGE, "the instance has to fit before its memory");

_Thread_local sigjmp_buf *trap_return;
_Thread_local w2c_core *trap_instance;

/** The reservation begins a huge page early, so that the memory itself starts on one. */
static uint8_t *reservation(w2c_core *core) {
	return (uint8_t *)core + DATA - HUGE;
}

w2c_core *reserve_instance(void) {
	uint8_t *all = mmap(NULL, REACH + 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (all == MAP_FAILED) return NULL;
	uint8_t *start = (uint8_t *)(((uintptr_t)all + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	if (start > all) munmap(all, start - all);
	if (all + HUGE > start) munmap(start + HUGE + REACH, all + HUGE - start);
	w2c_core *core = (w2c_core *)(start + HUGE - DATA);
	if (mprotect(core, DATA, PROT_READ | PROT_WRITE) == 0) return core;
	munmap(start, HUGE + REACH);
	return NULL;
}

void release_instance(w2c_core *core) {
	munmap(reservation(core), HUGE + REACH);
}

bytes linear_memory(w2c_core *core) {
	return (bytes){core->w2c_memory.data, core->w2c_memory.size};
}

static bool usable(wasm_rt_memory_t *memory, uint64_t pages) {
	uint64_t bytes = (pages - memory->pages) * PAGE;
	if (bytes > 0 && mprotect(memory->data + memory->size, bytes, PROT_READ | PROT_WRITE) != 0) return false;
	memory->pages = pages;
	memory->size = pages * PAGE;
	return true;
}

void wasm_rt_allocate_memory(wasm_rt_memory_t *memory, uint64_t pages, uint64_t max_pages, bool is64, uint32_t page_size) {
	if (is64 || page_size != PAGE) wasm_rt_trap(WASM_RT_TRAP_OOB);
	// Tables are hashed into: with 4 KiB pages every look-up misses the TLB as well. Where the kernel refuses, it is only slower.
	madvise(memory->data, REACH, MADV_HUGEPAGE);
	memory->max_pages = max_pages;
	if (!usable(memory, pages)) wasm_rt_trap(WASM_RT_TRAP_OOB);
}

uint32_t wasm_rt_grow_memory(wasm_rt_memory_t *memory, uint64_t pages) {
	uint64_t before = memory->pages;
	if (before + pages > memory->max_pages || !usable(memory, before + pages)) return UINT32_MAX;
	return (uint32_t)before;
}

void wasm_rt_free_memory(wasm_rt_memory_t *memory) {
	(void)memory; // release_instance frees everything at once
}

void wasm_rt_trap(wasm_rt_trap_t trap) {
	siglongjmp(*trap_return, trap);
}

const char *trap_name(int trap) {
	switch (trap) {
		case WASM_RT_TRAP_OOB:
			return "memory access out of bounds";
		case WASM_RT_TRAP_INT_OVERFLOW:
			return "divide result unrepresentable";
		case WASM_RT_TRAP_DIV_BY_ZERO:
			return "divide by zero";
		case WASM_RT_TRAP_INVALID_CONVERSION:
			return "float unrepresentable in integer range";
		default:
			return "unreachable";
	}
}

static struct sigaction before_segv;
static struct sigaction before_bus;

static void out_of_bounds(void) {
	wasm_rt_trap(WASM_RT_TRAP_OOB);
}

/**
 * The trap is taken where the access was, once the handler has returned. A jump out of the handler would keep what the kernel
 * sets for its time: no access by any protection key but the first (PKRU), and V8 reads its code's constants by another.
 */
static void trap_at(mcontext_t *machine) {
#if defined(__x86_64__)
	// As a call leaves the stack, below the red zone.
	machine->gregs[REG_RSP] = ((machine->gregs[REG_RSP] - 128) & ~15ll) - 8;
	machine->gregs[REG_RIP] = (greg_t)out_of_bounds;
#elif defined(__aarch64__)
	machine->pc = (uintptr_t)out_of_bounds;
#else
#error "how a fault becomes a trap is known for x86_64 and aarch64"
#endif
}

static void on_fault(int signal, siginfo_t *info, void *context) {
	uint8_t *at = info->si_addr;
	if (trap_return != NULL && at >= reservation(trap_instance) && at < reservation(trap_instance) + HUGE + REACH) {
		trap_at(&((ucontext_t *)context)->uc_mcontext);
		return;
	}
	// Not ours: V8's own traps, or a crash.
	const struct sigaction *before = signal == SIGBUS ? &before_bus : &before_segv;
	if (before->sa_flags & SA_SIGINFO) {
		before->sa_sigaction(signal, info, context);
	} else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN) {
		before->sa_handler(signal);
	} else {
		sigaction(signal, before, NULL); // the access is repeated, and ends the process
	}
}

static void install(void) {
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
	sigemptyset(&action.sa_mask);
	sigaction(SIGSEGV, &action, &before_segv);
	sigaction(SIGBUS, &action, &before_bus);
}

void catch_traps(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, install);
}
