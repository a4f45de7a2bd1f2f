"""Training: runs, from settings to an adapter. Only `trainer` imports torch.

Settings:
config         TrainConfig: all of them, with every fault reported at once
values         text as people write it -> values
presets        named settings to start from
plan           what a run takes, before it is started

Runs:
runs           the way in: create, list, read, stop
starting       a new run, checked and queued
listing        those there are, and what they wrote
run_view       what screens and commands see of one
again          resumed, extended, started anew
facts          what one was made with, in words
repeat         the command that repeats one
adopt          adapters made elsewhere, taken in as finished runs
names          names that people can say and remember
labels         tags and notes

What a run is made of:
rows           a dataset version -> token ids and labels, with every row left out counted
template_hash  whether two runs had the same template
trainer        the run itself, in a process of its own
checkpoints    what it goes on from, as it lies on the disk
samples        answers on the way: what is asked, what was answered
adapter_files  an adapter's files, looked at without loading them

When it goes wrong:
notices        what to know while it goes: no step for long, a loss that rises
suggestions    settings that would help, by what went wrong
remedies       what to start a failed run again with
"""
