"""Training data: pairs of views, matched crops and sampled points, batching and prefetching."""
