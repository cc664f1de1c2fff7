// Winograd's F(m x m, 3 x 3): the transforms in one dimension. Y = At [(G g) * (Bt d)], in two dimensions once along each.
// The rows of Bt are the polynomials whose roots are all points but one, so G takes the quotients, in double.
#pragma once

namespace {

// Points 0, 1, -1 and infinity; no product rounds.
struct Tile2 {
    static constexpr int kOutputs = 2;
    static constexpr int kInputs = 4;
    static constexpr double kFilter[kInputs][3] = {{-1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};

    template <class V>
    static void input(const V* d, V* v) {
        v[0] = d[2] - d[0];
        v[1] = d[2] + d[1];
        v[2] = d[2] - d[1];
        v[3] = d[3] - d[1];
    }

    template <class V>
    static void output(const V* m, V* y) {
        y[0] = m[0] + (m[1] + m[2]);
        y[1] = (m[1] - m[2]) + m[3];
    }
};

// Points 0, +-11/16, +-3/2 and infinity. Of all +-a, +-b in sixteenths these make the smallest errors but for a few
// percent: less than half of those of the usual +-1, +-2 (docs/numerics.md). Every constant is exact in float32.
struct Tile4 {
    static constexpr int kOutputs = 4;
    static constexpr int kInputs = 6;
    static constexpr double a = 11.0 / 16, b = 3.0 / 2;
    // 1 / f, x / f, x^2 / f where f is the product of the distances of the point x from the others.
    static constexpr double fa = 2 * a * a * (a * a - b * b), fb = 2 * b * b * (b * b - a * a);
    static constexpr double kFilter[kInputs][3] = {
        {1 / (a * a * b * b), 0, 0},
        {1 / fa, a / fa, a * a / fa},
        {1 / fa, -a / fa, a * a / fa},
        {1 / fb, b / fb, b * b / fb},
        {1 / fb, -b / fb, b * b / fb},
        {0, 0, 1}};

    template <class V>
    static void input(const V* d, V* v) {
        const V minus_a2 = V::all(float(-a * a)), minus_b2 = V::all(float(-b * b));
        const V minus_sum = V::all(float(-a * a - b * b)), product = V::all(float(a * a * b * b));
        const V even_a = fma(minus_b2, d[2], d[4]), odd_a = fma(minus_b2, d[1], d[3]);
        const V even_b = fma(minus_a2, d[2], d[4]), odd_b = fma(minus_a2, d[1], d[3]);
        v[0] = fma(product, d[0], fma(minus_sum, d[2], d[4]));
        v[1] = fma(V::all(float(a)), odd_a, even_a);
        v[2] = fma(V::all(float(-a)), odd_a, even_a);
        v[3] = fma(V::all(float(b)), odd_b, even_b);
        v[4] = fma(V::all(float(-b)), odd_b, even_b);
        v[5] = fma(product, d[1], fma(minus_sum, d[3], d[5]));
    }

    template <class V>
    static void output(const V* m, V* y) {
        const V even_a = m[1] + m[2], odd_a = m[1] - m[2];
        const V even_b = m[3] + m[4], odd_b = m[3] - m[4];
        y[0] = m[0] + (even_a + even_b);
        y[1] = fma(V::all(float(a)), odd_a, V::all(float(b)) * odd_b);
        y[2] = fma(V::all(float(a * a)), even_a, V::all(float(b * b)) * even_b);
        y[3] = fma(V::all(float(a * a * a)), odd_a, fma(V::all(float(b * b * b)), odd_b, m[5]));
    }
};

}  // namespace
