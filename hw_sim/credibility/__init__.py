"""Why the simulated bench may be believed: published observations against what it does, and its own reference runs."""
