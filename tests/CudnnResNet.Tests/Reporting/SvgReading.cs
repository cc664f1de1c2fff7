using System.Globalization;
using System.Xml;
using System.Xml.Linq;

namespace CudnnResNet.Tests.Reporting;

/// <summary>Reads back what is drawn, through System.Xml: markup that is not well formed fails here.</summary>
internal static class SvgReading
{
    internal static XDocument Parse(string markup)
    {
        using var reader = XmlReader.Create(new StringReader(markup), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }

    internal static IEnumerable<XElement> Elements(this XContainer container, string name, string cssClass) =>
        container.Descendants().Where(element => element.Name.LocalName == name && element.Classes().Contains(cssClass));

    internal static string[] Classes(this XElement element) => ((string?)element.Attribute("class") ?? "").Split(' ');

    internal static double Number(this XElement element, string attribute) =>
        double.Parse(element.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);

    /// <summary>The corners of a path of absolute moves and lines, one list for each unbroken part.</summary>
    internal static List<List<(double X, double Y)>> Parts(this XElement path)
    {
        List<List<(double, double)>> parts = [];
        foreach (string part in path.Attribute("d")!.Value.Split('M', StringSplitOptions.RemoveEmptyEntries))
        {
            List<(double, double)> points = [];
            foreach (string point in part.Replace("h0", "", StringComparison.Ordinal).Split('L'))
            {
                string[] numbers = point.Split(',');
                points.Add((double.Parse(numbers[0], CultureInfo.InvariantCulture), double.Parse(numbers[1], CultureInfo.InvariantCulture)));
            }

            parts.Add(points);
        }

        return parts;
    }
}
