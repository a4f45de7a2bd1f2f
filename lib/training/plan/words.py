"""Bytes as graphics cards and processes are measured, in GiB and MiB of 1,024; and paces."""

from __future__ import annotations

GIB, MIB = 2**30, 2**20


def memory(size: float) -> str:
    """`512 MiB`, `5.9 GiB`."""
    return f"{size / GIB:,.1f} GiB" if size >= 0.995 * GIB else f"{size / MIB:,.0f} MiB"


def speed(tokens_per_second: float) -> str:
    """`16,779 tokens/s`, `0.4 tokens/s`: what is slow is still told apart."""
    return f"{tokens_per_second:,.{0 if tokens_per_second >= 10 else 1}f} tokens/s"
