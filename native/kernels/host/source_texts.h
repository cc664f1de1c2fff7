// The exact texts that were compiled; CMake writes their definitions.
#pragma once

#include <span>

namespace host_gpu {

struct SourceText {
    const char* name;
    const char* begin;
    const char* end;
};

extern const std::span<const SourceText> programs;
extern const std::span<const SourceText> headers;

}  // namespace host_gpu
