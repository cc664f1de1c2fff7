namespace CudnnResNet.Data;

/// <summary>The order of an epoch's samples, which depends on the seed and the epoch alone.</summary>
internal sealed class EpochOrder(int count, ulong seed, bool shuffle)
{
    // Keeps the order's numbers apart from those of the augmentation.
    private const ulong OrderStream = 0x6F72646572;

    private readonly int[] _samples = new int[count];
    private long _epoch;

    /// <summary>The samples of an epoch, in order; valid until another epoch is asked for.</summary>
    public ReadOnlySpan<int> Of(long epoch)
    {
        if (epoch == _epoch)
            return _samples;
        for (int i = 0; i < _samples.Length; i++)
            _samples[i] = i;
        if (shuffle)
        {
            var random = CounterRandom.For(seed, OrderStream, (ulong)epoch);
            for (int i = _samples.Length - 1; i > 0; i--)
            {
                int j = random.Below(i + 1, (ulong)i);
                (_samples[i], _samples[j]) = (_samples[j], _samples[i]);
            }
        }
        _epoch = epoch;
        return _samples;
    }
}
