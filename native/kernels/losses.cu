// Losses of float32 logits against integer labels, and their gradients: means over the batch.
#include "reductions.h"

/// log(sum(exp(logits))) of one row, known to each thread of the block.
DEVICE float log_sum_exp(const float* logits, int classes) {
    float largest = load(logits);
    for (int k = threadIdx.x; k < classes; k += blockDim.x) {
        const float logit = load(logits + k);
        largest = logit > largest ? logit : largest;
    }
    largest = block_maximum(largest);
    float sum = 0;
    for (int k = threadIdx.x; k < classes; k += blockDim.x)
        sum += exponential(load(logits + k) - largest);
    return largest + logarithm(block_sum(sum));
}

// One block of 256 threads an image: the loss of each image.
KERNEL(softmax_cross_entropy, const float* logits, const int* labels, float* losses, int classes, float smoothing) {
    const float* row = logits + static_cast<i64>(blockIdx.x) * classes;
    const float normaliser = log_sum_exp(row, classes);
    const int label = load(labels + blockIdx.x);
    const float spread = smoothing / static_cast<float>(classes);
    float loss = 0;
    for (int k = threadIdx.x; k < classes; k += blockDim.x)
        loss += ((k == label ? 1 - smoothing : 0) + spread) * (normaliser - load(row + k));
    loss = block_sum(loss);
    if (threadIdx.x == 0)
        store(losses + blockIdx.x, loss);
}

// One block of 256 threads an image.
KERNEL(softmax_cross_entropy_backward, const float* logits, const int* labels, float* gradients, int classes, float smoothing) {
    const i64 first = static_cast<i64>(blockIdx.x) * classes;
    const float normaliser = log_sum_exp(logits + first, classes);
    const int label = load(labels + blockIdx.x);
    const float spread = smoothing / static_cast<float>(classes);
    for (int k = threadIdx.x; k < classes; k += blockDim.x) {
        const float target = (k == label ? 1 - smoothing : 0) + spread;
        store(gradients + first + k, (exponential(load(logits + first + k) - normaliser) - target) / static_cast<float>(gridDim.x));
    }
}

// One block of 256 threads.
KERNEL(mean_loss, const float* losses, float* mean, int images) {
    float sum = 0;
    for (int n = threadIdx.x; n < images; n += blockDim.x)
        sum += load(losses + n);
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        store(mean, sum / static_cast<float>(images));
}

DEVICE float sigmoid_target(int label, float smoothing) {
    return static_cast<float>(label) * (1 - smoothing) + smoothing / 2;
}

// One block of 256 threads. In the form that neither overflows nor cancels: max(x, 0) - x t + log(1 + exp(-|x|)).
KERNEL(sigmoid_cross_entropy, const float* logits, const int* labels, float* mean, int images, float smoothing) {
    float sum = 0;
    for (int n = threadIdx.x; n < images; n += blockDim.x) {
        const float x = load(logits + n);
        const float target = sigmoid_target(load(labels + n), smoothing);
        sum += (x > 0 ? x : 0) - x * target + logarithm_of_1_plus(exponential(x > 0 ? -x : x));
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0)
        store(mean, sum / static_cast<float>(images));
}

// Any grid.
KERNEL(sigmoid_cross_entropy_backward, const float* logits, const int* labels, float* gradients, int images, float smoothing) {
    for (int n = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); n < images; n += static_cast<int>(gridDim.x * blockDim.x)) {
        const float x = load(logits + n);
        const float probability = 1 / (1 + exponential(-x));
        store(gradients + n, (probability - sigmoid_target(load(labels + n), smoothing)) / static_cast<float>(images));
    }
}
