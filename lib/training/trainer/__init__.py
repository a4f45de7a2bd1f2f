"""One run, in a process of its own. The only place that drives TRL; imports torch.

job       the job `train`, from rows to adapter and manifest
building  model, adapter and arguments of TRL's trainer
loss      the trainer: the loss where it is read, and only there
recorder  metrics.jsonl and progress as the run goes, and its end when it is to stop or has diverged
saving    the adapter, and what the run was made with
"""

from lib.training.trainer.job import run_job

__all__ = ["run_job"]
