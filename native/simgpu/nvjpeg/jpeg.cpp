#include "jpeg.h"

#include <dlfcn.h>

namespace simgpu {

namespace {

/// The functions of turbojpeg.h (version 2) that are called.
struct TurboJpeg {
    void* (*init)() = nullptr;
    int (*destroy)(void*) = nullptr;
    int (*header)(void*, const unsigned char*, unsigned long, int*, int*, int*, int*) = nullptr;
    int (*decompress)(void*, const unsigned char*, unsigned long, unsigned char*, int, int, int, int, int) = nullptr;
    int (*error_code)(void*) = nullptr;
    bool is_loaded = false;
};

constexpr int kPixelsRgb = 0, kColoursCmyk = 3, kColoursYcck = 4, kWarning = 0;

template <class Function>
bool find(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    return function != nullptr;
}

const TurboJpeg& turbo_jpeg() {
    static const TurboJpeg loaded = [] {
        TurboJpeg functions;
        void* library = dlopen("libturbojpeg.so.0", RTLD_NOW | RTLD_LOCAL);
        functions.is_loaded = library != nullptr && find(library, "tjInitDecompress", functions.init) &&
            find(library, "tjDestroy", functions.destroy) && find(library, "tjDecompressHeader3", functions.header) &&
            find(library, "tjDecompress2", functions.decompress) && find(library, "tjGetErrorCode", functions.error_code);
        return functions;
    }();
    return loaded;
}

/// A decompressor of libjpeg-turbo.
class Decompressor {
public:
    Decompressor() : handle_(turbo_jpeg().init()) {}
    ~Decompressor() { turbo_jpeg().destroy(handle_); }
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;

    void* get() const { return handle_; }

private:
    void* handle_;
};

/// The start-of-frame marker says how the image is coded: 0xC0 is baseline, 0xC2 progressive. 0 where there is none.
int frame_marker(const unsigned char* data, std::size_t bytes) {
    std::size_t at = 2;
    while (at + 4 <= bytes && data[at] == 0xff) {
        const int marker = data[at + 1];
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
            return marker;
        }
        at += 2 + static_cast<std::size_t>(data[at + 2] << 8 | data[at + 3]);
    }
    return 0;
}

}  // namespace

bool can_decode_jpegs() {
    return turbo_jpeg().is_loaded;
}

bool read_header(const unsigned char* data, std::size_t bytes, JpegHeader& header) {
    const Decompressor decompressor;
    int subsampling = 0, colours = 0;
    // Tables without an image are no failure to libjpeg-turbo.
    if (turbo_jpeg().header(decompressor.get(), data, bytes, &header.width, &header.height, &subsampling, &colours) != 0 ||
        header.width < 1 || header.height < 1) {
        return false;
    }
    header.is_progressive = frame_marker(data, bytes) == 0xc2;
    header.has_four_components = colours == kColoursCmyk || colours == kColoursYcck;
    return true;
}

Decoded decode(const unsigned char* data, std::size_t bytes, const JpegHeader& header, std::vector<unsigned char>& rgb) {
    const Decompressor decompressor;
    rgb.resize(static_cast<std::size_t>(header.width) * header.height * 3);
    const int failed = turbo_jpeg().decompress(decompressor.get(), data, bytes, rgb.data(), header.width, 3 * header.width,
                                               header.height, kPixelsRgb, 0);
    return failed == 0 ? Decoded::whole
        : turbo_jpeg().error_code(decompressor.get()) == kWarning ? Decoded::truncated : Decoded::damaged;
}

}  // namespace simgpu
