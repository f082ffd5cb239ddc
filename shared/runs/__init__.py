"""One run: what is asked, the order, the training loop, checkpoints, moments, the record, the comparison of records."""
