#pragma once

#include "../core/streams.h"

namespace simgpu::cudnn {

struct Handle {
    Context* context = nullptr;
    void* stream = nullptr;  // as cudnnSetStream was given it
};

bool is_live(const Handle* handle);

}  // namespace simgpu::cudnn
