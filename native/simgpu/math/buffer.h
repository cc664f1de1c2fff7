// Float memory that is handed back and taken again: large temporaries cost page faults otherwise.
#pragma once

#include <cstddef>
#include <memory>

namespace simgpu {

/// At least `count` floats, full of whatever was there.
std::shared_ptr<float> take_buffer(std::size_t count);

}  // namespace simgpu
