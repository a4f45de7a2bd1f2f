"""Numbers in words that people read, for screens and commands alike."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds for a person: `45 s`, `2 min 10 s`, `1 h 05 min`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def counted(number: int, thing: str) -> str:
    """`1 row`, `12,345 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
