"""The worker: what has to be done in time and by nobody's request. Any number may run."""
