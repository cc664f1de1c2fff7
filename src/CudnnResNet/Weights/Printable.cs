namespace CudnnResNet.Weights;

/// <summary>Names from files in messages: one line, of bounded length, without control characters.</summary>
internal static class Printable
{
    private const int Longest = 300;

    public static string Text(string text)
    {
        if (text.Length <= Longest && !text.Any(char.IsControl))
            return text;
        string shown = text.Length <= Longest ? text : text[..Longest] + "…";
        return string.Create(shown.Length, shown, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = char.IsControl(from[i]) ? '?' : from[i];
        });
    }
}
