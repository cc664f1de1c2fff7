using System.CommandLine;
using CudnnResNet.Cli.Flags;
using CudnnResNet.Data;
using CudnnResNet.Imaging.Records;

namespace CudnnResNet.Cli.Commands;

/// <summary>Reads every image of a set, and names those that are damaged.</summary>
internal sealed class DataVerifyCommand(Terminal terminal)
{
    private readonly DataFlags _data = new();

    public static Command Create(Terminal terminal)
    {
        DataVerifyCommand verify = new(terminal);
        Command command = new("verify", "Read every image and compare checksums; damaged ones are named, and the exit code is 2.");
        verify._data.AddTo(command);
        command.SetAction(verify.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        DataRequest request = _data.Read(parsed, terminal);
        int damaged = Verify(request.Load(train: true, classes: null));
        if (request.HasTestPart)
            damaged += Verify(request.Load(train: false, classes: null));
        return damaged == 0 ? CommandLine.Done : CommandLine.CallersFault;
    }

    private int Verify(IDataSet data)
    {
        HashSet<int> damaged = [];
        if (data is RecordSet records)
            foreach (int index in records.FindDamaged())
            {
                damaged.Add(index);
                terminal.Output.WriteLine($"{records.Name}: image {index}: its bytes have another checksum than the index says");
            }
        DamagedImages found = new(1, (index, message) =>
        {
            if (damaged.Add(index))
                terminal.Output.WriteLine(message);
        });
        EvaluationBatches batches = new(data, Math.Min(data.Count, 64), Normalization.None, found);
        for (int index = 0; index < batches.BatchCount; index++)
            batches.Read(index);
        terminal.Output.WriteLine($"{data.Name}: {data.Count} images, {damaged.Count} damaged");
        return damaged.Count;
    }
}
