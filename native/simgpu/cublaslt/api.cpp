// The simulated cuBLASLt: column-major products with epilogues, summed in float.
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <unordered_set>
#include <vector>

#include "../core/call.h"
#include "../core/memory.h"
#include "../core/streams.h"
#include "../math/buffer.h"
#include "../math/gemm.h"
#include "../math/parallel.h"
#include "../math/types.h"

using namespace simgpu;

namespace {

enum Status : int {
    kOk = 0, kUninitialized = 1, kAllocationFailed = 3, kInvalid = 7, kFailed = 13, kUnsupported = 15,
};

constexpr int kCompute32F = 68, kCompute32FPedantic = 69, kComputeFast16F = 74, kComputeFast16BF = 75,
              kComputeFastTF32 = 77;
enum Epilogue : int { kDefault = 1, kRelu = 2, kBias = 4, kReluBias = 6, kBiasGradientA = 256, kBiasGradientB = 512 };

struct Handle {
    Context* context;
};

struct MatmulDescriptor {
    int compute = 0, scale = 0, transpose_a = 0, transpose_b = 0, epilogue = kDefault, pointer_mode = 0;
    int bias_type = -1;
    void* bias = nullptr;
};

struct Layout {
    int type;
    std::int64_t rows, columns, leading;
};

struct Preference {
    std::uint64_t workspace = 0;
};

struct Algorithm {  // cublasLtMatmulAlgo_t, 64 bytes
    std::uint64_t magic, index, workspace, unused[5];
};
constexpr std::uint64_t kMagic = 0x73696d6770750001ULL;

struct HeuristicResult {  // cublasLtMatmulHeuristicResult_t, 96 bytes
    Algorithm algorithm;
    std::size_t workspace;
    int state;
    float waves;
    int reserved[4];
};
static_assert(sizeof(Algorithm) == 64 && sizeof(HeuristicResult) == 96);

template <typename T>
std::unordered_set<const T*>& all() {
    static auto* objects = new std::unordered_set<const T*>;
    return *objects;
}

template <typename T>
bool alive(const T* object) {
    return all<T>().count(object) != 0;
}

template <typename T>
int destroy(T* object, const char* kind) {
    if (!alive(object)) {
        complain("%p is no live %s", static_cast<const void*>(object), kind);
        return kInvalid;
    }
    all<T>().erase(object);
    count_live(kind, -1);
    delete object;
    return kOk;
}

template <typename T>
T* add(T* object, const char* kind) {
    all<T>().insert(object);
    count_live(kind, 1);
    return object;
}

[[gnu::format(printf, 2, 3)]] int deny(int status, const char* text, ...) {
    char message[400];
    va_list arguments;
    va_start(arguments, text);
    std::vsnprintf(message, sizeof message, text, arguments);
    va_end(arguments);
    refuse("%s", message);
    if (status == kInvalid) {
        complain("%s", message);
    }
    return status;
}

bool known_type(int type, DataType& result) {
    switch (type) {  // cudaDataType_t
        case 0: result = DataType::float32; return true;
        case 2: result = DataType::float16; return true;
        case 14: result = DataType::bfloat16; return true;
        default: return false;
    }
}

struct Product {
    std::int64_t m, n, k;
    DataType in, c, d, bias;
};

std::int64_t layout_bytes(const Layout& layout, DataType type) {
    return ((layout.columns - 1) * layout.leading + layout.rows) * static_cast<std::int64_t>(element_bytes(type));
}

/// Sizes and types, per the table of supported types on the page of cublasLtMatmul in NVIDIA's cuBLAS documentation.
int check_product(const MatmulDescriptor& descriptor, const Layout& a, const Layout& b, const Layout& c,
                  const Layout& d, Product& product) {
    DataType other;
    if (!known_type(a.type, product.in) || !known_type(b.type, other) || !known_type(c.type, product.c) ||
        !known_type(d.type, product.d)) {
        return deny(kUnsupported, "types A %d, B %d, C %d, D %d", a.type, b.type, c.type, d.type);
    }
    const bool transpose_a = descriptor.transpose_a != 0, transpose_b = descriptor.transpose_b != 0;
    product.m = transpose_a ? a.columns : a.rows;
    product.k = transpose_a ? a.rows : a.columns;
    product.n = transpose_b ? b.rows : b.columns;
    if ((transpose_b ? b.columns : b.rows) != product.k || d.rows != product.m || d.columns != product.n ||
        c.rows != d.rows || c.columns != d.columns) {
        return deny(kInvalid, "op(A) %lld x %lld, op(B) %lld x %lld, D %lld x %lld",
                    static_cast<long long>(product.m), static_cast<long long>(product.k),
                    static_cast<long long>(transpose_b ? b.columns : b.rows), static_cast<long long>(product.n),
                    static_cast<long long>(d.rows), static_cast<long long>(d.columns));
    }
    const bool output_fits = product.d == product.in || product.d == DataType::float32;
    if (other != product.in || product.c != product.d || !output_fits || descriptor.scale != 0) {
        return deny(kUnsupported, "A %s, B %s, C %s, D %s with scale type %d", type_name(product.in), type_name(other),
                    type_name(product.c), type_name(product.d), descriptor.scale);
    }
    switch (descriptor.compute) {
        case kCompute32F: case kCompute32FPedantic: break;
        case kComputeFast16F: case kComputeFast16BF: case kComputeFastTF32:
            if (product.in == DataType::float32) {
                break;
            }
            [[fallthrough]];
        default: return deny(kUnsupported, "compute type %d with %s operands", descriptor.compute, type_name(product.in));
    }
    product.bias = product.d;
    // cublasLtMatmulDescAttributes_t, BIAS_DATA_TYPE: that of D, other types for FP8 operands alone.
    if (descriptor.bias_type >= 0 &&
        (!known_type(descriptor.bias_type, product.bias) || product.bias != product.d)) {
        return deny(kUnsupported, "bias type %d for D %s", descriptor.bias_type, type_name(product.d));
    }
    switch (descriptor.epilogue) {
        case kDefault: case kRelu: case kBias: case kReluBias: case kBiasGradientA: case kBiasGradientB: return kOk;
        default: return deny(kUnsupported, "epilogue %d is not simulated", descriptor.epilogue);
    }
}

/// Column after column, as consecutive floats, rounded as the compute type rounds operands.
std::shared_ptr<float> read(const Layout& layout, DataType type, const void* memory, int compute) {
    auto values = take_buffer(static_cast<std::size_t>(layout.rows * layout.columns));
    for (std::int64_t j = 0; j < layout.columns; ++j) {
        load_elements(type, static_cast<const char*>(memory) +
                          j * layout.leading * static_cast<std::int64_t>(element_bytes(type)),
                      1, layout.rows, values.get() + j * layout.rows);
    }
    const std::int64_t count = layout.rows * layout.columns;
    float* v = values.get();
    if (compute == kComputeFastTF32) {
        std::transform(v, v + count, v, round_tf32);
    } else if (compute == kComputeFast16BF || compute == kComputeFast16F) {
        const DataType to = compute == kComputeFast16F ? DataType::float16 : DataType::bfloat16;
        std::transform(v, v + count, v, [to](float value) { return round_to(to, value); });
    }
    return values;
}

struct Operands {
    const void *a, *b, *c;
    void* d;
    Layout la, lb, lc, ld;
    float alpha, beta;
};

void multiply(const MatmulDescriptor& descriptor, const Product& p, const Operands& o) {
    const auto a = read(o.la, p.in, o.a, descriptor.compute);
    const auto b = read(o.lb, p.in, o.b, descriptor.compute);
    // Columns of D are rows of its transpose: D^T = op(B)^T op(A)^T.
    const Matrix left = descriptor.transpose_b != 0 ? Matrix{b.get(), 1, o.lb.rows} : Matrix{b.get(), o.lb.rows, 1};
    const Matrix right = descriptor.transpose_a != 0 ? Matrix{a.get(), 1, o.la.rows} : Matrix{a.get(), o.la.rows, 1};
    auto result = take_buffer(static_cast<std::size_t>(p.m * p.n));
    const std::int64_t step = std::max<std::int64_t>(16, (p.n + 7) / 8);
    parallel_for((p.n + step - 1) / step, [&](std::int64_t part) {
        const std::int64_t first = part * step;
        gemm(std::min(step, p.n - first), p.m, p.k, {left.data + first * left.row, left.row, left.column}, right,
             result.get() + first * p.m, p.m, false);
    });
    std::shared_ptr<float> before;
    if (o.beta != 0) {
        before = read(o.lc, p.c, o.c, kCompute32F);
    }
    std::shared_ptr<float> bias;
    if (descriptor.epilogue == kBias || descriptor.epilogue == kReluBias) {
        bias = take_buffer(static_cast<std::size_t>(p.m));
        load_elements(p.bias, descriptor.bias, 1, p.m, bias.get());
    }
    const bool relu = descriptor.epilogue == kRelu || descriptor.epilogue == kReluBias;
    for (std::int64_t j = 0; j < p.n; ++j) {
        float* column = result.get() + j * p.m;
        for (std::int64_t i = 0; i < p.m; ++i) {
            float value = o.alpha * column[i] + (before == nullptr ? 0.0f : o.beta * before.get()[j * p.m + i]);
            value += bias == nullptr ? 0.0f : bias.get()[i];
            column[i] = relu && value < 0 ? 0.0f : value;
        }
        store_elements(p.d, column, p.m,
                       static_cast<char*>(o.d) + j * o.ld.leading * static_cast<std::int64_t>(element_bytes(p.d)), 1);
    }
    if (descriptor.epilogue == kBiasGradientA || descriptor.epilogue == kBiasGradientB) {
        const bool of_a = descriptor.epilogue == kBiasGradientA;
        const Matrix from = of_a ? right : left;  // (k, m) or (n, k)
        std::vector<float> sums(static_cast<std::size_t>(of_a ? p.m : p.n));
        for (std::size_t i = 0; i < sums.size(); ++i) {
            double sum = 0;
            for (std::int64_t l = 0; l < p.k; ++l) {
                const auto at = static_cast<std::int64_t>(i);
                sum += of_a ? from.data[l * from.row + at * from.column] : from.data[at * from.row + l * from.column];
            }
            sums[i] = static_cast<float>(sum);
        }
        store_elements(p.bias, sums.data(), static_cast<std::int64_t>(sums.size()), descriptor.bias, 1);
    }
}

}  // namespace

