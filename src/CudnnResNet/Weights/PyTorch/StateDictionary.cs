namespace CudnnResNet.Weights.PyTorch;

/// <summary>Finds the tensors in what a checkpoint holds: a state_dict alone, or under one of the usual keys.</summary>
internal static class StateDictionary
{
    private const int DeepestKey = 3;

    /// <summary>Where training scripts keep the weights, the likeliest first.</summary>
    private static readonly string[] Keys =
        ["state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params"];

    /// <exception cref="ResNetException">There is no state_dict; the message says what there is.</exception>
    public static IReadOnlyList<(string Name, PickleTensor Tensor)> Find(object? root, string path)
    {
        object? at = root;
        for (int depth = 0; depth <= DeepestKey && at is PickleDictionary dictionary; depth++)
        {
            if (dictionary.Items.Count > 0 && dictionary.Items.All(item => item.Key is string && item.Value is PickleTensor))
                return [.. dictionary.Items.Select(item => ((string)item.Key!, (PickleTensor)item.Value!))];
            if (Keys.Select(dictionary.Get).FirstOrDefault(value => value is PickleDictionary) is not { } inner)
            {
                // Some write other things beside the tensors of the state_dict itself.
                (string, PickleTensor)[] tensors = [.. dictionary.Items
                    .Where(item => item is { Key: string, Value: PickleTensor })
                    .Select(item => ((string)item.Key!, (PickleTensor)item.Value!))];
                return tensors.Length > 0 ? tensors : throw Missing(dictionary, path);
            }
            at = inner;
        }
        throw new ResNetException($"{path}: holds no dictionary of tensors; save the weights with torch.save(model.state_dict(), path)");
    }

    private static ResNetException Missing(PickleDictionary dictionary, string path)
    {
        string[] keys = [.. dictionary.Items.Select(item => item.Key).OfType<string>().Take(6).Select(key => $"'{key}'")];
        return new ResNetException($"{path}: holds no tensors under {string.Join(", ", Keys.Take(4))}, only "
            + $"{(keys.Length == 0 ? "an empty dictionary" : Printable.Text(string.Join(", ", keys)))}; "
            + "save the weights with torch.save(model.state_dict(), path)");
    }
}
