// cudnnStatus_t: the codes that the simulator answers.
#pragma once

namespace simgpu::cudnn {

enum Status : int {
    kSuccess = 0,
    kNotInitialized = 1001,
    kBadParam = 2000,
    kNullPointer = 2002,
    kMisalignedPointer = 2003,
    kNotFinalized = 2004,
    kOutOfBound = 2005,
    kSizeInsufficient = 2006,
    kStreamMismatch = 2007,
    kShapeMismatch = 2008,
    kDuplicatedEntries = 2009,
    kAttributeType = 2010,
    kDescriptorType = 2012,
    kNotSupported = 3000,
    kUnsupportedPattern = 3001,
    kUnsupportedShape = 3002,
    kUnsupportedDataType = 3003,
    kUnsupportedLayout = 3004,
    kUnsupportedArchitecture = 3007,
    kInternalError = 4000,
    kAllocationFailed = 4003,
    kExecutionFailed = 5000,
    kExecutionFailedDriver = 5001,
};

const char* status_name(int status);

}  // namespace simgpu::cudnn
