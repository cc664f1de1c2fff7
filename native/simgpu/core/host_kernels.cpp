#include "host_kernels.h"

#include <dlfcn.h>

#include "memory.h"

namespace simgpu {

const HostKernels& host_kernels() {
    static const HostKernels loaded = [] {
        HostKernels kernels;
        Dl_info here;
        std::string folder = ".";
        if (dladdr(reinterpret_cast<void*>(&host_kernels), &here) != 0) {
            folder = here.dli_fname;
            folder.resize(folder.find_last_of('/') == std::string::npos ? 0 : folder.find_last_of('/'));
        }
        const std::string path = folder + "/libsimgpu_kernels.so";
        void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) {
            kernels.problem = dlerror();
            return kernels;
        }
        kernels.table = reinterpret_cast<KernelTable (*)()>(dlsym(library, "simgpu_kernel_table"));
        kernels.source_checksum =
            reinterpret_cast<std::uint64_t (*)(const char*)>(dlsym(library, "simgpu_kernel_source_checksum"));
        const auto hook = reinterpret_cast<void (*)(AccessCheck)>(dlsym(library, "simgpu_kernel_set_access_check"));
        if (kernels.table == nullptr || kernels.source_checksum == nullptr || hook == nullptr) {
            kernels.problem = path + " lacks an entry point";
            kernels.table = nullptr;
            return kernels;
        }
        hook(&check_kernel_access);
        return kernels;
    }();
    return loaded;
}

std::uint64_t fnv1a64(const char* text, std::size_t length, std::uint64_t hash) {
    for (std::size_t i = 0; i < length; ++i) {
        hash = (hash ^ static_cast<unsigned char>(text[i])) * 1099511628211ULL;
    }
    return hash;
}

}  // namespace simgpu
