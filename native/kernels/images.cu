// Bytes of images to what a network takes: NHWC in the type that it computes with, normalised, its channels filled up with
// zeros where the first layer wants more of them.
#include "lanes.h"

using byte = unsigned char;

/// byte * scale + shift of the channel.
struct ChannelFactors {
    const float* scale;
    const float* shift;

    MEMBER float apply(float level, int channel) const { return fused(level, load(scale + channel), load(shift + channel)); }
};

/// 16 bytes as floats, or one.
template <int N>
DEVICE void load_levels(const byte* address, float (&levels)[N]) {
    if constexpr (N == 1) {
        levels[0] = load(address);
    } else {
        static_assert(N == 16, "a vector of bytes");
        const uint4 bits = load_16_bytes(address);
        const unsigned words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
        for (int l = 0; l < N; l++)
            levels[l] = static_cast<float>(words[l / 4] >> 8 * (l % 4) & 0xff);
    }
}

/// x and y have as many channels: the layout does not matter.
template <class T>
DEVICE void normalize_flat(const byte* x, T* y, const ChannelFactors& factors, i64 elements, int channels) {
    over_elements<16>(elements, [&](i64 i, auto lanes) {
        constexpr int n = decltype(lanes)::count;
        float values[n];
        load_levels(x + i, values);
        int channel = static_cast<int>(i % channels);
#pragma unroll
        for (int l = 0; l < n; l++) {
            values[l] = factors.apply(values[l], channel);
            if (++channel == channels)
                channel = 0;
        }
        store_lanes(y + i, values);
    });
}

template <int N, class T>
DEVICE void normalize_padded(const byte* x, T* y, const ChannelFactors& factors, i64 pixels, int channels, int padded) {
    over_rows<N>(pixels, padded, [&](i64 i, int first, bool) {
        const byte* pixel = x + i / padded * channels;
        float values[N];
#pragma unroll
        for (int l = 0; l < N; l++)
            values[l] = first + l < channels ? factors.apply(load(pixel + first + l), first + l) : 0;
        store_lanes(y + i, values);
    });
}

template <class T>
DEVICE void normalize(const byte* x, T* y, const ChannelFactors& factors, i64 pixels, int channels, int padded) {
    if (channels == padded)
        normalize_flat(x, y, factors, pixels * channels, channels);
    else if (padded % kLanesOf<T> == 0)
        normalize_padded<kLanesOf<T>>(x, y, factors, pixels, channels, padded);
    else
        normalize_padded<1>(x, y, factors, pixels, channels, padded);
}

/// Part of a decoded image, and where it goes. Pixels around the part do not count: the part is scaled as if it were all.
struct ImageView {
    const byte* pixels;  // RGB, the part's first
    i64 stride_bytes;    // from row to row
    int width, height;   // of the part
    int whole_width, whole_height;  // what it is scaled to
    int left, top;                  // the first of the scaled pixels that are made
    int to_left, to_top, columns, rows;  // where they go, and how many there are; around them is black
    int mirrored;
};

constexpr int kColours = 3;
constexpr int kTile = 16;
constexpr int kSourceRows = 32;

DEVICE int least(int a, int b) { return a < b ? a : b; }
DEVICE int most(int a, int b) { return a > b ? a : b; }

/// To the nearest level, as the 8 bits between Pillow's passes and behind them.
DEVICE float level_of(float value) { return static_cast<float>(static_cast<int>(value < 0 ? 0 : value > 255 ? 255.5f : value + 0.5f)); }

/// The source pixels that make one scaled pixel along one axis: a triangle around its centre, widened by the reduction so
/// that nothing aliases (Pillow's precompute_coeffs).
struct Taps {
    int start, count;
    float offset;  // of the first tap from the centre
    float slope;   // of the triangle
    float inverse_sum;

    MEMBER float weight(int tap) const {
        const float x = (offset + static_cast<float>(tap)) * slope;
        const float y = 1 - (x < 0 ? -x : x);
        return y > 0 ? y * inverse_sum : 0;
    }
};

DEVICE Taps taps_of(int at, int source, int whole) {
    // The centre (at + 0.5) * source / whole as a whole part and a remainder: exact for any size.
    const i64 numerator = (2 * static_cast<i64>(at) + 1) * source, denominator = 2 * static_cast<i64>(whole);
    const int base = static_cast<int>(numerator / denominator);
    const float rest = static_cast<float>(numerator % denominator) / static_cast<float>(denominator);
    const float scale = source > whole ? static_cast<float>(source) / static_cast<float>(whole) : 1;
    // Truncated numbers, shifted so that they are positive.
    const int wide = static_cast<int>(scale) + 2;
    Taps taps;
    taps.start = most(0, base - wide + static_cast<int>(rest - scale + 0.5f + static_cast<float>(wide)));
    const int end = least(source, base + static_cast<int>(rest + scale + 0.5f));
    taps.count = end - taps.start;
    taps.offset = static_cast<float>(taps.start - base) - rest + 0.5f;
    taps.slope = 1 / scale;
    taps.inverse_sum = 1;
    float sum = 0;
    for (int tap = 0; tap < taps.count; tap++)
        sum += taps.weight(tap);
    taps.inverse_sum = 1 / sum;
    return taps;
}

