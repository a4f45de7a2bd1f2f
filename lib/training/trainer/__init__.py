"""One run, in a process of its own. The only place that drives TRL; imports torch.

job          the job `train`, from rows to adapter and manifest; goes on where a run was interrupted
building     model, adapter and arguments of TRL's trainer
batches      rows packed into sequences, and their order
loss         the trainer: the loss where it is read, and only there
steps        its steps, without walks through all modules
kernels      the fast ways through a model, each taken where it gives the same
attention    one: inside the rows of a batch, with no mask
lora         one: a layer and its adapter in one function
norms        one: RMSNorm with its gradient written out
head         one: the loss a piece of the vocabulary at a time
checkpoints  what a run goes on from, whole or not there
recorder     metrics.jsonl and progress as the run goes, and its end when it is to stop or has diverged
samples      answers while the run goes on
stopping     the end of a run that gets no better
dry          two steps on the longest rows, to measure what a run needs
saving       the adapter, and what the run was made with
faults       what a run fails of, named
"""

import os

# Before torch loads OpenMP: threads that wait do not spin. Where anything else runs on the machine (a browser is
# enough), spinning threads keep the working ones from their cores, and training is many times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Before CUDA starts: batches of uneven length would otherwise leave half of a GPU's memory in pieces.
os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")

from lib.training.trainer.job import run_job

__all__ = ["run_job"]
