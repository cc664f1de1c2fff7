using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace CudnnResNet.Reporting;

/// <summary>
/// Text of an XHTML or SVG document in the making. It is written with interpolated strings: their literal parts are
/// markup, every hole is data and is escaped, so that text from files cannot become markup by oversight.
/// </summary>
internal sealed class Markup
{
    private readonly StringBuilder _text = new();

    [SuppressMessage("Performance", "CA1822", Justification = "The handler appends to this instance.")]
    internal void Add([InterpolatedStringHandlerArgument("")] ref Hole markup) => _ = markup;

    /// <summary>Appends text that is markup already.</summary>
    internal void AddMarkup(string markup) => _text.Append(markup);

    public override string ToString() => _text.ToString();

    private void AppendEscaped(ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            switch (c)
            {
                case '&': _text.Append("&amp;"); break;
                case '<': _text.Append("&lt;"); break;
                case '>': _text.Append("&gt;"); break;
                case '"': _text.Append("&quot;"); break;
                case '\'': _text.Append("&#39;"); break;
                case '\t' or '\n' or '\r': _text.Append(c); break;
                case < ' ' or '\uFFFE' or '\uFFFF': _text.Append('\uFFFD'); break;
                case >= '\uD800' and <= '\uDFFF':
                    if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                        _text.Append(c).Append(text[++i]);
                    else
                        _text.Append('\uFFFD');
                    break;
                default: _text.Append(c); break;
            }
        }
    }

    [InterpolatedStringHandler]
    internal readonly ref struct Hole
    {
        private readonly Markup _markup;

        public Hole(int literalLength, int formattedCount, Markup markup)
        {
            _ = literalLength + formattedCount;
            _markup = markup;
        }

        public void AppendLiteral(string markup) => _markup._text.Append(markup);

        public void AppendFormatted(string? text) => _markup.AppendEscaped(text);

        public void AppendFormatted(long number) => _markup._text.Append(CultureInfo.InvariantCulture, $"{number}");

        /// <summary>Appends a coordinate; hundredths of a pixel are enough.</summary>
        public void AppendFormatted(double number) => AppendFormatted(number, "0.##");

        public void AppendFormatted(double number, string format)
        {
            string text = number.ToString(format, CultureInfo.InvariantCulture);
            _markup._text.Append(text == "-0" ? "0" : text);
        }
    }
}
