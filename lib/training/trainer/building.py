"""Model, adapter and TRL's trainer for a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from trl import SFTConfig

from lib.errors import BadInput
from lib.models import loading
from lib.training.config import AUTO, TrainConfig
from lib.training.plan.auto import needs_checkpointing
from lib.training.rows import Prepared
from lib.training.runs import RunView
from lib.training.trainer import batches, kernels
from lib.training.trainer.loss import AnswerLossTrainer
from lib.training.trainer.recorder import Recorder


def build(run: RunView, base: Path, prepared: Prepared, recorder: Recorder) -> AnswerLossTrainer:
    """The trainer of a run, ready for its first step.

    Raises:
        ModelError: the base cannot be loaded.
        BadInput: settings that only the model or the device can refuse.
    """
    config = run.config
    dtype = computed_in(config)
    checkpointing = uses_checkpointing(config, base, prepared)  # before the base takes its memory
    kernels.prepare_process()
    model = loading.load_base(base, config.quantization, dtype)
    _check_modules(model, config)
    kernels.prepare_base(model, dtype)
    torch.manual_seed(config.seed)
    packed_to = config.max_length if config.packing else 0
    train = batches.dataset(prepared.train, packed_to)
    try:
        trainer = AnswerLossTrainer(
            model=model,
            args=_arguments(run, prepared, dtype, checkpointing),
            train_dataset=train,
            eval_dataset=batches.dataset(prepared.evaluation) if prepared.evaluation else None,
            processing_class=loading.load_tokenizer(base),
            peft_config=_lora(config),
            callbacks=[recorder],
        )
    except ValueError as error:  # peft and trl refuse settings that only the model can tell, such as lm_head
        raise BadInput(f"The settings do not fit the model: {error}", "Change them and start again.") from error
    lengths = [len(ids) for ids in train["input_ids"]]
    trainer.order = batches.RowOrder(lengths, config.seed, config.rows_per_step, config.group_by_length)
    kernels.prepare_adapted(trainer.model, dtype)
    return trainer


def computed_in(config: TrainConfig) -> torch.dtype:
    """What the run multiplies in.

    Raises:
        BadInput: float16 without a GPU, where nothing has its operations and its gradient scaler.
    """
    if config.precision == "fp16" and not torch.cuda.is_available():
        raise BadInput("The precision fp16 needs a GPU.", "Leave precision at auto, or take bf16 or fp32.")
    return loading.training_dtype(config.precision)


def uses_checkpointing(config: TrainConfig, base: Path, prepared: Prepared) -> bool:
    """Whether activations are computed twice; at auto, only where a GPU's memory would not do without.

    Raises:
        ModelError: the model's files cannot be read.
    """
    if config.gradient_checkpointing != AUTO:
        return config.gradient_checkpointing == "on"
    if not torch.cuda.is_available():
        return False
    rows = prepared.train
    return needs_checkpointing(base, config, [len(row.ids) for row in rows], [row.answer for row in rows])


def _lora(config: TrainConfig) -> LoraConfig:
    return LoraConfig(
        r=config.r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=config.modules,
        use_rslora=config.use_rslora,
        use_dora=config.use_dora,
        init_lora_weights=True if config.init_lora_weights == "default" else config.init_lora_weights,  # type: ignore[arg-type]
        task_type="CAUSAL_LM",
    )


def _arguments(run: RunView, prepared: Prepared, dtype: torch.dtype, checkpointing: bool) -> SFTConfig:
    config, on_gpu = run.config, torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(run.folder / "checkpoints"),
        max_steps=config.max_steps or -1,
        num_train_epochs=config.num_train_epochs,
        learning_rate=config.learning_rate,
        per_device_train_batch_size=config.per_device_train_batch_size,
        per_device_eval_batch_size=config.per_device_train_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        # The same numbers in one call, not one a parameter.
        optim="adamw_torch_fused" if config.optim == "adamw_torch" else config.optim,
        lr_scheduler_type=config.lr_scheduler_type,
        warmup_steps=config.warmup_steps,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        seed=config.seed,
        # Rows are cut, dropped and packed before they come here; flattening a batch leaves no padding to compute.
        max_length=None,
        packing=False,
        padding_free=True,
        dataset_kwargs={"skip_prepare_dataset": True},
        bf16=dtype == torch.bfloat16,
        fp16=dtype == torch.float16,
        use_cpu=not on_gpu,
        gradient_checkpointing=checkpointing,
        logging_steps=1,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # it would report a loss of 0 in place of nan
        eval_strategy="steps" if prepared.evaluation else "no",
        eval_steps=config.eval_steps,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=on_gpu,
    )


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
