using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace CudnnResNet.Tests;

/// <summary>Runs the tests whose full names contain one of some words, one after the other, and writes what came of each as JSON.</summary>
internal static class StandaloneRun
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private sealed record Outcome(string Test, string Result, double Seconds, string? Message);

    /// <returns>0 where at least one test passed and none failed.</returns>
    public static int Run(string report, string[] names)
    {
        Assembly assembly = typeof(StandaloneRun).Assembly;
        using Sink nothing = new(), discovery = new(), execution = new();
        using XunitTestFramework framework = new(nothing);
        Options options = new();
        framework.GetDiscoverer(Reflector.Wrap(assembly)).Find(includeSourceInformation: false, discovery, options);
        discovery.Done.Wait();
        ITestCase[] cases = [.. discovery.Cases.Where(test => names.Length == 0
            || names.Any(name => test.DisplayName.Contains(name, StringComparison.Ordinal)))];
        framework.GetExecutor(assembly.GetName()).RunTests(cases, execution, options);
        execution.Done.Wait();
        Outcome[] outcomes = [.. execution.Outcomes.OrderBy(outcome => outcome.Test, StringComparer.Ordinal)];
        File.WriteAllText(report, JsonSerializer.Serialize(outcomes, Format));
        int Count(string result) => outcomes.Count(outcome => outcome.Result == result);
        Console.WriteLine($"{Count("passed")} passed, {Count("failed")} failed, {Count("skipped")} skipped");
        return Count("failed") == 0 && Count("passed") > 0 ? 0 : 1;
    }

    private sealed class Sink : LongLivedMarshalByRefObject, IMessageSink, IDisposable
    {
        public ConcurrentQueue<ITestCase> Cases { get; } = [];

        public ConcurrentQueue<Outcome> Outcomes { get; } = [];

        public ManualResetEventSlim Done { get; } = new();

        public bool OnMessage(IMessageSinkMessage message)
        {
            switch (message)
            {
                case ITestCaseDiscoveryMessage discovered:
                    Cases.Enqueue(discovered.TestCase);
                    break;
                case ITestPassed passed:
                    Add(passed.Test, "passed", passed.ExecutionTime, null);
                    break;
                case ITestSkipped skipped:
                    Add(skipped.Test, "skipped", 0, skipped.Reason);
                    break;
                case ITestFailed failed:
                    Add(failed.Test, "failed", failed.ExecutionTime, string.Join("; ", failed.Messages));
                    break;
                case IDiscoveryCompleteMessage or ITestAssemblyFinished:
                    Done.Set();
                    break;
            }
            return true;
        }

        public void Dispose() => Done.Dispose();

        private void Add(ITest test, string result, decimal seconds, string? message)
        {
            Outcomes.Enqueue(new Outcome(test.DisplayName, result, (double)seconds, message));
            if (result != "passed")
                Console.WriteLine($"{result} {test.DisplayName}: {message}");
        }
    }

    /// <summary>One test at a time: they share one device.</summary>
    private sealed class Options : LongLivedMarshalByRefObject, ITestFrameworkDiscoveryOptions, ITestFrameworkExecutionOptions
    {
        private readonly Dictionary<string, object> _values = new()
        {
            ["xunit.execution.DisableParallelization"] = true,
            ["xunit.execution.SynchronousMessageReporting"] = true,
        };

        public TValue GetValue<TValue>(string name) => _values.TryGetValue(name, out object? value) ? (TValue)value : default!;

        public void SetValue<TValue>(string name, TValue value) => _values[name] = value!;
    }
}
