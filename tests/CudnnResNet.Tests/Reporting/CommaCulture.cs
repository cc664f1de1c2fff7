using System.Globalization;

namespace CudnnResNet.Tests.Reporting;

/// <summary>A culture that writes 1.5 as 1,5 and -1 as ~1, made by hand because named ones may not be installed.</summary>
internal static class CommaCulture
{
    internal static CultureInfo Make()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NegativeSign = "~";
        return culture;
    }
}
