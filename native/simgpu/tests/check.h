// The smallest harness: CHECK counts, TEST registers, main runs.
#pragma once

#include <cmath>
#include <cstdio>
#include <vector>

struct TestCase {
    const char* name;
    void (*run)();
    static std::vector<TestCase>& all() {
        static std::vector<TestCase> cases;
        return cases;
    }
};

inline int& failures() {
    static int count = 0;
    return count;
}

#define TEST(name)                                                                        \
    static void name();                                                                   \
    static const bool name##_registered = (TestCase::all().push_back({#name, name}), true); \
    static void name()

#define CHECK(condition)                                                             \
    do {                                                                             \
        if (!(condition)) {                                                          \
            ++failures();                                                            \
            std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition);              \
        }                                                                            \
    } while (false)

#define CHECK_EQUAL(actual, expected)                                                                   \
    do {                                                                                                \
        const auto check_actual = (actual);                                                             \
        const auto check_expected = (expected);                                                         \
        if (!(check_actual == check_expected)) {                                                        \
            ++failures();                                                                               \
            std::printf("%s:%d: %s is %g, not %g\n", __FILE__, __LINE__, #actual,                       \
                        static_cast<double>(check_actual), static_cast<double>(check_expected));        \
        }                                                                                               \
    } while (false)
