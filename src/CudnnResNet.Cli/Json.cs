using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using CudnnResNet.Cli.Commands;
using CudnnResNet.Cli.Plans;

namespace CudnnResNet.Cli;

/// <summary>The objects that commands print for other programs: one line each, names in camelCase.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BenchReport))]
[JsonSerializable(typeof(Classified))]
[JsonSerializable(typeof(DataBenchReport))]
[JsonSerializable(typeof(DataReport))]
[JsonSerializable(typeof(EvalReport))]
[JsonSerializable(typeof(SummaryReport))]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(PlanReport))]
[JsonSerializable(typeof(IReadOnlyList<DataSetReport>))]
internal sealed partial class Json : JsonSerializerContext
{
    public static string Text<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.Serialize(value, type);
}
