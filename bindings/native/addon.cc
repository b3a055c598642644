// The engine as a Node-API addon: `instantiate()` gives an object like the exports of `core.wasm`, `source` is the
// SHA-256 of the module it was translated from. `exports.h` is written by the build, a line an export.

#include <napi.h>

#include <memory>

#include "calls.h"

namespace {

/** Shared by the functions and buffers of one instance: their finalizers own it, the last frees it. */
struct Instance : std::enable_shared_from_this<Instance> {
	w2c_core *core = reserve_instance();
	/** `memory` of the exports, weakly. */
	Napi::ObjectReference memory;
	/** Bytes that `memory.buffer` shows. */
	uint64_t shown = 0;

	~Instance() {
		if (core != nullptr) release_instance(core);
	}

	bool grown() const {
		return linear_memory(core).size != shown;
	}

	/** Makes `memory.buffer` an ArrayBuffer over the memory as large as it is now; detaches the one before, as `memory.grow` does. */
	void show() {
		Napi::Object object = memory.Value();
		if (object.IsEmpty()) return;
		Napi::Value before = object.Get("buffer");
		if (before.IsArrayBuffer()) before.As<Napi::ArrayBuffer>().Detach();
		bytes linear = linear_memory(core);
		auto release = [kept = shared_from_this()](Napi::Env, void *) {};
		object.Set("buffer", Napi::ArrayBuffer::New(object.Env(), linear.data, linear.size, release));
		shown = linear.size;
	}
};

Napi::Error error(Napi::Env env, const char *code, const char *message) {
	Napi::Error thrown = Napi::Error::New(env, message);
	thrown.Set("code", code);
	return thrown;
}

Napi::Error trapped(Napi::Env env, int trap) {
	return error(env, "ERR_PODWIRE_TRAP", trap_name(trap));
}

// Numbers cross as they do for Wasm: i32 modulo 2^32, i64 as BigInt modulo 2^64. What is of the right type already is read
// without being asked for its type first.

uint32_t i32_of(Napi::Value value) {
	int32_t number;
	if (napi_get_value_int32(value.Env(), value, &number) != napi_ok) number = value.ToNumber().Int32Value();
	return static_cast<uint32_t>(number);
}

uint64_t i64_of(Napi::Value value) {
	int64_t number;
	bool lossless;
	if (napi_get_value_bigint_int64(value.Env(), value, &number, &lossless) != napi_ok) {
		throw Napi::TypeError::New(value.Env(), "a 64-bit argument is a BigInt");
	}
	return static_cast<uint64_t>(number);
}

[[maybe_unused]] double f64_of(Napi::Value value) {
	return value.ToNumber().DoubleValue();
}

using Run = int(w2c_core *, word *);

void run(const Napi::CallbackInfo &info, Run *exported, word *words) {
	Instance *in = static_cast<Instance *>(info.Data());
	int trap = exported(in->core, words);
	if (in->grown()) in->show();
	if (trap != 0) throw trapped(info.Env(), trap);
}

#define ARG_i32(i) words[i].i32 = i32_of(info[i]);
#define ARG_i64(i) words[i].i64 = i64_of(info[i]);
#define ARG_f64(i) words[i].f64 = f64_of(info[i]);
#define RESULT_void info.Env().Undefined()
#define RESULT_i32 Napi::Number::New(info.Env(), static_cast<int32_t>(words[0].i32))
#define RESULT_i64 Napi::BigInt::New(info.Env(), static_cast<int64_t>(words[0].i64))
#define RESULT_f64 Napi::Number::New(info.Env(), words[0].f64)

#define EXPORT(name, type, count, arguments)                \
	Napi::Value call_##name(const Napi::CallbackInfo &info) { \
		word words[count + 1];                                 \
		arguments;                                             \
		run(info, run_##name, words);                          \
		return RESULT_##type;                                  \
	}
#include "exports.h"
#undef EXPORT

template <Napi::Function::Callback call>
void add(Napi::Object exports, const char *name, const std::shared_ptr<Instance> &in) {
	Napi::Function function = Napi::Function::New<call>(exports.Env(), name, in.get());
	function.AddFinalizer([kept = in](Napi::Env, Instance *) {}, in.get());
	exports.Set(name, function);
}

Napi::Value instantiate(const Napi::CallbackInfo &info) {
	Napi::Env env = info.Env();
	auto in = std::make_shared<Instance>();
	if (in->core == nullptr) throw error(env, "ERR_PODWIRE_MEMORY", "no addresses left for the engine's memory");
	int trap = run_start(in->core);
	if (trap != 0) throw trapped(env, trap);
	Napi::Object exports = Napi::Object::New(env);
	Napi::Object memory = Napi::Object::New(env);
	in->memory = Napi::Weak(memory);
	in->show();
	exports.Set("memory", memory);
#define EXPORT(name, type, count, arguments) add<call_##name>(exports, #name, in);
#include "exports.h"
#undef EXPORT
	return exports;
}

Napi::Object load(Napi::Env env, Napi::Object exports) {
	catch_traps();
	exports.Set("instantiate", Napi::Function::New<instantiate>(env, "instantiate"));
	exports.Set("source", CORE_SHA256);
	exports.Set("build", CORE_BUILD);
	return exports;
}

} // namespace

NODE_API_MODULE(core, load)
