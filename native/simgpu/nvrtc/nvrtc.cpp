// The simulated NVRTC. It compiles nothing: it checks that the text is the one that the host kernels were compiled from
// and writes an image that names it. Syntax and architectures are for a real NVRTC to judge.
#include <cstring>
#include <string>
#include <unordered_set>
#include <vector>

#include "../core/call.h"
#include "../core/host_kernels.h"

using namespace simgpu;

namespace {

struct Program {
    std::string name;
    std::uint64_t checksum;
    std::string log;
    std::string image;
};

std::unordered_set<const Program*>& programs() {
    static auto* all = new std::unordered_set<const Program*>;
    return *all;
}

constexpr int kOutOfRange = 3;  // NVRTC_ERROR_INVALID_INPUT
constexpr int kInvalidProgram = 4;
constexpr int kInvalidOption = 5;
constexpr int kCompilation = 6;

int copy(const std::string& text, char* into) {
    std::memcpy(into, text.data(), text.size());
    return 0;
}

const char* base_name(const char* path) {
    const char* slash = std::strrchr(path, '/');
    return slash == nullptr ? path : slash + 1;
}

}  // namespace

#define PROGRAM(program, handle)                              \
    auto* const program = static_cast<Program*>(handle);      \
    if (programs().count(program) == 0) {                     \
        complain("%p is no live program", handle);            \
        return kInvalidProgram;                               \
    }

SIM_EXPORT int nvrtcVersion(int* major, int* minor) {
    SIM_CALL(int, nvrtcVersion)
    *major = 12;
    *minor = 6;
    return 0;
}

SIM_EXPORT const char* nvrtcGetErrorString(int status) {
    static const char* names[] = {
        "NVRTC_SUCCESS", "NVRTC_ERROR_OUT_OF_MEMORY", "NVRTC_ERROR_PROGRAM_CREATION_FAILURE",
        "NVRTC_ERROR_INVALID_INPUT", "NVRTC_ERROR_INVALID_PROGRAM", "NVRTC_ERROR_INVALID_OPTION",
        "NVRTC_ERROR_COMPILATION", "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE",
        "NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION", "NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION",
        "NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID", "NVRTC_ERROR_INTERNAL_ERROR"};
    Call call("nvrtcGetErrorString");
    return status >= 0 && status < static_cast<int>(sizeof names / sizeof *names) ? names[status]
                                                                                  : "NVRTC_ERROR unknown";
}

SIM_EXPORT int nvrtcCreateProgram(void** result, const char* source, const char* name, int header_count,
                                  const char* const* headers, const char* const* include_names) {
    SIM_CALL(int, nvrtcCreateProgram)
    if (source == nullptr || header_count < 0 || (header_count > 0 && (headers == nullptr || include_names == nullptr))) {
        complain("the source or the headers are null");
        return kOutOfRange;
    }
    auto* program = new Program;
    program->name = name == nullptr ? "default_program" : base_name(name);
    program->checksum = fnv1a64(source, std::strlen(source));
    for (int i = 0; i < header_count; ++i) {
        program->checksum = fnv1a64(headers[i], std::strlen(headers[i]), program->checksum);
    }
    programs().insert(program);
    count_live("nvrtc.program", 1);
    *result = program;
    return 0;
}

SIM_EXPORT int nvrtcCompileProgram(void* handle, int count, const char* const* options) {
    SIM_CALL(int, nvrtcCompileProgram)
    PROGRAM(program, handle)
    int architecture = 0;
    for (int i = 0; i < count; ++i) {
        const std::string option = options[i];
        if (option.empty() || option[0] != '-') {
            program->log = "unrecognized option '" + option + "' found\n";
            return kInvalidOption;
        }
        const auto sm = option.find("sm_");
        if (option.find("arch") != std::string::npos && sm != std::string::npos) {
            architecture = std::atoi(option.c_str() + sm + 3);
        }
    }
    const HostKernels& kernels = host_kernels();
    if (kernels.table == nullptr) {
        program->log = "the simulated GPU was built without host kernels: " + kernels.problem + "\n";
        return kCompilation;
    }
    const std::uint64_t known = kernels.source_checksum(program->name.c_str());
    if (known != program->checksum) {
        program->log = known == 0
            ? program->name + " is not among the kernels that the simulated GPU was built with\n"
            : program->name + " differs from the text that the simulated GPU was built with; build native/simgpu again\n";
        return kCompilation;
    }
    if (architecture == 0) {
        program->log = "no --gpu-architecture=sm_NN: only cubins are simulated\n";
        return kInvalidOption;
    }
    ImageHeader header{};
    std::strncpy(header.magic, kImageMagic, sizeof header.magic - 1);
    std::strncpy(header.program, program->name.c_str(), sizeof header.program - 1);
    header.checksum = known;
    header.architecture = architecture;
    program->image.assign(reinterpret_cast<const char*>(&header), sizeof header);
    program->log.clear();
    return 0;
}

SIM_EXPORT int nvrtcGetCUBINSize(void* handle, std::size_t* bytes) {
    SIM_CALL(int, nvrtcGetCUBINSize)
    PROGRAM(program, handle)
    *bytes = program->image.size();
    return 0;
}

SIM_EXPORT int nvrtcGetCUBIN(void* handle, char* image) {
    SIM_CALL(int, nvrtcGetCUBIN)
    PROGRAM(program, handle)
    return program->image.empty() ? kOutOfRange : copy(program->image, image);
}

SIM_EXPORT int nvrtcGetProgramLogSize(void* handle, std::size_t* bytes) {
    SIM_CALL(int, nvrtcGetProgramLogSize)
    PROGRAM(program, handle)
    *bytes = program->log.size() + 1;
    return 0;
}

SIM_EXPORT int nvrtcGetProgramLog(void* handle, char* log) {
    SIM_CALL(int, nvrtcGetProgramLog)
    PROGRAM(program, handle)
    copy(program->log, log);
    log[program->log.size()] = 0;
    return 0;
}

SIM_EXPORT int nvrtcDestroyProgram(void** handle) {
    SIM_RELEASE(nvrtcDestroyProgram)
    PROGRAM(program, *handle)
    programs().erase(program);
    count_live("nvrtc.program", -1);
    delete program;
    *handle = nullptr;
    return sim_call.after(0);
}

SIM_EXPORT int nvrtcGetNumSupportedArchs(int* count) {
    SIM_CALL(int, nvrtcGetNumSupportedArchs)
    *count = 5;
    return 0;
}

SIM_EXPORT int nvrtcGetSupportedArchs(int* architectures) {
    SIM_CALL(int, nvrtcGetSupportedArchs)
    const int all[] = {75, 80, 86, 89, 90};
    std::memcpy(architectures, all, sizeof all);
    return 0;
}