SIM_EXPORT std::size_t cublasLtGetVersion() {
    Call call("cublasLtGetVersion");
    return 120604;
}

SIM_EXPORT int cublasLtCreate(Handle** result) {
    SIM_CALL(int, cublasLtCreate)
    Context* context = current_context();
    if (context == nullptr || context->sticky != 0) {
        return deny(kUninitialized, context == nullptr ? "no context is current" : "the context is lost");
    }
    *result = add(new Handle{context}, "cublaslt.handle");
    return kOk;
}

SIM_EXPORT int cublasLtDestroy(Handle* handle) {
    SIM_RELEASE(cublasLtDestroy)
    return sim_call.after(destroy(handle, "cublaslt.handle"));
}

SIM_EXPORT int cublasLtMatmulDescCreate(MatmulDescriptor** result, int compute, int scale) {
    SIM_CALL(int, cublasLtMatmulDescCreate)
    auto* made = new MatmulDescriptor;
    made->compute = compute;
    made->scale = scale;
    *result = add(made, "cublaslt.matmul-descriptor");
    return kOk;
}

SIM_EXPORT int cublasLtMatmulDescDestroy(MatmulDescriptor* descriptor) {
    SIM_RELEASE(cublasLtMatmulDescDestroy)
    return sim_call.after(destroy(descriptor, "cublaslt.matmul-descriptor"));
}

