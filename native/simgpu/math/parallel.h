// A few threads for the arithmetic. What is computed does not depend on how many there are.
#pragma once

#include <cstdint>
#include <functional>

namespace simgpu {

/// SIMGPU_THREADS, or as many as the machine has, at most eight.
int thread_count();

/// Runs body(i) for i in [0, count), each once; not from within a body.
void parallel_for(std::int64_t count, const std::function<void(std::int64_t)>& body);

}  // namespace simgpu
