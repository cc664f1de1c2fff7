// The table of kernels: each KERNEL registers itself, with a launcher made from its signature.
#pragma once

#include <cstddef>
#include <utility>

#include "block.h"

namespace host_gpu {

template <auto Function>
struct Launcher;

template <class... Parameters, void (*Function)(Parameters...)>
struct Launcher<Function> {
    static constexpr std::size_t parameter_bytes[] = {sizeof(Parameters)..., 0};
    static inline const char* name = nullptr;

    static simgpu::KernelEntry entry(const char* program, const char* kernel) {
        name = kernel;
        return {program, kernel, parameter_bytes, sizeof...(Parameters), 0, &launch};
    }

    static void launch(simgpu::Extent grid, simgpu::Extent block, std::size_t, void* const* parameters) {
        run_grid(name, grid, block, &body, parameters);
    }

    static void body(void* const* parameters) { call(parameters, std::index_sequence_for<Parameters...>()); }

    template <std::size_t... I>
    static void call(void* const* parameters, std::index_sequence<I...>) {
        Function(*static_cast<const Parameters*>(parameters[I])...);
    }
};

struct Registration {
    explicit Registration(const simgpu::KernelEntry& entry);
};

}  // namespace host_gpu
