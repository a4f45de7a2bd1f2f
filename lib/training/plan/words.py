"""Bytes as graphics cards and processes are measured: in GiB and MiB of 1,024."""

from __future__ import annotations

GIB, MIB = 2**30, 2**20


def memory(size: float) -> str:
    """`512 MiB`, `5.9 GiB`."""
    return f"{size / GIB:,.1f} GiB" if size >= 0.995 * GIB else f"{size / MIB:,.0f} MiB"