/// One pixel: the colours, then zeros.
template <class T>
DEVICE void store_pixel(T* y, const float (&colours)[kColours], int padded) {
    constexpr int n = kLanesOf<T>;
    for (int first = 0; first < padded; first += n) {
        float values[n];
#pragma unroll
        for (int l = 0; l < n; l++)
            values[l] = first + l == 0 ? colours[0] : first + l == 1 ? colours[1] : first + l == 2 ? colours[2] : 0;
        if (padded % n == 0)
            store_lanes(y + first, values);
        else
            for (int l = 0; l < n && first + l < padded; l++)
                store(y + first + l, narrow<T>(values[l]));
    }
}

/// A block makes one tile of one image: source rows are scaled along their length into shared memory, some at a time, and
/// each thread adds those that make its pixel. The grid has as many blocks as there are tiles.
template <class T>
DEVICE void resample(const ImageView* views, T* y, const ChannelFactors& factors, int height, int width, int padded) {
    SHARED_ARRAY(float, scaled, kSourceRows * kTile * kColours);
    const int across = (width + kTile - 1) / kTile, tiles = across * ((height + kTile - 1) / kTile);
    const int image = static_cast<int>(blockIdx.x) / tiles, tile = static_cast<int>(blockIdx.x) % tiles;
    const ImageView view = load(views + image);
    const int thread = static_cast<int>(threadIdx.x);
    const int row = tile / across * kTile + thread / kTile, column = tile % across * kTile + thread % kTile;
    // In the scaled image; no pixel of it where a coordinate is outside.
    const int from_row = row - view.to_top, from_column = column - view.to_left;
    const bool has_row = from_row >= 0 && from_row < view.rows, has_column = from_column >= 0 && from_column < view.columns;

    Taps vertical = {}, horizontal = {};
    if (has_row)
        vertical = taps_of(view.top + from_row, view.height, view.whole_height);
    if (has_column)
        horizontal = taps_of(view.left + (view.mirrored ? view.columns - 1 - from_column : from_column), view.width, view.whole_width);

    // The source rows that the tile's pixels need.
    const int first_row = most(0, tile / across * kTile - view.to_top);
    const int last_row = least(view.rows, tile / across * kTile - view.to_top + kTile) - 1;
    int begin = 0, end = 0;
    if (first_row <= last_row) {
        begin = taps_of(view.top + first_row, view.height, view.whole_height).start;
        const Taps last = taps_of(view.top + last_row, view.height, view.whole_height);
        end = last.start + last.count;
    }

    float sums[kColours] = {};
    for (int chunk = begin; chunk < end; chunk += kSourceRows) {
        for (int line = thread / kTile; line < kSourceRows; line += kTile) {
            if (!has_column || chunk + line >= end)
                continue;
            float colours[kColours] = {};
            const byte* pixel = view.pixels + (chunk + line) * view.stride_bytes + horizontal.start * kColours;
            for (int tap = 0; tap < horizontal.count; tap++, pixel += kColours) {
                const float weight = horizontal.weight(tap);
#pragma unroll
                for (int c = 0; c < kColours; c++)
                    colours[c] = fused(load(pixel + c), weight, colours[c]);
            }
#pragma unroll
            for (int c = 0; c < kColours; c++)
                scaled[(line * kTile + thread % kTile) * kColours + c] = level_of(colours[c]);
        }
        barrier();
        if (has_row && has_column)
            for (int at = most(vertical.start, chunk); at < least(vertical.start + vertical.count, chunk + kSourceRows); at++) {
                const float weight = vertical.weight(at - vertical.start);
#pragma unroll
                for (int c = 0; c < kColours; c++)
                    sums[c] = fused(scaled[((at - chunk) * kTile + thread % kTile) * kColours + c], weight, sums[c]);
            }
        barrier();
    }
    if (row >= height || column >= width)
        return;
#pragma unroll
    for (int c = 0; c < kColours; c++)
        sums[c] = factors.apply(level_of(sums[c]), c);
    store_pixel(y + (static_cast<i64>(image * height + row) * width + column) * padded, sums, padded);
}

#define IMAGES(T, suffix)                                                                         \
    /* x[pixels, channels], y[pixels, padded]. */                                                  \
    KERNEL(normalize_bytes_##suffix, const byte* x, T* y, ChannelFactors factors, i64 pixels, int channels, int padded) { \
        normalize(x, y, factors, pixels, channels, padded);                                        \
    }                                                                                              \
    /* y[images, height, width, padded], of RGB images of any size; blocks as many as tiles of 16 x 16. */ \
    KERNEL(resample_images_##suffix, const ImageView* views, T* y, ChannelFactors factors, int height, int width, int padded) { \
        resample(views, y, factors, height, width, padded);                                        \
    }

FOR_ACTIVATION_TYPES(IMAGES)
