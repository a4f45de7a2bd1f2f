"""The plan of a run: what it takes, before it is started, without torch and without reading a weight.

found = plan(info, "starter", "llama2", config)
found.memory.items, found.pace.seconds, found.rows.left_out, found.warnings, found.faults, found.proposals

planning       everything put together
records        Plan, Proposal, Warning: what it says

The model:
shapes         how many parameters of which kind, and what can have an adapter
shape_files    that read from config.json and the headers of its files
packed         the same where the files are quantised

Memory:
memory         its parts, and whether they fit
estimate       bytes of each
activations    what a block keeps for the way back
kernels        what the trainer's modules keep, by device and settings

Rows and time:
counting       tokens of the rows, whole
rows           what the settings make of them
batches        the largest batch and a usual one
pace           time, from runs like it or from the arithmetic

What follows:
auto           what settings at `auto` come to; the trainer asks here too
settling       those of a run that is being made, chosen once
turns          the device as it will be when a run's turn comes
candidates     other settings for the same run
proposals      which of them, and why
warnings       what to know before, and what speaks against starting
leaks          held-out rows that training rows give away
after_failure  what would fit when a run has died for want of memory
dry_runs       measurements that replace the estimate (taken by lib.training.trainer.dry)
"""

from lib.training.plan.dry_runs import DryRun, dry_run_job, newest_dry_run, submit_dry_run
from lib.training.plan.planning import plan
from lib.training.plan.records import Plan, Proposal, Warning
from lib.training.plan.shape_files import read_shape
from lib.training.plan.shapes import Shape

__all__ = [
    "DryRun",
    "Plan",
    "Proposal",
    "Shape",
    "Warning",
    "dry_run_job",
    "newest_dry_run",
    "plan",
    "read_shape",
    "submit_dry_run",
]
