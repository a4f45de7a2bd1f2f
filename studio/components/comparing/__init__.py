"""The Compare page: comparisons listed, started, read; prompt sets and a team's own metrics."""
