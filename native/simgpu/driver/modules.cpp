// Modules, functions and launches.
#include <cstring>
#include <unordered_set>

#include "entry.h"
#include "../core/host_kernels.h"

namespace simgpu {
namespace {

struct Module;

struct Function {
    const KernelEntry* kernel;
    int dynamic_shared_limit = 49152;
};

struct Module {
    Context* context;
    std::string program;
    std::vector<Function*> functions;
};

std::unordered_set<Module*>& modules() {
    static auto* all = new std::unordered_set<Module*>;
    return *all;
}

std::unordered_set<Function*>& functions() {
    static auto* all = new std::unordered_set<Function*>;
    return *all;
}

int load(void** result, const void* image, Context* context) {
    ImageHeader header;
    std::memcpy(&header, image, sizeof header.magic);
    DRIVER_REQUIRE(std::memcmp(header.magic, kImageMagic, std::strlen(kImageMagic) + 1) == 0, kInvalidImage,
                   "the image is not one of the simulated NVRTC")
    std::memcpy(&header, image, sizeof header);
    DRIVER_REQUIRE(header.architecture == settings().compute_capability, kNoBinaryForGpu,
                   "the image is for sm_%d, the device is sm_%d", header.architecture, settings().compute_capability)
    const HostKernels& kernels = host_kernels();
    DRIVER_REQUIRE(kernels.table != nullptr, kInvalidImage, "%s", kernels.problem.c_str())
    DRIVER_REQUIRE(kernels.source_checksum(header.program) == header.checksum, kInvalidImage,
                   "%s was compiled from another text than the simulated GPU was built with", header.program)
    auto* module = new Module{context, header.program, {}};
    modules().insert(module);
    count_live("module", 1);
    *result = module;
    return kSuccess;
}

void unload(Module* module) {
    for (Function* function : module->functions) {
        functions().erase(function);
        delete function;
    }
    modules().erase(module);
    count_live("module", -1);
    delete module;
}

struct Launch {
    Extent grid;
    Extent block;
    std::size_t shared_bytes;
};

int launch_kernel(Function* function, const Launch& launch, Stream* stream, void** parameters, void** extra) {
    DRIVER_REQUIRE(functions().count(function) != 0, kInvalidHandle, "%p is no live function",
                   static_cast<void*>(function))
    const KernelEntry& kernel = *function->kernel;
    const Extent& grid = launch.grid;
    const Extent& block = launch.block;
    DRIVER_REQUIRE(grid.x > 0 && grid.y > 0 && grid.z > 0 && grid.x <= 2147483647u && grid.y <= 65535 && grid.z <= 65535,
                   kInvalidValue, "%s: grid %u x %u x %u", kernel.name, grid.x, grid.y, grid.z)
    DRIVER_REQUIRE(block.x > 0 && block.y > 0 && block.z > 0 && block.z <= 64 &&
                       static_cast<std::uint64_t>(block.x) * block.y * block.z <= 1024,
                   kInvalidValue, "%s: block %u x %u x %u", kernel.name, block.x, block.y, block.z)
    DRIVER_REQUIRE(launch.shared_bytes + kernel.static_shared_bytes <=
                       static_cast<std::size_t>(function->dynamic_shared_limit),
                   kInvalidValue, "%s: %zu bytes of shared memory, %d are allowed", kernel.name,
                   launch.shared_bytes + kernel.static_shared_bytes, function->dynamic_shared_limit)
    DRIVER_REQUIRE(extra == nullptr, kNotSupported, "%s: `extra` is not simulated", kernel.name)
    DRIVER_REQUIRE(parameters != nullptr || kernel.parameter_count == 0, kInvalidValue, "%s: no parameters", kernel.name)

    // The device reads the values that stood there when the launch was made.
    std::vector<std::size_t> offsets;
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < kernel.parameter_count; ++i) {
        DRIVER_REQUIRE(parameters[i] != nullptr, kInvalidValue, "%s: parameter %zu is null", kernel.name, i)
        offsets.push_back(bytes);
        bytes += (kernel.parameter_bytes[i] + 15) / 16 * 16;
    }
    std::vector<unsigned char> values(bytes + 16);
    const auto base = [](std::vector<unsigned char>& of) {
        return of.data() + (16 - reinterpret_cast<std::uintptr_t>(of.data()) % 16) % 16;
    };
    for (std::size_t i = 0; i < kernel.parameter_count; ++i) {
        std::memcpy(base(values) + offsets[i], parameters[i], kernel.parameter_bytes[i]);
    }
    auto held = std::make_shared<std::vector<unsigned char>>(std::move(values));
    auto copied = std::make_shared<std::vector<void*>>();
    for (std::size_t offset : offsets) {
        copied->push_back(base(*held) + offset);
    }
    return enqueue(stream, kernel.name, [&kernel, launch, held, copied] {
        try {
            kernel.launch(launch.grid, launch.block, launch.shared_bytes, copied->data());
        } catch (const KernelFault& fault) {
            throw DeviceFault{fault.status, fault.message};
        }
    });
}

}  // namespace
}  // namespace simgpu

using namespace simgpu;

int drop_modules(Context* context) {
    int dropped = 0;
    for (auto entry = modules().begin(); entry != modules().end();) {
        Module* module = *entry++;
        if (module->context == context) {
            unload(module);
            ++dropped;
        }
    }
    return dropped;
}

SIM_EXPORT CUresult cuModuleLoadData(void** result, const void* image) {
    DRIVER_CALL(cuModuleLoadData)
    DRIVER_NOT_IN_CAPTURE()
    return load(result, image, context);
}

SIM_EXPORT CUresult cuModuleUnload(void* handle) {
    SIM_RELEASE(cuModuleUnload)
    auto* module = static_cast<Module*>(handle);
    DRIVER_REQUIRE(modules().count(module) != 0, kInvalidHandle, "%p is no live module", handle)
    unload(module);
    return sim_call.after(kSuccess);
}

SIM_EXPORT CUresult cuModuleGetFunction(void** result, void* handle, const char* name) {
    DRIVER_CALL(cuModuleGetFunction)
    auto* module = static_cast<Module*>(handle);
    DRIVER_REQUIRE(modules().count(module) != 0, kInvalidHandle, "%p is no live module", handle)
    const KernelTable table = host_kernels().table();
    for (std::size_t i = 0; i < table.count; ++i) {
        const KernelEntry& kernel = table.entries[i];
        if (module->program == kernel.program && std::strcmp(kernel.name, name) == 0) {
            auto* function = new Function{&kernel};
            module->functions.push_back(function);
            functions().insert(function);
            *result = function;
            return kSuccess;
        }
    }
    complain("%s has no kernel %s", module->program.c_str(), name);
    return kNotFound;
}

SIM_EXPORT CUresult cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                                   unsigned block_y, unsigned block_z, unsigned shared_bytes, CUstream where,
                                   void** parameters, void** extra) {
    DRIVER_CALL(cuLaunchKernel)
    DRIVER_STREAM(stream, where)
    return launch_kernel(static_cast<Function*>(function),
                         {{grid_x, grid_y, grid_z}, {block_x, block_y, block_z}, shared_bytes}, stream, parameters,
                         extra);
}