SIM_EXPORT int cublasLtMatmulDescSetAttribute(MatmulDescriptor* descriptor, int attribute, const void* value,
                                              std::size_t bytes) {
    SIM_CALL(int, cublasLtMatmulDescSetAttribute)
    if (!alive(descriptor)) {
        return deny(kInvalid, "%p is no live descriptor", static_cast<void*>(descriptor));
    }
    const auto set = [&](auto& field) {
        if (bytes != sizeof field || value == nullptr) {
            return deny(kInvalid, "attribute %d has %zu bytes, not %zu", attribute, sizeof field, bytes);
        }
        std::memcpy(&field, value, bytes);
        return static_cast<int>(kOk);
    };
    switch (attribute) {
        case 0: return set(descriptor->compute);
        case 1: return set(descriptor->scale);
        case 2: return set(descriptor->pointer_mode);
        case 3: return set(descriptor->transpose_a);
        case 4: return set(descriptor->transpose_b);
        case 7: return set(descriptor->epilogue);
        case 8: return set(descriptor->bias);
        case 26: return set(descriptor->bias_type);
        default: return deny(kInvalid, "attribute %d is not simulated", attribute);
    }
}

SIM_EXPORT int cublasLtMatrixLayoutCreate(Layout** result, int type, std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t leading) {
    SIM_CALL(int, cublasLtMatrixLayoutCreate)
    if (rows == 0 || columns == 0 || leading < static_cast<std::int64_t>(rows)) {
        return deny(kInvalid, "%llu x %llu with leading dimension %lld", static_cast<unsigned long long>(rows),
                    static_cast<unsigned long long>(columns), static_cast<long long>(leading));
    }
    *result = add(new Layout{type, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(columns), leading},
                  "cublaslt.layout");
    return kOk;
}

