"""Quality: how good the samples of a run are, in numbers, as pure functions of the samples and the spec."""
