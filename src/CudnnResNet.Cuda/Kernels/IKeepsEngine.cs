namespace CudnnResNet.Cuda.Kernels;

/// <summary>A loaded kernel that runs one of cuDNN's engines, which can be kept on disk for the next start.</summary>
internal interface IKeepsEngine
{
    void KeepEngine();
}
