using System.Collections.Immutable;
using System.Diagnostics;
using CudnnResNet.Compilation;
using CudnnResNet.Data;
using CudnnResNet.Execution;
using CudnnResNet.Inference;
using CudnnResNet.Kernels;
using CudnnResNet.Models;
using CudnnResNet.Weights;

namespace CudnnResNet.Training;

/// <summary>How a run ended.</summary>
/// <param name="Steps">Steps done, earlier runs that were resumed included.</param>
/// <param name="IsCancelled">Stopped by the host before its end; the last checkpoint continues it.</param>
/// <param name="Test">The last evaluation; null without a test set.</param>
/// <param name="BestAccuracy">The best test accuracy of the run, of the weights or of their moving average.</param>
public sealed record TrainingResult(long Steps, bool IsCancelled, Evaluation? Test, double? BestAccuracy)
{
    /// <summary>The last evaluation of the moving average; null where none is kept.</summary>
    public Evaluation? EmaTest { get; init; }

    /// <summary>Its patience ended the run.</summary>
    public bool IsStoppedEarly { get; init; }
}

/// <summary>
/// Trains a network: batches in, one plan a step, an evaluation and checkpoints at the end of each epoch. Where the device
/// works beside its host, the next steps are submitted before a step's loss is read; evaluations, checkpoints and the end
/// wait for all of them. It stops at the next step when it is cancelled, and saves.
/// </summary>
public sealed class Trainer : IDisposable
{
    private TrainingOptions _options;
    private readonly IDataSet _train;
    private readonly IDataSet? _test;
    private readonly PlanGroup _plans;
    private readonly TrainingStage[] _stages;
    /// <summary>Of the last stage; all of them have one copy of the weights and of the optimizer's state.</summary>
    private readonly TrainingSession _session;
    private readonly InferenceSession? _inference;
    private readonly LoaderOptions _loaderOptions;
    private readonly float[] _logits;
    private readonly GivenSteps _given;
    private readonly ImmutableArray<TrajectoryFact> _facts;
    private readonly ScalingHistory _scaling;
    private TrainingProgress _progress;
    private (string Path, long Step)? _saved;
    private long _lastTick;

    private Trainer(TrainingOptions options, IDataSet train, IDataSet? test,
        PlanGroup plans, TrainingSession[] sessions, IDataSet[] data, InferenceSession? inference, ImmutableArray<TrajectoryFact> facts,
        IBackend backend)
    {
        _plans = plans;
        _facts = facts;
        _options = options;
        _train = train;
        _test = test;
        _session = sessions[^1];
        _inference = inference;
        // What an evaluation needs of a fixed size is taken now; memory for decoded files grows with the first batches.
        _ = inference?.Accepts(test!, options.Normalization);
        _logits = new float[_session.LogitElements];
        _given = new GivenSteps(Math.Max(1, _session.MostPending), _session.Batch);
        _progress = TrainingProgress.Start with { Seed = options.Seed };
        _loaderOptions = LoaderOptionsOf(options) with
        {
            Accepted = sessions.Zip(data, (session, images) => session.Accepts(images, options.Normalization)).Min(),
        };
        // Without crops images are scaled as for an evaluation, which is done in one way alone.
        bool isScaledByDevice = options.Augmentation.CropsOrFlips && data.Any(images => _loaderOptions.FormFor(images) == BatchForm.Files);
        _scaling = new ScalingHistory(isScaledByDevice ? backend : null);
        TotalSteps = options.Steps ?? _loaderOptions.StepsThrough(options.Epochs, train.Count);
        _stages = [.. sessions.Zip(data, (session, images) => (session, images)).Select((pair, i) => new TrainingStage(
            i == 0 ? 0 : _loaderOptions.StepsThrough(options.ImageSizes[i].Epoch, train.Count), pair.session, pair.images))];
    }

    public long TotalSteps
    {
        get;
        private set => field = value <= TrainingOptions.MostSteps
            ? value
            : throw new ResNetException($"{_options.Epochs} epochs are {value} steps, and {TrainingOptions.MostSteps} is the most; give fewer epochs.");
    }

    /// <summary>The run as it will be: <see cref="FitInto"/> changes its length.</summary>
    public TrainingOptions Options => _options;

    public TrainingSession Session => _session;

