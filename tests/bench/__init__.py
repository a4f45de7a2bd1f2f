"""Measured budgets: `make bench` prints one table, each figure beside a baseline of the same run."""
