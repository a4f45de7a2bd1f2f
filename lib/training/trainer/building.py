"""Model, adapter and TRL's trainer for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from trl import SFTConfig

from lib.errors import BadInput
from lib.models import loading
from lib.training.config import TrainConfig
from lib.training.rows import Prepared, TokenRow
from lib.training.runs import RunView
from lib.training.trainer.loss import AnswerLossTrainer
from lib.training.trainer.recorder import Recorder


def build(run: RunView, base: Path, prepared: Prepared, recorder: Recorder) -> AnswerLossTrainer:
    """The trainer of a run, ready for its first step.

    Raises:
        ModelError: the base cannot be loaded.
        BadInput: settings that only the model can refuse.
    """
    config = run.config
    model = loading.load_base(base, config.quantization)
    _check_modules(model, config)
    torch.manual_seed(config.seed)
    try:
        return AnswerLossTrainer(
            model=model,
            args=_arguments(run, config, prepared),
            train_dataset=_dataset(prepared.train),
            eval_dataset=_dataset(prepared.evaluation) if prepared.evaluation else None,
            processing_class=loading.load_tokenizer(base),
            peft_config=LoraConfig(
                r=config.r,
                lora_alpha=config.lora_alpha,
                lora_dropout=config.lora_dropout,
                target_modules=config.modules,
                task_type="CAUSAL_LM",
            ),
            callbacks=[recorder],
        )
    except ValueError as error:  # peft and trl refuse settings that only the model can tell, such as lm_head
        raise BadInput(f"The settings do not fit the model: {error}", "Change them and start again.") from error


def _arguments(run: RunView, config: TrainConfig, prepared: Prepared) -> SFTConfig:
    dtype = loading.compute_dtype()
    on_gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(run.folder / "checkpoints"),
        max_steps=config.max_steps or -1,
        num_train_epochs=config.num_train_epochs,
        learning_rate=config.learning_rate,
        per_device_train_batch_size=config.per_device_train_batch_size,
        per_device_eval_batch_size=config.per_device_train_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        optim=config.optim,
        lr_scheduler_type=config.lr_scheduler_type,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        # Rows are cut or dropped before they come here; flattening a batch leaves no padding to compute.
        max_length=config.max_length if config.packing else None,
        packing=config.packing,
        padding_free=True,
        eval_packing=False,
        dataset_kwargs=None if config.packing else {"skip_prepare_dataset": True},
        bf16=dtype == torch.bfloat16,
        fp16=dtype == torch.float16,
        use_cpu=not on_gpu,
        gradient_checkpointing=on_gpu,
        logging_steps=1,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # it would report a loss of 0 in place of nan
        eval_strategy="steps" if prepared.evaluation else "no",
        eval_steps=0.5,  # of all steps
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=on_gpu,
    )


def _dataset(rows: list[TokenRow]) -> Dataset:
    return Dataset.from_dict({"input_ids": [row.ids for row in rows], "labels": [row.labels for row in rows]})


def _check_modules(model: Any, config: TrainConfig) -> None:
    """Raise BadInput when a named layer is not in the model, and say which ones are."""
    if config.modules == "all-linear":
        return
    there = {name.rpartition(".")[2] for name, module in model.named_modules() if "Linear" in type(module).__name__}
    missing = [name for name in config.modules if name not in there]
    if missing:
        raise BadInput(
            f"The model has no layers named {', '.join(missing)}.",
            f"target_modules can be all-linear or some of: {', '.join(sorted(there - {'lm_head'}))}.",
        )