SIM_EXPORT int cublasLtMatrixLayoutDestroy(Layout* layout) {
    SIM_RELEASE(cublasLtMatrixLayoutDestroy)
    return sim_call.after(destroy(layout, "cublaslt.layout"));
}

SIM_EXPORT int cublasLtMatmulPreferenceCreate(Preference** result) {
    SIM_CALL(int, cublasLtMatmulPreferenceCreate)
    *result = add(new Preference, "cublaslt.preference");
    return kOk;
}

SIM_EXPORT int cublasLtMatmulPreferenceDestroy(Preference* preference) {
    SIM_RELEASE(cublasLtMatmulPreferenceDestroy)
    return sim_call.after(destroy(preference, "cublaslt.preference"));
}

SIM_EXPORT int cublasLtMatmulPreferenceSetAttribute(Preference* preference, int attribute, const void* value,
                                                    std::size_t bytes) {
    SIM_CALL(int, cublasLtMatmulPreferenceSetAttribute)
    if (!alive(preference) || value == nullptr) {
        return deny(kInvalid, "%p is no live preference", static_cast<void*>(preference));
    }
    if (attribute == 1 && bytes == 8) {
        std::memcpy(&preference->workspace, value, 8);
        return kOk;
    }
    const bool ignored = (attribute == 0 || attribute == 3 || (attribute >= 5 && attribute <= 8)) && bytes == 4;
    return ignored ? kOk : deny(kInvalid, "attribute %d of %zu bytes is not simulated", attribute, bytes);
}

SIM_EXPORT int cublasLtMatmulAlgoGetHeuristic(Handle* handle, MatmulDescriptor* descriptor, Layout* a, Layout* b,
                                              Layout* c, Layout* d, Preference* preference, int requested,
                                              HeuristicResult* results, int* returned) {
    SIM_CALL(int, cublasLtMatmulAlgoGetHeuristic)
    if (!alive(handle) || !alive(descriptor) || !alive(a) || !alive(b) || !alive(c) || !alive(d) ||
        !alive(preference) || requested < 1 || results == nullptr || returned == nullptr) {
        return deny(kInvalid, "a handle, descriptor or layout is not alive, or no result was asked for");
    }
    *returned = 0;
    Product product{};
    if (const int bad = check_product(*descriptor, *a, *b, *c, *d, product)) {
        return bad;
    }
    if (settings().heuristics == Settings::Heuristics::nothing) {
        return deny(kUnsupported, "the script made heuristics find nothing");
    }
    const auto split = static_cast<std::uint64_t>(product.m * product.n) * 8;
    for (std::uint64_t index = 0; index < 2 && *returned < requested; ++index) {
        const std::uint64_t workspace = index == 0 ? 0 : split;
        if (workspace > preference->workspace) {
            continue;
        }
        HeuristicResult& result = results[(*returned)++];
        std::memset(&result, 0, sizeof result);
        const bool garbage = settings().heuristics == Settings::Heuristics::garbage;
        result.algorithm.magic = garbage ? 0 : kMagic;
        result.algorithm.index = index;
        result.algorithm.workspace = workspace;
        result.workspace = workspace;
        result.waves = 1;
    }
    return kOk;
}

