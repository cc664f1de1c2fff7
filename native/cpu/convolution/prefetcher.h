#pragma once

#include <immintrin.h>
#include <stdint.h>

#include "vector/rounding.h"

namespace {

// Walks over what the next block will read, a few cache lines at a time, while this one is multiplied.
class Prefetcher {
public:
    void clear() { count_ = next_ = 0, at_ = row_end_ = nullptr, rows_ = 0, lines_ = 0; }

    void add(const uint16_t* start, int64_t rows, int64_t row_elements, int64_t step) {
        if (start == nullptr || rows <= 0 || count_ == kMostStreams)
            return;
        if (step == row_elements) {
            row_elements *= rows;
            rows = 1;
        }
        streams_[count_++] = {(const char*)start, rows, row_elements * 2, step * 2};
        lines_ += rows * crn::ceil_div(row_elements * 2, 64);
    }

    int64_t lines() const { return lines_; }

    __attribute__((always_inline)) void fetch(int64_t lines) {
        for (; lines > 0; lines--) {
            if (at_ >= row_end_ && !advance())
                return;
            _mm_prefetch(at_, _MM_HINT_T1);
            at_ += 64;
        }
    }

private:
    static constexpr int kMostStreams = 64;
    struct Stream { const char* start; int64_t rows, row_bytes, step_bytes; };

    __attribute__((noinline)) bool advance() {
        if (rows_ == 0) {
            if (next_ == count_)
                return false;
            stream_ = streams_[next_++];
            rows_ = stream_.rows;
        }
        at_ = stream_.start + (stream_.rows - rows_) * stream_.step_bytes;
        row_end_ = at_ + stream_.row_bytes;
        rows_--;
        return true;
    }

    Stream streams_[kMostStreams];
    Stream stream_{};
    int count_ = 0, next_ = 0;
    int64_t rows_ = 0, lines_ = 0;
    const char *at_ = nullptr, *row_end_ = nullptr;
};

}  // namespace
