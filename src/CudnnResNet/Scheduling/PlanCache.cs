using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CudnnResNet.Scheduling;

/// <summary>
/// Measured times on disk, one file for each backend identity (device, driver, library versions, threads). The file
/// is a text: a first line with format and checksum, then identity, then <c>microseconds TAB kernel TAB problem</c>.
/// Whatever does not check out (another format, another identity, a damaged byte) is ignored and written anew.
/// </summary>
public sealed class PlanCache
{
    private const string Format = "cudnnresnet-plan-cache 3";

    private readonly string? _path;
    private readonly string _identity;
    private readonly SortedDictionary<string, double> _times = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> _passing = new(StringComparer.Ordinal);
    private bool _isChanged;

    private PlanCache(string? path, string identity) => (_path, _identity) = (path, identity);

    /// <summary>The folder that hosts use unless told otherwise: under XDG_CACHE_HOME, or ~/.cache.</summary>
    public static string DefaultFolder
    {
        get
        {
            string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (string.IsNullOrEmpty(cache))
                cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            return Path.Combine(cache, "cudnnresnet", "plans");
        }
    }

    /// <summary>Opens the cache of a backend; without a folder, times live only as long as the object.</summary>
    public static PlanCache Open(string? folder, string identity)
    {
        if (folder is null)
            return new PlanCache(null, identity);
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)))[..16];
        PlanCache cache = new(Path.Combine(folder, $"{hash}.plans"), identity);
        cache.Load();
        return cache;
    }

    public double? Find(string kernel, string problem) =>
        _passing.TryGetValue($"{kernel}\t{problem}", out double microseconds)
        || _times.TryGetValue($"{kernel}\t{problem}", out microseconds) ? microseconds : null;

    /// <param name="kernel">Its name.</param>
    /// <param name="problem">The problem's line.</param>
    /// <param name="microseconds">Measured.</param>
    /// <param name="isLasting">False for a time that is known for as long as the object lives, and not written.</param>
    public void Add(string kernel, string problem, double microseconds, bool isLasting = true)
    {
        (isLasting ? _times : (IDictionary<string, double>)_passing)[$"{kernel}\t{problem}"] = microseconds;
        _isChanged |= isLasting;
    }

    /// <summary>
    /// Writes what is new beside what other processes have written since; own times win. A folder that cannot be written
    /// costs a new measurement next time, nothing else.
    /// </summary>
    public void Save()
    {
        if (_path is null || !_isChanged)
            return;
        Load();
        _isChanged = !CheckedText.TryWrite(_path, Format, Body());
    }

    private string Body()
    {
        StringBuilder text = new();
        text.Append(_identity.ReplaceLineEndings(" ")).Append('\n');
        foreach ((string key, double time) in _times)
            text.Append(time.ToString("R", CultureInfo.InvariantCulture)).Append('\t').Append(key).Append('\n');
        return text.ToString();
    }

    /// <summary>Takes from the file what is not known here.</summary>
    private void Load()
    {
        if (CheckedText.Read(_path!, Format) is not { } body)
            return;
        string[] lines = body.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0] != _identity.ReplaceLineEndings(" "))
            return;
        foreach (string line in lines.Skip(1))
        {
            int tab = line.IndexOf('\t', StringComparison.Ordinal);
            if (tab > 0 && double.TryParse(line.AsSpan(0, tab), CultureInfo.InvariantCulture, out double time)
                && time > 0)
                _times.TryAdd(line[(tab + 1)..], time);
        }
    }
}
