using CudnnResNet.Cli;

return CommandLine.Run(args, Terminal.OfProcess());
