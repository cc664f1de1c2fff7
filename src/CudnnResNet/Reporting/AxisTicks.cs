using System.Globalization;

namespace CudnnResNet.Reporting;

/// <summary>Round positions along an axis and their labels.</summary>
internal sealed class AxisTicks
{
    private readonly Func<double, string> _label;

    private AxisTicks(double first, double step, int count, Func<double, string> label)
    {
        First = first;
        Step = step;
        Count = count;
        _label = label;
    }

    internal double First { get; }

    internal double Step { get; }

    internal int Count { get; }

    internal double Last => this[Count - 1];

    // A multiple, not a running sum, so that zero is zero.
    internal double this[int index] => (Math.Round(First / Step) + index) * Step;

    internal string Label(int index) => _label(this[index]);

    /// <summary>Steps of 1, 2 or 5 times a power of ten that lie inside [low, high].</summary>
    internal static AxisTicks Inside(double low, double high, int about)
    {
        double step = DecimalStep(high - low, about);
        return Decimal(Math.Ceiling((low / step) - 1e-9) * step, Math.Floor((high / step) + 1e-9) * step, step);
    }

    /// <summary>The same steps, from the last at or below <paramref name="low"/> to the first at or above <paramref name="high"/>.</summary>
    internal static AxisTicks Around(double low, double high, int about)
    {
        double step = DecimalStep(high - low, about);
        return Decimal(Math.Floor((low / step) + 1e-9) * step, Math.Ceiling((high / step) - 1e-9) * step, step);
    }

    /// <summary>Steps of a power of two of bytes from 0 up to <paramref name="high"/>.</summary>
    internal static AxisTicks Bytes(double high, int about)
    {
        double step = Math.Pow(2, Math.Max(0, Math.Round(Math.Log2(high / about))));
        return Between(0, Math.Floor(high / step) * step, step, ByteSizes.Format);
    }

    private static AxisTicks Between(double first, double last, double step, Func<double, string> label) =>
        new(first, step, (int)Math.Round((last - first) / step) + 1, label);

    private static AxisTicks Decimal(double first, double last, double step) =>
        Between(first, last, step, DecimalLabel(step, Math.Max(Math.Abs(first), Math.Abs(last))));

    private static double DecimalStep(double range, int about)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(range / about)));
        double multiple = range / about / power;
        return power * (multiple <= 1.0001 ? 1 : multiple <= 2.0001 ? 2 : multiple <= 5.0001 ? 5 : 10);
    }

    // One unit for the whole axis, chosen by its largest value.
    private static Func<double, string> DecimalLabel(double step, double largest)
    {
        (double unit, string suffix) = largest switch
        {
            >= 1e15 => (1.0, ""),
            >= 1e9 => (1e9, "G"),
            >= 1e6 => (1e6, "M"),
            >= 1e4 => (1e3, "k"),
            _ => (1.0, ""),
        };
        if (largest is < 1e-4 or >= 1e15)
            return value => value == 0 ? "0" : value.ToString("0.##e0", CultureInfo.InvariantCulture);
        int decimals = Math.Max(0, (int)-Math.Floor(Math.Log10(step / unit) + 1e-9));
        string format = "F" + decimals.ToString(CultureInfo.InvariantCulture);
        return value => (value / unit).ToString(format, CultureInfo.InvariantCulture) + (value == 0 ? "" : suffix);
    }
}
