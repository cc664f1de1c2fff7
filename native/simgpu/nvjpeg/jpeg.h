// JPEG through libjpeg-turbo, which is loaded where it is found: the simulator needs nothing to be built.
#pragma once

#include <cstddef>
#include <vector>

namespace simgpu {

struct JpegHeader {
    int width = 0, height = 0;
    bool is_progressive = false;
    bool has_four_components = false;  // CMYK or YCCK
};

/// False where libjpeg-turbo is not on this machine.
bool can_decode_jpegs();

/// False where the bytes are no JPEG.
bool read_header(const unsigned char* data, std::size_t bytes, JpegHeader& header);

enum class Decoded { whole, truncated, damaged };

/// Interleaved RGB without padding.
Decoded decode(const unsigned char* data, std::size_t bytes, const JpegHeader& header, std::vector<unsigned char>& rgb);

}  // namespace simgpu
