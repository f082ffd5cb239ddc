"""The page of a folder of runs: one HTML file that works without a network, as a pure function of the records."""
