// Evaluates an operation graph, operation by operation, in float.
#pragma once

#include <map>

#include "engines.h"
#include "values.h"

namespace simgpu::cudnn {

/// Reads the graph's inputs from `memory` (by unique id), computes, and writes its outputs there.
void interpret(const EngineConfig& config, const std::map<std::int64_t, void*>& memory);

}  // namespace simgpu::cudnn
