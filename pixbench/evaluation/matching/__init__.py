"""The matching task: predictions of pairs, their errors against ground truth, metrics and scores."""
