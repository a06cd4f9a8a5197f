"""The export queue: jobs with a snapshot of the project each, the list that runs them, and its window."""
