// What the software AMX does, against arithmetic written otherwise; on a processor with AMX, what the processor does
// (`amxtrap_tests native`), except for how rules are broken.
#include <immintrin.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <string>
#include <thread>
#include <vector>

extern "C" int amxtrap_install();

namespace {

int g_failures = 0;

void expect(bool holds, const std::string& what) {
    if (holds)
        return;
    fprintf(stderr, "failed: %s\n", what.c_str());
    g_failures++;
}

struct alignas(64) Shapes {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t column_bytes[16] = {};
    uint8_t rows[16] = {};

    Shapes& tile(int i, int of_rows, int bytes) {
        rows[i] = uint8_t(of_rows);
        column_bytes[i] = uint16_t(bytes);
        return *this;
    }
};
static_assert(sizeof(Shapes) == 64);

float widen(uint16_t x) {
    const uint32_t bits = uint32_t(x) << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

uint16_t truncate(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return uint16_t(bits >> 16);
}

uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

struct Product {
    int m, k, n;  // rows, pairs, columns
    std::vector<uint16_t> a, b;
    std::vector<float> sums;

    Product(int m, int k, int n) : m(m), k(k), n(n), a(m * k * 2), b(k * n * 2), sums(m * n) {}

    void run() {
        const Shapes shapes = Shapes().tile(0, m, n * 4).tile(1, m, k * 4).tile(2, k, n * 4);
        _tile_loadconfig(&shapes);
        _tile_loadd(0, sums.data(), n * 4);
        _tile_loadd(1, a.data(), k * 4);
        _tile_stream_loadd(2, b.data(), n * 4);
        _tile_dpbf16ps(0, 1, 2);
        _tile_stored(0, sums.data(), n * 4);
        _tile_release();
    }
};


// Small integers: every sum is exact, whatever its order.
void multiplies_integers() {
    std::mt19937 random(1);
    for (int trial = 0; trial < 200; trial++) {
        Product product(1 + int(random() % 16), 1 + int(random() % 16), 1 + int(random() % 16));
        std::vector<int> a(product.a.size()), b(product.b.size()), sums(product.sums.size());
        for (size_t i = 0; i < a.size(); i++) product.a[i] = truncate(float(a[i] = int(random() % 17) - 8));
        for (size_t i = 0; i < b.size(); i++) product.b[i] = truncate(float(b[i] = int(random() % 17) - 8));
        for (size_t i = 0; i < sums.size(); i++) product.sums[i] = float(sums[i] = int(random() % 100));
        product.run();
        for (int m = 0; m < product.m; m++)
            for (int n = 0; n < product.n; n++) {
                int sum = sums[m * product.n + n];
                for (int k = 0; k < product.k; k++)
                    for (int i = 0; i < 2; i++)
                        sum += a[(m * product.k + k) * 2 + i] * b[(k * product.n + n) * 2 + i];
                expect(product.sums[m * product.n + n] == float(sum), "a product of integers");
            }
    }
}

// The manual's order of sums. A product of two bf16 and its sum with a float32 near it are exact in double, so that rounding
// that to float32 is a fused multiply-add.
void rounds_as_the_manual_says() {
    std::mt19937 random(2);
    std::uniform_real_distribution<float> values(0.5f, 2);
    for (int trial = 0; trial < 100; trial++) {
        Product product(16, 16, 16);
        for (uint16_t& x : product.a) x = truncate(random() % 2 ? values(random) : -values(random));
        for (uint16_t& x : product.b) x = truncate(random() % 2 ? values(random) : -values(random));
        for (float& x : product.sums) x = values(random);
        const std::vector<float> before = product.sums;
        product.run();
        for (int m = 0; m < 16; m++)
            for (int n = 0; n < 16; n++) {
                float sums[2] = {};
                for (int k = 0; k < 16; k++)
                    for (int i = 0; i < 2; i++)
                        sums[i] = float(double(widen(product.a[(m * 16 + k) * 2 + i])) * widen(product.b[(k * 16 + n) * 2 + i]) + sums[i]);
                volatile float pair = sums[0] + sums[1];
                volatile float sum = before[m * 16 + n] + pair;
                expect(bits_of(product.sums[m * 16 + n]) == bits_of(sum), "a rounded product");
            }
    }
}

// Subnormal numbers are zeros on the way in and on the way out, and the thread's own mode is neither used nor changed.
void flushes_subnormals() {
    const unsigned mode = _mm_getcsr();
    for (unsigned rounding : {_MM_ROUND_NEAREST, _MM_ROUND_UP}) {
        _mm_setcsr((mode & ~0x8040u & ~unsigned(_MM_ROUND_MASK)) | rounding);
        const unsigned set = _mm_getcsr();
        Product product(1, 1, 4);
        product.a = {0x0001, 0x2000};                          // the smallest subnormal, 2^-63
        product.b = {truncate(1e38f), 0, 0, 0x1f80,            // subnormal times large; 2^-63 * 2^-64
                     0, 0x2000, 0, 0x3f80};                    // 2^-63 * 2^-63 is normal; 2^-63 * 1
        product.sums = {0, 0, 0, 1};
        product.run();
        expect(product.sums[0] == 0, "a subnormal operand counts as zero");
        expect(product.sums[1] == 0, "a subnormal result is zero");
        expect(product.sums[2] == ldexpf(1, -126), "a normal result stays");
        expect(product.sums[3] == 1, "rounding is to nearest");
        expect((_mm_getcsr() & ~0x3fu) == (set & ~0x3fu), "the mode is the thread's");
    }
    _mm_setcsr(mode);
}

// Every form of address; rows that a tile does not have are neither read nor written.
void addresses() {
    alignas(64) uint8_t memory[4096], out[4096];
    std::mt19937 random(3);
    for (uint8_t& x : memory) x = uint8_t(random());
    const Shapes shapes = Shapes().tile(0, 3, 12).tile(3, 16, 64).tile(5, 2, 4).tile(7, 16, 64);
    Shapes stored[4], &read = stored[3];
    __asm__ volatile("ldtilecfg (%0)" ::"r"(&shapes) : "memory");
    memset(static_cast<void*>(&read), 0xff, sizeof read);
    __asm__ volatile("sttilecfg -64(%0,%1,8)" ::"r"(stored), "r"(32l) : "memory");
    expect(memcmp(&shapes, &read, 64) == 0, "sttilecfg stores what ldtilecfg loaded");

    const auto check = [&](const char* name, int rows, int bytes, long stride, long offset) {
        for (int row = 0; row < rows; row++)
            expect(memcmp(out + row * bytes, memory + offset + row * stride, size_t(bytes)) == 0, name);
        expect(out[rows * bytes] == 0xee, name);
        memset(out, 0xee, sizeof out);
    };
    memset(out, 0xee, sizeof out);
    register const uint8_t* r13 __asm__("r13") = memory;
    register const uint8_t* r12 __asm__("r12") = memory;
    register long r9 __asm__("r9") = 25;
    __asm__ volatile("tileloadd 100(%0,%1,4), %%tmm0\n tilestored %%tmm0, (%2,%3)" ::"r"(r13), "r"(r9), "r"(out), "r"(12l) : "memory");
    check("base r13, index r9 times 4, short displacement", 3, 12, 100, 100);
    __asm__ volatile("tileloaddt1 1000(%0,%1,2), %%tmm3\n tilestored %%tmm3, (%2,%3,8)" ::"r"(r12), "r"(40l), "r"(out), "r"(8l) : "memory");
    check("base r12, long displacement", 16, 64, 80, 1000);
    __asm__ volatile("tileloadd (%0), %%tmm5\n tilestored %%tmm5, (%1,%2,1)" ::"r"(memory), "r"(out), "r"(4l) : "memory");
    check("no index: every row is the first", 2, 4, 0, 0);
    __asm__ volatile("tileloadd 2000(%0,%1,1), %%tmm7\n tilestored %%tmm7, (%2,%3)"
                     ::"r"(memory), "r"(-64l), "r"(out), "r"(64l) : "memory");
    check("rows backwards", 16, 64, -64, 2000);
    // Below what the compiler may keep under the stack pointer.
    const uint8_t* from = memory;
    __asm__ volatile("sub $1408, %%rsp\n mov %%rsp, %%rdi\n mov $1280, %%ecx\n rep movsb\n"
                     "tileloadd 128(%%rsp,%1,1), %%tmm7\n add $1408, %%rsp\n tilestored %%tmm7, (%2,%1)"
                     : "+S"(from) : "r"(64l), "r"(out) : "rdi", "rcx", "memory");
    check("base rsp, which needs a SIB byte of its own", 16, 64, 64, 128);
    __asm__ volatile("mov %%rbp, %%rbx\n mov %0, %%rbp\n tileloadd (%%rbp,%1,1), %%tmm0\n mov %%rbx, %%rbp\n"
                     "tilestored %%tmm0, (%2,%3)" ::"r"(memory), "r"(12l), "r"(out), "r"(12l) : "rbx", "memory");
    check("base rbp", 3, 12, 12, 0);
    __asm__ volatile("tilezero %%tmm0\n tilestored %%tmm0, (%0,%1)" ::"r"(out), "r"(12l) : "memory");
    for (int i = 0; i < 36; i++) expect(out[i] == 0, "tilezero");
    _tile_release();
    __asm__ volatile("sttilecfg (%0)" ::"r"(&read) : "memory");
    for (int i = 0; i < 64; i++) expect(reinterpret_cast<uint8_t*>(&read)[i] == 0, "no configuration is 64 zeros");
}

const Shapes kBesideTheCode = Shapes().tile(6, 4, 16);

void addresses_beside_the_code() {
    Shapes read;
    __asm__ volatile("ldtilecfg %1\n sttilecfg %0" : "=m"(read) : "m"(kBesideTheCode));
    expect(memcmp(&kBesideTheCode, &read, 64) == 0, "relative to the instruction");
    _tile_release();
}

void keeps_threads_apart() {
    const auto work = [](float value) {
        for (int i = 0; i < 300; i++) {
            float in[4] = {value, value + 1, value + 2, value + 3}, out[4] = {};
            const Shapes shapes = Shapes().tile(1, 1, 16);
            _tile_loadconfig(&shapes);
            _tile_loadd(1, in, 16);
            sched_yield();
            _tile_stored(1, out, 16);
            _tile_release();
            expect(memcmp(in, out, 16) == 0, "a thread's tile");
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; i++) threads.emplace_back(work, float(i * 10));
    for (std::thread& thread : threads) thread.join();
}

// Runs something in a process of its own: how it ended, and what it said.
template <class F>
std::string in_child(F f, int& status) {
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0) abort();
    const pid_t child = fork();
    if (child == 0) {
        dup2(pipe_ends[1], STDERR_FILENO);
        f();
        _exit(0);
    }
    close(pipe_ends[1]);
    std::string said;
    char buffer[256];
    for (ssize_t n; (n = read(pipe_ends[0], buffer, sizeof buffer)) > 0;) said.append(buffer, size_t(n));
    close(pipe_ends[0]);
    waitpid(child, &status, 0);
    return said;
}

template <class F>
void refuses(const char* instruction, const char* rule, F f) {
    int status;
    const std::string said = in_child(f, status);
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, std::string(instruction) + " ends the process: " + rule);
    expect(said.find(instruction) != std::string::npos && said.find(rule) != std::string::npos, said + " names " + instruction + ": " + rule);
}

void load_configuration(const Shapes& shapes) { _tile_loadconfig(&shapes); }

void holds_the_rules() {
    alignas(64) static float memory[256];
    refuses("ldtilecfg", "palette", [] { Shapes shapes; shapes.palette = 2; load_configuration(shapes); });
    refuses("ldtilecfg", "reserved", [] { Shapes shapes; shapes.reserved[3] = 1; load_configuration(shapes); });
    refuses("ldtilecfg", "64 bytes", [] { load_configuration(Shapes().tile(2, 1, 68)); });
    refuses("ldtilecfg", "16 rows", [] { load_configuration(Shapes().tile(2, 17, 64)); });
    refuses("ldtilecfg", "eight tiles", [] { load_configuration(Shapes().tile(8, 1, 4)); });
    refuses("ldtilecfg", "rows without columns", [] { load_configuration(Shapes().tile(1, 1, 0)); });
    refuses("tilezero", "no tiles are configured", [] { _tile_zero(0); });
    refuses("tileloadd", "no tiles are configured", [] { load_configuration(Shapes().tile(0, 1, 4)); _tile_release(); _tile_loadd(0, memory, 64); });
    refuses("tileloaddt1", "the tile is not configured", [] { load_configuration(Shapes().tile(0, 1, 4)); _tile_stream_loadd(1, memory, 64); });
    refuses("tilestored", "the tile is not configured", [] { load_configuration(Shapes().tile(0, 1, 4)); _tile_stored(1, memory, 64); });
    refuses("tdpbf16ps", "same tile", [] {
        load_configuration(Shapes().tile(0, 1, 4).tile(1, 1, 4));
        __asm__ volatile(".byte 0xc4, 0xe2, 0x72, 0x5c, 0xc1");  // tdpbf16ps tmm0, tmm1, tmm1 in Intel's order: assemblers refuse it
    });
    refuses("tdpbf16ps", "multiple of 4", [] { load_configuration(Shapes().tile(0, 1, 4).tile(1, 1, 6).tile(2, 1, 4)); _tile_dpbf16ps(0, 1, 2); });
    refuses("tdpbf16ps", "rows are not those of the first", [] { load_configuration(Shapes().tile(0, 2, 4).tile(1, 1, 4).tile(2, 1, 4)); _tile_dpbf16ps(0, 1, 2); });
    refuses("tdpbf16ps", "columns are not the second's rows", [] { load_configuration(Shapes().tile(0, 1, 4).tile(1, 1, 8).tile(2, 1, 4)); _tile_dpbf16ps(0, 1, 2); });
    refuses("tdpbf16ps", "columns are not those of the second", [] { load_configuration(Shapes().tile(0, 1, 8).tile(1, 1, 4).tile(2, 1, 4)); _tile_dpbf16ps(0, 1, 2); });
}

// What is no AMX goes to the handler before, or ends the process as ever.
void leaves_the_rest_alone() {
    int status;
    in_child([] { __asm__ volatile("ud2"); }, status);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 42, "ud2 goes to the handler before");
    // tdpbssd is of AMX-INT8, which is not carried out.
    in_child([] { __asm__ volatile(".byte 0xc4, 0xe2, 0x6b, 0x5e, 0xc1"); }, status);
    expect(WIFEXITED(status) && WEXITSTATUS(status) == 42, "an unknown instruction of AMX goes to the handler before");
}

}  // namespace

int main(int count, char** arguments) {
    const bool native = count > 1 && strcmp(arguments[1], "native") == 0;
    if (native) {
        constexpr int kArchReqXcompPerm = 0x1023, kXfeatureXtiledata = 18;
        if (syscall(SYS_arch_prctl, kArchReqXcompPerm, kXfeatureXtiledata) != 0) {
            fprintf(stderr, "the operating system does not give tiles\n");
            return 2;
        }
    } else {
        signal(SIGILL, [](int) { _exit(42); });
        if (amxtrap_install() != 0) {
            fprintf(stderr, "the software AMX needs AVX-512\n");
            return 2;
        }
    }
    multiplies_integers();
    rounds_as_the_manual_says();
    flushes_subnormals();
    addresses();
    addresses_beside_the_code();
    keeps_threads_apart();
    if (!native) {
        holds_the_rules();
        leaves_the_rest_alone();
    }
    if (g_failures == 0)
        printf("ok\n");
    return g_failures != 0;
}
