namespace CudnnResNet.Reporting;

/// <summary>The report's page style; colours come from <see cref="ChartStyle"/>.</summary>
internal static class ReportStyle
{
    internal const string Css = """

        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);font:14px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;-webkit-text-size-adjust:100%}
        main{max-width:1120px;margin:0 auto;padding:36px 24px 48px}
        h1{font-size:18px;font-weight:600;margin:0 0 14px}
        h2{font-size:13px;font-weight:600;margin:0 0 8px}
        section,header{margin-bottom:14px}
        header{margin-bottom:22px}
        .pictures{margin:24px 0}
        .memory svg.chart .page{fill:none}
        figure{margin:0}
        figcaption,.note{color:var(--soft);font-size:12px;margin:0 0 10px}
        table{border-collapse:collapse;width:100%;font-size:12.5px;font-variant-numeric:tabular-nums}
        th{font-weight:400;text-align:left}
        thead th{color:var(--soft);font-size:12px}
        th,td{padding:3px 8px 3px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
        tbody tr:last-child>*{border-bottom:0}
        .card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:16px}
        .headline{display:flex;align-items:center;gap:36px;flex-wrap:wrap}
        .result{margin:0;display:flex;flex-direction:column}
        .result strong{font-size:52px;line-height:1.05;font-weight:650;letter-spacing:-.02em;color:var(--c0);white-space:nowrap}
        .result span{color:var(--soft)}
        dl{margin:0}
        dt{color:var(--soft);font-size:12px}
        dd{margin:0;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
        .headline dl{flex:1;display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:10px 28px;border-left:1px solid var(--line);padding-left:36px}
        .headline dd{font-size:15px}
        .curves{display:grid;grid-template-columns:1fr 1fr;gap:14px}
        .curves figcaption{margin:8px 0 0;color:var(--bad)}
        .classes{display:grid;grid-template-columns:1.25fr 1fr;gap:14px}
        .numbers td,.numbers thead th:not(:first-child){text-align:right;white-space:nowrap}
        .numbers td:last-child,.numbers thead th:last-child{padding-right:0}
        .numbers tfoot>tr>*{border-top:1px solid var(--axis);border-bottom:0;font-weight:600}
        .numbers+h2{margin-top:20px}
        .sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(116px,1fr));gap:8px}
        .sheet figure{border:3px solid transparent;border-radius:8px;padding:3px}
        .sheet img{display:block;width:100%;aspect-ratio:1;object-fit:contain;background:#000;border-radius:3px}
        .sheet .crisp{image-rendering:pixelated}
        .sheet figcaption{margin:4px 0 0;font-size:11.5px;line-height:1.35;display:flex;flex-wrap:wrap;justify-content:space-between;column-gap:4px;font-variant-numeric:tabular-nums}
        .sheet .answer,.sheet .truth{flex:1 1 70%;overflow-wrap:anywhere}
        .sheet .answer{color:var(--ink)}
        .sheet .miss{border-color:var(--bad)}
        .sheet .miss .answer{color:var(--bad);font-weight:600}
        .missing{border-left:4px solid var(--c6);margin-bottom:14px}
        .missing ul{margin:0;padding-left:18px}
        .legend{list-style:none;margin:0;padding:0;display:grid;gap:4px}
        .legend .swatch{display:inline-block;width:22px;height:8px;margin-right:8px;vertical-align:1px}
        .legend span{color:var(--soft)}
        .wide{overflow-x:auto}
        .leader{font-weight:600;color:var(--c0)}
        .differences th,.differences td,.results th{padding-right:18px}
        .differences tbody th{color:var(--soft);white-space:nowrap}
        .figures{display:flex;flex-wrap:wrap;gap:8px 36px;margin-bottom:16px}
        pre{margin:0 0 14px;padding:10px 12px;background:var(--page);border:1px solid var(--line);border-radius:6px;font:12.5px/1.5 ui-monospace,"SF Mono",Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere}
        .columns{display:grid;grid-template-columns:1fr 1fr;gap:8px 36px;align-items:start}
        .columns tbody th{color:var(--soft);width:38%}
        @media (max-width:760px){.curves,.classes,.columns{grid-template-columns:minmax(0,1fr)}.headline{gap:18px}.headline dl{border:0;padding:0}main{padding:20px 14px}.card{padding:12px}svg.chart{font-size:14px;overflow:visible}svg.chart .title{font-size:16px}.memory svg.chart{min-width:760px}.memory,.classes figure{overflow-x:auto}.classes svg.chart{min-width:440px}}
        @media print{main{max-width:none;padding:0}.card,.sheet figure,figure{break-inside:avoid}}
        """;
}