SIM_EXPORT int cublasLtMatmul(Handle* handle, MatmulDescriptor* descriptor, const float* alpha, const void* a,
                              Layout* a_layout, const void* b, Layout* b_layout, const float* beta, const void* c,
                              Layout* c_layout, void* d, Layout* d_layout, const Algorithm* algorithm, void* workspace,
                              std::size_t workspace_bytes, void* where) {
    SIM_CALL(int, cublasLtMatmul)
    if (!alive(handle) || !alive(descriptor) || !alive(a_layout) || !alive(b_layout) || !alive(c_layout) ||
        !alive(d_layout) || alpha == nullptr || beta == nullptr || descriptor->pointer_mode != 0) {
        return deny(kInvalid, "a handle, descriptor or layout is not alive, or alpha and beta are not on the host");
    }
    Product product{};
    if (const int bad = check_product(*descriptor, *a_layout, *b_layout, *c_layout, *d_layout, product)) {
        return bad;
    }
    if (algorithm != nullptr && algorithm->magic != kMagic) {
        return deny(kUnsupported, "the algorithm is none of the heuristics");
    }
    const std::size_t needed = algorithm == nullptr ? 0 : algorithm->workspace;
    if (needed > workspace_bytes) {
        return deny(kInvalid, "a workspace of %zu bytes, the algorithm needs %zu", workspace_bytes, needed);
    }
    struct Part {
        const char* name;
        const void* pointer;
        std::int64_t bytes;
    };
    std::vector<Part> parts = {{"A", a, layout_bytes(*a_layout, product.in)},
                               {"B", b, layout_bytes(*b_layout, product.in)},
                               {"D", d, layout_bytes(*d_layout, product.d)}};
    if (*beta != 0) {
        parts.push_back({"C", c, layout_bytes(*c_layout, product.c)});
    }
    if (descriptor->epilogue == kBias || descriptor->epilogue == kReluBias || descriptor->epilogue >= kBiasGradientA) {
        const std::int64_t length = descriptor->epilogue == kBiasGradientB ? product.n : product.m;
        parts.push_back({"bias", descriptor->bias, length * static_cast<std::int64_t>(element_bytes(product.bias))});
    }
    if (needed > 0) {
        parts.push_back({"workspace", workspace, static_cast<std::int64_t>(needed)});
    }
    for (const Part& part : parts) {
        const std::string wrong = check_access(part.pointer, static_cast<std::size_t>(part.bytes),
                                               part.name[0] == 'w' ? 16 : element_bytes(product.in));
        if (!wrong.empty()) {
            return deny(kInvalid, "%s: %s", part.name, wrong.c_str());
        }
    }
    Stream* stream = resolve_stream(where);
    if (stream == nullptr || stream->context != handle->context) {
        return deny(kInvalid, "%p is no live stream of the context of the handle", where);
    }
    const Operands operands{a, b, c, d, *a_layout, *b_layout, *c_layout, *d_layout, *alpha, *beta};
    const int status = enqueue(stream, "cublasLtMatmul", [=, settings_of = *descriptor] {
        for (const Part& part : parts) {
            const std::string wrong = check_access(part.pointer, static_cast<std::size_t>(part.bytes));
            if (!wrong.empty()) {
                throw DeviceFault{kIllegalAddress, std::string(part.name) + ": " + wrong};
            }
        }
        if (needed > 0) {
            poison(workspace, needed);
        }
        multiply(settings_of, product, operands);
    });
    return status == 0 ? kOk : deny(kFailed, "the driver answers %d", status);
}