    /// <summary>All memory of the run's plans, which take turns in it.</summary>
    public long MemoryBytes => _plans.Bytes;

    /// <summary>Records where the time of some steps goes; to be set before <see cref="Run"/>.</summary>
    public StepTrace? Trace
    {
        get => _session.Trace;
        set
        {
            foreach (TrainingStage stage in _stages)
                stage.Session.Trace = value;
        }
    }

    /// <summary>Why a run that was resumed anyway is not the unbroken one; empty where it is.</summary>
    public ImmutableArray<string> Differences { get; private set; } = [];

    /// <summary>The step at which the run begins; 0 unless it was resumed.</summary>
    public long FirstStep => _progress.Step;

    /// <summary>Compiles the plans of a step and of the evaluation, and draws fresh weights.</summary>
    /// <param name="options">The recipe.</param>
    /// <param name="train">What to learn.</param>
    /// <param name="test">What to evaluate; null evaluates nothing.</param>
    /// <param name="backend">Where to compute.</param>
    /// <param name="compiler">How plans are made; those of a run that is continued are taken from its checkpoint.</param>
    /// <param name="resumption">The run to continue; null begins one.</param>
    /// <exception cref="ResNetException">
    /// Options, data and network do not fit each other, or the numbers would not be those of the run that is continued.
    /// </exception>
    public static Trainer Create(TrainingOptions options, IDataSet train, IDataSet? test,
        IBackend backend, CompilerOptions compiler, Resumption? resumption = null)
    {
        options.Validate();
        RequireFit(options, train);
        if (test is not null)
            RequireFit(options, test);
        ImmutableArray<TrajectoryFact> facts = options.OutputFolder is null && resumption is null
            ? []
            : Trajectory.FactsOf(options, train, test, backend);
        if (resumption is not null)
        {
            // Before plans are made, which takes a while where they cannot be taken from the checkpoint.
            resumption.Require(resumption.Differences(facts));
            compiler = compiler with { Recorded = resumption.Plans };
        }
        StepOptions step = new(options.Optimizer, options.LabelSmoothing, options.DumpGradients, options.Accumulate, options.FrozenBatchNorm);
        IDataSet[] data = InSizes(train, options.ImageSizes);
        // Not when a size's turn comes, hours later.
        foreach (IDataSet images in data)
            LoaderOptionsOf(options).Check(images);
        CompiledStep[] steps = [.. data.Select(images => CompiledStep.Of(
            options.Spec, options.Batch, images.Height, images.Width, options.Precision, step, backend, compiler))];
        CompiledInference? evaluation = test is null
            ? null
            : CompiledInference.Of(options.Spec, Math.Min(options.EvaluationBatch, test.Count),
                test.Height, test.Width, options.Precision, backend, compiler);
        // One block of memory: what a step keeps for its backward pass and what an evaluation works with are never needed at once.
        PlanGroup plans = PlanGroup.Load(backend, [.. steps.SelectMany(each => each.Plans), .. evaluation is null ? Array.Empty<(string, CompiledGraph)>() : [("evaluation", evaluation.Plan)]]);
        List<TrainingSession> sessions = [];
        InferenceSession? inference = null;
        try
        {
            int plansOfStep = steps[0].Plans.Count();
            for (int i = 0; i < steps.Length; i++)
                sessions.Add(new TrainingSession(steps[i], plans.Plans.AsSpan().Slice(i * plansOfStep, plansOfStep)));
            inference = evaluation is null ? null : new InferenceSession(evaluation, plans.Plans[^1], ownsPlan: false);
            sessions[0].LoadWeights(WeightInitialization.Create(
                sessions[0].WeightValues, options.Seed, options.ZeroInitLastBatchNorm));
            Trainer trainer = new(options, train, test, plans, [.. sessions], data, inference, facts, backend);
            if (resumption is not null)
                trainer.Resume(resumption);
            return trainer;
        }
        catch
        {
            foreach (TrainingSession session in sessions)
                session.Dispose();
            inference?.Dispose();
            plans.Dispose();
            throw;
        }
    }

    /// <summary>The training images of each stage.</summary>
    private static IDataSet[] InSizes(IDataSet train, ImmutableArray<SizePoint> sizes) => sizes.IsEmpty
        ? [train]
        : train is IResizableImages images
            ? [.. sizes.Select(point => images.WithSize(point.Size))]
            : throw new ResNetException($"{train.Name} holds images of {train.Height} x {train.Width} only; sizes that change are for image files, records, and "
                + "sets in memory whose images are squares of bytes with one channel or three.");

