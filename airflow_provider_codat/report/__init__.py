"""The results of a run as a page to look at: one file, which needs nothing else."""
