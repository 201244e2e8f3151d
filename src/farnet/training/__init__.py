"""Training: settings, data, task, and the run itself. Lightning is imported here and nowhere else."""
