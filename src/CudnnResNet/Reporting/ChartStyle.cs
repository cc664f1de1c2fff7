namespace CudnnResNet.Reporting;

/// <summary>The colours and lettering that all drawings share, for light and dark backgrounds.</summary>
internal static class ChartStyle
{
    /// <summary>Series and kinds beyond these colours start over.</summary>
    internal const int Colours = 8;

    // Around a drawing that stands alone.
    private const double Padding = 14;

    /// <summary>Holds in a page and in a drawing that stands alone, where :root is the svg element.</summary>
    internal const string Css = """
        :root{color-scheme:light dark;--page:#fff;--card:#fff;--ink:#1b1f24;--soft:#646b73;--line:#e4e6e8;--axis:#b9bec4;
        --c0:#2a6fbb;--c1:#d9722a;--c2:#2f8f63;--c3:#7c5cb0;--c4:#c2455b;--c5:#24909c;--c6:#b08a1a;--c7:#868d95;
        --good:#2a6fbb;--bad:#c8442f}
        @media (prefers-color-scheme:dark){:root{--page:#13161a;--card:#191d22;--ink:#e3e6e9;--soft:#9aa2ab;--line:#2a3037;--axis:#4b535c;
        --c0:#62a6ee;--c1:#f09a5b;--c2:#5fc094;--c3:#b096e4;--c4:#ef8093;--c5:#57c4cf;--c6:#d9b850;--c7:#949ca5;
        --good:#4e97e6;--bad:#f0705a}}
        svg.chart{display:block;width:100%;height:auto;font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;fill:var(--soft)}
        svg.chart text{font-variant-numeric:tabular-nums}
        svg.chart .page{fill:var(--page)}
        svg.chart .title{font-size:13px;font-weight:600;fill:var(--ink)}
        svg.chart .ink{fill:var(--ink)}
        svg.chart .back{fill:none}
        svg.chart .grid{stroke:var(--line);stroke-width:1;fill:none}
        svg.chart .axis{stroke:var(--axis);stroke-width:1;fill:none}
        svg.chart .curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
        svg.chart .thin{stroke-width:1;opacity:.36}
        svg.chart .dashed{stroke-dasharray:5 4}
        svg.chart .s0{stroke:var(--c0)}svg.chart .s1{stroke:var(--c1)}svg.chart .s2{stroke:var(--c2)}svg.chart .s3{stroke:var(--c3)}
        svg.chart .s4{stroke:var(--c4)}svg.chart .s5{stroke:var(--c5)}svg.chart .s6{stroke:var(--c6)}svg.chart .s7{stroke:var(--c7)}
        svg.chart .f0{fill:var(--c0)}svg.chart .f1{fill:var(--c1)}svg.chart .f2{fill:var(--c2)}svg.chart .f3{fill:var(--c3)}
        svg.chart .f4{fill:var(--c4)}svg.chart .f5{fill:var(--c5)}svg.chart .f6{fill:var(--c6)}svg.chart .f7{fill:var(--c7)}
        svg.chart .good{fill:var(--good)}svg.chart .bad{fill:var(--bad)}
        svg.chart .onfill{fill:#fff}
        """;

    /// <summary>Begins a drawing; one that stands alone brings the style and a background along.</summary>
    internal static void OpenSvg(Markup svg, double width, double height, string label, bool standAlone)
    {
        double pad = standAlone ? Padding : 0;
        svg.Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\" aria-label=\"{label}\" ");
        svg.Add($"viewBox=\"{-pad} {-pad} {width + (2 * pad)} {height + (2 * pad)}\"");
        if (standAlone)
        {
            svg.Add($" width=\"{width + (2 * pad)}\" height=\"{height + (2 * pad)}\"><style>");
            svg.AddMarkup(Css);
            svg.Add($"</style><rect class=\"page\" x=\"{-pad}\" y=\"{-pad}\" width=\"{width + (2 * pad)}\" height=\"{height + (2 * pad)}\"/>\n");
        }
        else
        {
            svg.Add($">\n");
        }
    }
}
