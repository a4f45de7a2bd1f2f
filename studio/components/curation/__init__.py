"""The parts of the Curate page: rows to look at and mend, checks, splits, versions."""