    /// <summary>Starts from the given weights instead of fresh ones.</summary>
    public void LoadWeights(NetworkWeights weights) => _session.LoadWeights(weights);

    /// <summary>
    /// Sets the number of epochs so that the run takes about so long here, by timing a few steps on blank images. The
    /// network is afterwards as it was.
    /// </summary>
    public void FitInto(TimeSpan time, int fewestEpochs, int mostEpochs)
    {
        const int Probes = 5;
        const double Agreement = 1.05;
        TimeSpan patience = TimeSpan.FromSeconds(4);
        NetworkWeights weights = _session.SaveWeights();
        NetworkWeights optimizer = new(_session.SaveOptimizer().ToDictionary(tensor => tensor.Name), weights.Origin);
        float[] images = new float[_session.ImageElements];
        int[] labels = new int[_session.Batch];
        // On a busy machine single steps may take many times what they need: go on until the two least agree.
        (double least, double second) = (double.PositiveInfinity, double.PositiveInfinity);
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Probes || (second > Agreement * least && Stopwatch.GetElapsedTime(start) < patience); i++)
        {
            long begin = Stopwatch.GetTimestamp();
            _ = _session.Step(images, labels, learningRate: 0);
            double seconds = Stopwatch.GetElapsedTime(begin).TotalSeconds;
            (least, second) = seconds < least ? (seconds, least) : (least, Math.Min(second, seconds));
        }
        _session.LoadWeights(weights);
        _session.LoadOptimizer(optimizer);
        double secondsPerEpoch = least * _train.Count / _session.Batch;
        int epochs = (int)Math.Clamp(time.TotalSeconds / secondsPerEpoch, fewestEpochs, mostEpochs);
        _options = _options with { Epochs = epochs, Steps = null };
        TotalSteps = _loaderOptions.StepsThrough(epochs, _train.Count);
    }

    /// <exception cref="ResNetException">
    /// The loss or a weight is not finite, or something cannot be written: the message says so, at which step the run
    /// stopped, and the last good checkpoint, which is as it was.
    /// </exception>
    public TrainingResult Run(TrainingObserver observer, CancellationToken cancellation)
    {
        try
        {
            return RunSteps(observer, cancellation);
        }
        catch (ResNetException error)
        {
            throw new ResNetException($"{error.Message.TrimEnd('.')}; training stopped after step {_progress.Step}{LastGood()}.", error);
        }
    }

    private string LastGood() => _saved switch
    {
        { } saved when File.Exists(saved.Path) =>
            $"; the last good checkpoint is {saved.Path} of step {saved.Step}, --resume continues there",
        { } gone => $"; the last good checkpoint was {gone.Path} of step {gone.Step}, which is not there any more: "
            + "--resume continues it from wherever it was moved to",
        null when _options.OutputFolder is null => "",
        null => "; nothing was saved before",
    };

    private TrainingResult RunSteps(TrainingObserver observer, CancellationToken cancellation)
    {
        LearningRateSchedule schedule = Schedule();
        Trajectory trajectory = TrajectoryNow(schedule);
        _ = _scaling.Ask();
        EpochEvaluation last = default;
        // A run that was killed at its early end must not go on.
        bool isStopped = IsOutOfPatience;
        HostMemory.ReleaseUnused();
        using StagedBatches batches = new(_stages, _loaderOptions, Trace);
        _lastTick = Stopwatch.GetTimestamp();
        TrainingSession session = _session;
        LoaderPosition position = _progress.Position;
        for (long next = _progress.Step; next < TotalSteps && !isStopped && !cancellation.IsCancellationRequested;)
        {
            using StepTrace.StepScope step = StepTrace.Step(Trace);
            (Batch batch, TrainingSession taker) = Next(batches, next, position);
            position = batch.After;
            // Sessions of other sizes lie in the same memory.
            Collect(session, session == taker ? Math.Max(0, session.MostPending - 1) : 0, observer);
            session = taker;
            if (cancellation.IsCancellationRequested)
                break;
            double rate = schedule.At(next);
            session.Submit(batch, rate);
            _given.Add(batch, rate);
            next++;
            bool endsEpoch = batch.EndsEpoch || next == TotalSteps;
            bool isSaved = next % _options.SaveEvery == 0;
            bool isDumped = _options.DumpGradients && next == 1;
            Collect(session, endsEpoch || isSaved || isDumped ? 0 : session.MostPending, observer);
            if (isDumped)
                observer.OnFirstGradients?.Invoke([.. session.ReadGradients()]);
            if (endsEpoch)
            {
                last = FinishEpoch(batch, trajectory, observer);
                isStopped = IsOutOfPatience;
            }
            else if (isSaved)
                Save(Checkpoint.LastFile, trajectory, observer);
            else
                continue;
            HostMemory.ReleaseUnused();
            _lastTick = Stopwatch.GetTimestamp();
        }
        Collect(session, mostPending: 0, observer);
        bool isCancelled = _progress.Step < TotalSteps && !isStopped;
        if (isCancelled)
            Save(Checkpoint.LastFile, trajectory, observer);
        return new TrainingResult(_progress.Step, isCancelled, last.Weights, _progress.BestAccuracy)
        {
            EmaTest = last.Average,
            IsStoppedEarly = isStopped && _progress.Step < TotalSteps,
        };
    }

    public void Dispose()
    {
        foreach (TrainingStage stage in _stages)
            stage.Session.Dispose();
        _inference?.Dispose();
        _plans.Dispose();
    }

    /// <summary>Waits for the oldest steps until no more than so many are pending, and tells of them.</summary>
    private void Collect(TrainingSession session, int mostPending, TrainingObserver observer)
    {
        while (session.PendingSteps > mostPending)
        {
            double loss = session.Collect();
            GivenStep given = _given.Take();
            if (!double.IsFinite(loss))
                throw new ResNetException($"The loss became {loss} at step {_progress.Step + 1}; {Checkpoint.Remedies}");
            session.ReadLogits(_logits);
            double accuracy = Classification.Accuracy(_logits, given.Labels, _options.Spec.Classes);
            double seconds = Stopwatch.GetElapsedTime(_lastTick).TotalSeconds;
            _lastTick = Stopwatch.GetTimestamp();
            _progress = _progress with
            {
                Step = _progress.Step + 1,
                Position = given.After,
                Seed = _options.Seed,
                Means = _progress.Means.With(loss, accuracy, seconds),
            };
            observer.OnStep?.Invoke(
                new StepRecord(_progress.Step, given.Epoch, loss, given.LearningRate, session.Batch / seconds, accuracy));
        }
    }

    private (Batch Batch, TrainingSession Session) Next(StagedBatches batches, long step, LoaderPosition position)
    {
        using StepTrace.SliceScope load = StepTrace.Slice(Trace, TraceKind.LoadBatch);
        return batches.Next(step, position);
    }

    /// <summary>
    /// The checkpoint to continue from is written last: whatever is killed before it is done again by the run that resumes,
    /// and nothing that it holds is missing elsewhere.
    /// </summary>
    private EpochEvaluation FinishEpoch(Batch batch, Trajectory trajectory, TrainingObserver observer)
    {
        bool isDue = batch.Epoch % _options.EvaluateEvery == 0 || _progress.Step == TotalSteps;
        EpochEvaluation evaluation = isDue ? Evaluate() : default;
        bool isBest = _inference is null || evaluation.Accuracy > (_progress.BestAccuracy ?? -1);
        if (evaluation.Accuracy is { } accuracy)
            _progress = _progress with
            {
                BestAccuracy = isBest ? accuracy : _progress.BestAccuracy,
                EvaluationsSinceBest = isBest ? 0 : _progress.EvaluationsSinceBest + 1,
            };
        EpochMeans means = _progress.Means;
        if (evaluation.Weights is { } tested)
            observer.OnEvaluation?.Invoke(tested);
        observer.OnEpoch?.Invoke(new EpochRecord((int)batch.Epoch, _progress.Step, evaluation.Weights?.Loss,
            evaluation.Weights?.Accuracy, means.Loss(), means.Accuracy(), means.Seconds)
        {
            EmaTestLoss = evaluation.Average?.Loss,
            EmaTestAccuracy = evaluation.Average?.Accuracy,
        });
        // A run that is made longer goes on with the epoch that its end cut short.
        _progress = _progress with { Means = batch.EndsEpoch ? default : means };
        if (isBest)
            Save(Checkpoint.BestFile, trajectory, observer, evaluation.IsAverageBetter);
        Save(Checkpoint.LastFile, trajectory, observer);
        return evaluation;
    }

    private EpochEvaluation Evaluate()
    {
        if (_inference is null)
            return default;
        using StepTrace.SliceScope slice = StepTrace.Slice(Trace, TraceKind.Evaluate);
        NetworkWeights? average = _session.SaveAverage();
        return new EpochEvaluation(Evaluate(_session.SaveWeights()), average is null ? null : Evaluate(average));
    }

    private Evaluation Evaluate(NetworkWeights weights)
    {
        _inference!.LoadWeights(weights);
        return Evaluator.Evaluate(_inference, _test!, _options.Normalization);
    }

    /// <param name="Weights">Null where nothing was evaluated.</param>
    /// <param name="Average">Null where no moving average is kept.</param>
    private readonly record struct EpochEvaluation(Evaluation? Weights, Evaluation? Average)
    {
        public bool IsAverageBetter => Average?.Accuracy > Weights?.Accuracy;

        public double? Accuracy => IsAverageBetter ? Average!.Accuracy : Weights?.Accuracy;
    }

    private void Resume(Resumption resumption)
    {
        LearningRateSchedule schedule = Schedule();
        Differences = resumption.Differences(_scaling.Continue(resumption.Checkpoint.Trajectory, TrajectoryNow(schedule)), schedule);
        resumption.Require(Differences);
        Checkpoint checkpoint = resumption.Checkpoint;
        _session.LoadWeights(checkpoint.Weights);
        _session.LoadOptimizer(checkpoint.Weights);
        _progress = checkpoint.Progress;
        _saved = (checkpoint.Weights.Origin, checkpoint.Progress.Step);
    }

    private bool IsOutOfPatience => _progress.EvaluationsSinceBest >= (_options.Patience ?? int.MaxValue);

    private LearningRateSchedule Schedule() =>
        LearningRateSchedule.Of(_options, TotalSteps, _loaderOptions, _train.Count);

    private Trajectory TrajectoryNow(LearningRateSchedule schedule)
    {
        List<(string Name, CompiledGraph Plan)> plans = [.. _stages.Zip(_options.ImageSizes.IsEmpty ? [""] : _options.ImageSizes.Select(point => $" from epoch {point.Epoch}"))
            .SelectMany(stage => stage.First.Session.Plans.Select(plan => (plan.Name + stage.Second, plan.Plan)))];
        if (_inference is not null)
            plans.Add(("plan of the evaluation", _inference.Compiled));
        return new Trajectory([.. _facts, .. Trajectory.FactsOf(plans)], TotalSteps,
            Trajectory.RatesOf(schedule, TotalSteps), [.. plans.Select(plan => plan.Plan.Record!.ToText())]);
    }

    private void Save(string file, Trajectory trajectory, TrainingObserver observer, bool servesAverage = false)
    {
        if (_options.OutputFolder is not { } folder)
            return;
        using StepTrace.SliceScope slice = StepTrace.Slice(Trace, TraceKind.Save);
        observer.OnSaving?.Invoke();
        string path = Path.Combine(folder, file);
        Checkpoint.Save(path, _session, _progress, _options.Normalization, _scaling.AddTo(trajectory), _train.ClassNames, servesAverage);
        _saved = (path, _progress.Step);
    }

    private static LoaderOptions LoaderOptionsOf(TrainingOptions options) => new(
        options.Batch * options.Accumulate, options.Shuffle, options.Seed, options.Augmentation, options.Normalization);

    private static void RequireFit(TrainingOptions options, IDataSet data)
    {
        if (data.Channels != options.Spec.InputChannels)
            throw new ResNetException($"{data.Name} has {data.Channels} channels, the network takes "
                + $"{options.Spec.InputChannels}; give --input-channels {data.Channels}.");
        int needed = ResNetSpec.LabelsOf(options.Spec.Classes);
        if (data.ClassCount > needed)
            throw new ResNetException($"{data.Name} has {data.ClassCount} classes, the network {options.Spec.Classes}; "
                + $"give --classes {data.ClassCount}.");
    }
}
