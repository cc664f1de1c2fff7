namespace CudnnResNet;

/// <summary>
/// A problem the user can act on: a bad file, flag, shape or device. The message is one line that names the thing,
/// the value and the remedy; hosts show it as it is (the command line with exit code 2).
/// </summary>
public class ResNetException : Exception
{
    public ResNetException(string message) : base(message) { }

    public ResNetException(string message, Exception cause) : base(message, cause) { }
}
