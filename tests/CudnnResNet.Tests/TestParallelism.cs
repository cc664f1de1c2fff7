// Backends use every core and their threads wait actively: two tests at a time would be slower than one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
