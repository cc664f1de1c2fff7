namespace CudnnResNet.OneDnn.Interop;

internal enum dnnl_status_t
{
    dnnl_success = 0,
    dnnl_out_of_memory = 1,
    dnnl_invalid_arguments = 2,
    dnnl_unimplemented = 3,
    dnnl_runtime_error = 5,
    dnnl_not_required = 6,
}

internal enum dnnl_data_type_t
{
    dnnl_bf16 = 2,
    dnnl_f32 = 3,
}

internal enum dnnl_prop_kind_t
{
    dnnl_forward_training = 64,
    dnnl_forward_inference = 96,
}

internal enum dnnl_alg_kind_t
{
    dnnl_convolution_direct = 1,
}

internal enum dnnl_engine_kind_t
{
    dnnl_cpu = 1,
}

internal enum dnnl_stream_flags_t
{
    dnnl_stream_default_flags = 1,
}

internal enum dnnl_scratchpad_mode_t
{
    dnnl_scratchpad_mode_user = 1,
}

internal enum dnnl_query_t
{
    dnnl_query_src_md = 129,
    dnnl_query_diff_src_md = 130,
    dnnl_query_weights_md = 131,
    dnnl_query_diff_weights_md = 132,
    dnnl_query_dst_md = 133,
    dnnl_query_diff_dst_md = 134,
    dnnl_query_scratchpad_md = 136,
}

/// <summary>The macros of dnnl_types.h and dnnl_config.h.</summary>
internal static class DnnlConstants
{
    internal const uint DNNL_RUNTIME_OMP = 2;

    internal const int DNNL_ARG_SRC = 1;
    internal const int DNNL_ARG_FROM = 1;
    internal const int DNNL_ARG_DST = 17;
    internal const int DNNL_ARG_TO = 17;
    internal const int DNNL_ARG_WEIGHTS = 33;
    internal const int DNNL_ARG_BIAS = 41;
    internal const int DNNL_ARG_SCRATCHPAD = 80;
    internal const int DNNL_ARG_DIFF_SRC = 129;
    internal const int DNNL_ARG_DIFF_DST = 145;
    internal const int DNNL_ARG_DIFF_WEIGHTS = 161;
}
