#include "check.h"

int main() {
    for (const TestCase& test : TestCase::all()) {
        const int before = failures();
        test.run();
        std::printf("%s %s\n", failures() == before ? "pass" : "FAIL", test.name);
    }
    std::printf("%zu tests, %d failed checks\n", TestCase::all().size(), failures());
    return failures() == 0 ? 0 : 1;
}
