"""What training reads: pairs of views, matched crops and points of them, batches in order and ahead of the step."""
