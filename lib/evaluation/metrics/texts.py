"""One row at a time: what its answer, reference or loss adds to a metric.

Each function takes the cells of one row and gives a value, or the sums that the value is made of, or None where the
row does not count. What one of them raises marks that row alone.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from functools import cache
from typing import Any

Found = float | tuple[float, ...] | None


@cache
def _rouge(kind: str) -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([kind])


def rouge(kind: str, prediction: str, reference: str) -> float:
    """F1 of ROUGE (Lin 2004), 0 to 1: `rouge1`, `rouge2`, or `rougeL`. rouge_score's tokenizer, no stemmer."""
    return float(_rouge(kind).score(reference, prediction)[kind].fmeasure)


@cache
def _sacrebleu(kind: str) -> Any:
    from sacrebleu.metrics import BLEU, CHRF, TER

    return {"bleu": BLEU, "chrf": CHRF, "ter": TER}[kind]()


def sacrebleu_sums(kind: str, prediction: str, reference: str) -> tuple[float, ...]:
    """The counts of a row that sacrebleu adds up over a corpus: `bleu` 10, `chrf` 18, `ter` 2.

    sacrebleu's own paired test takes them by the same way, which is not part of its public interface; the version is
    pinned, and the tests hold the figures against `corpus_score`.
    """
    return tuple(map(float, _sacrebleu(kind)._extract_corpus_statistics([prediction], [[reference]])[0]))


def plain(text: str) -> str:
    """Case folded, every run of white space one blank."""
    return " ".join(text.casefold().split())


def exact_match(prediction: str, reference: str) -> float:
    """1.0 where the two are equal whatever the case and the spacing, else 0.0."""
    return float(plain(prediction) == plain(reference))


def words(text: str) -> list[str]:
    """Case folded, punctuation (Unicode's P*) dropped, split at white space."""
    kept = (" " if unicodedata.category(letter).startswith("P") else letter for letter in text.casefold())
    return "".join(kept).split()


def token_f1(prediction: str, reference: str) -> float:
    """F1 of the words that both have, 0 to 1, each as often as it occurs (as Rajpurkar 2016, articles kept)."""
    answer, expected = Counter(words(prediction)), Counter(words(reference))
    shared = (answer & expected).total()
    return 2 * shared / (answer.total() + expected.total()) if shared else 0.0


def length_ratio(prediction: str, reference: str) -> tuple[float, float]:
    """Characters of the answer and of the reference."""
    return float(len(prediction.strip())), float(len(reference.strip()))


def distinct(size: int, prediction: str) -> float | None:
    """Share of different ones among all pieces of `size` words (Li 2016); None for fewer words than that."""
    listed = words(prediction)
    pieces = list(zip(*(listed[start:] for start in range(size)), strict=False))
    return len(set(pieces)) / len(pieces) if pieces else None


def stop_rate(ended: bool) -> float:
    """1.0 where the model ended the answer itself, 0.0 where the limit cut it off."""
    return float(ended)


def perplexity(loss: float | None, tokens: int) -> tuple[float, float] | None:
    """Nats and tokens of the reference; None for a reference of 0 tokens."""
    if not tokens:
        return None
    return _known(loss), float(tokens)


def bits_per_byte(loss: float | None, tokens: int, reference: str) -> tuple[float, float] | None:
    """Bits, and bytes of the reference in UTF-8 (as Gao 2020); None where there is no reference."""
    size = len(reference.encode("utf-8", "replace"))
    if not tokens or not size:
        return None
    return _known(loss) / math.log(2), float(size)


def _known(loss: float | None) -> float:
    if loss is None or not math.isfinite(loss):
        raise ValueError("the model gives no finite loss on this reference")
    return float(loss)
