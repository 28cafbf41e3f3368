"""Real training programs, one per folder, and the study files that they are tuned with."""
