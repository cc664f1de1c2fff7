using System.Globalization;

namespace CudnnResNet.Data;

/// <summary>Counts a set's images that cannot be read, and ends the run where they are too many. Any thread may report.</summary>
/// <param name="MaxShare">Of the set's images; above it, the run ends.</param>
/// <param name="Report">Hears of each image once: its index and what is wrong, with its name.</param>
public sealed record DamagedImages(double MaxShare = DamagedImages.StandardShare, Action<int, string>? Report = null)
{
    public const double StandardShare = 0.001;

    private readonly HashSet<int> _seen = [];

    /// <summary>Different images so far.</summary>
    public int Count
    {
        get
        {
            lock (_seen)
                return _seen.Count;
        }
    }

    /// <exception cref="ResNetException">More than the share of the set is damaged.</exception>
    internal void Add(IDataSet set, int index, DamagedImageException damage)
    {
        int count;
        lock (_seen)
        {
            if (!_seen.Add(index))
                return;
            count = _seen.Count;
            Report?.Invoke(index, damage.Message);
        }
        if (count > MaxShare * set.Count)
            throw new ResNetException(string.Create(CultureInfo.InvariantCulture,
                $"{set.Name}: {count} of {set.Count} images cannot be read, more than {100 * MaxShare:0.###} % (the last: {damage.Message}); ")
                + "repair or remove them, or allow more with --max-bad", damage);
    }
}
