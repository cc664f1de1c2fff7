# shellcheck shell=bash
# Sourced by ./resnet and ./test: builds native/cpu where cmake and g++ are, once for each state of its sources.
# Never fails: without the library the oneDNN backend works with the kernels of oneDNN and the managed ones.

native_library=libcudnnresnet_cpu.so

can_build_native_library() { [[ $(uname -sm) == 'Linux x86_64' ]] && command -v cmake >/dev/null && command -v g++ >/dev/null; }

# build_jpeg_library ROOT: leaves artifacts/native/libcudnnresnet_jpeg.so where a compiler and libjpeg's header are; without it
# JPEGs are decoded whole where a part would do.
build_jpeg_library() {
    local folder=$1/artifacts/native source=$1/native/imaging compiler key
    compiler=$(command -v cc || command -v gcc) || return 0
    [[ $(uname -s) == Linux && -f /usr/include/jpeglib.h ]] || return 0
    key=$(cat "$source"/*.[ch] | cksum | cut -d ' ' -f 1)
    if [[ $(cat "$folder/jpeg-key" 2>/dev/null) == "$key" && -f $folder/libcudnnresnet_jpeg.so ]]; then return 0; fi
    mkdir -p "$folder" 2>/dev/null || return 0
    if "$compiler" -O2 -Wall -Wextra -fPIC -shared -fvisibility=hidden -o "$folder/.libcudnnresnet_jpeg.so.$$" "$source"/*.c -ljpeg \
            -Wl,--no-undefined >"$folder/jpeg-build.log" 2>&1; then
        mv "$folder/.libcudnnresnet_jpeg.so.$$" "$folder/libcudnnresnet_jpeg.so" && printf '%s\n' "$key" >"$folder/jpeg-key"
    else
        rm -f "$folder/.libcudnnresnet_jpeg.so.$$"
    fi
}

native_key() { (cd "$1" && find native/cpu -type f | LC_ALL=C sort | tr '\n' '\0' | xargs -0 cksum | cksum | cut -d ' ' -f 1); }

# build_native_library ROOT: leaves artifacts/native/libcudnnresnet_cpu.so, which the build of the programs copies.
build_native_library() {
    local root=$1 folder=$1/artifacts/native key
    can_build_native_library || return 0
    key=$(native_key "$root")
    if [[ $(cat "$folder/key" 2>/dev/null) == "$key"* ]]; then return 0; fi
    mkdir -p "$folder" 2>/dev/null || { echo "resnet: cannot write $folder; carrying on without own CPU kernels" >&2; return 0; }
    (
        if command -v flock >/dev/null; then exec 8>"$folder/.lock"; flock 8; fi
        if [[ $(cat "$folder/key" 2>/dev/null) == "$key"* ]]; then exit 0; fi
        echo 'resnet: building the CPU kernels (once, and after a change of native/cpu) ...' >&2
        compile() {
            cmake -S "$root/native/cpu" -B "$folder/build" -DSOURCE_CHECKSUM="$key" && cmake --build "$folder/build" --parallel
        }
        # A build folder of another compiler or place is not worth a repair.
        if { compile || { rm -rf "$folder/build" && compile; }; } >"$folder/build.log" 2>&1 8>&-; then
            # Renamed into place: a process that runs the older library keeps it.
            cp "$folder/build/$native_library" "$folder/.$native_library" &&
                mv "$folder/.$native_library" "$folder/$native_library" && printf '%s\n' "$key" >"$folder/key"
        else
            tail -n 5 "$folder/build.log" >&2
            echo "resnet: the CPU kernels did not build (all of it in $folder/build.log); carrying on without them" >&2
            rm -f "$folder/$native_library"
            printf '%s failed\n' "$key" >"$folder/key"
        fi
    ) || true
}
