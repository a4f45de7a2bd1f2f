"""Numbers in words that people read, for screens and commands alike."""

from __future__ import annotations

from datetime import UTC, datetime

GIB, MIB = 2**30, 2**20


def duration(seconds: float) -> str:
    """Seconds for a person: `45 s`, `2 min 10 s`, `1 h 05 min`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def moment(seconds: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC, as datasets have theirs; None for never (None or 0)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat() if seconds else None


def clock(at: float | str) -> str:
    """`2026-12-02 14:09` on this machine's clock, of seconds since 1970 or of what `moment` made."""
    found = datetime.fromisoformat(at).astimezone() if isinstance(at, str) else datetime.fromtimestamp(at)
    return f"{found:%Y-%m-%d %H:%M}"


def counted(number: int, thing: str) -> str:
    """`1 row`, `12,345 rows`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def shares(parts: dict[str, float]) -> str:
    """`train 80.0 %, test 20.0 %`; parts of nothing are left out."""
    return ", ".join(f"{name} {part:.1%}" for name, part in parts.items() if part)


def size(count: float) -> str:
    """Bytes for a person, in units of a thousand as disks are sold in: `512 B`, `98.3 MB`, `13.5 GB`."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} GB" if count < 999.5 else f"{count / 1000:,.1f} TB"


def memory(count: float) -> str:
    """Bytes as graphics cards and processes are measured, in units of 1,024: `512 MiB`, `5.9 GiB`."""
    return f"{count / GIB:,.1f} GiB" if count >= 0.995 * GIB else f"{count / MIB:,.0f} MiB"


def speed(tokens_per_second: float) -> str:
    """`16,779 tokens/s`, `0.4 tokens/s`: what is slow is still told apart."""
    return f"{tokens_per_second:,.{0 if tokens_per_second >= 10 else 1}f} tokens/s"


def amount(count: float) -> str:
    """A number of parameters: `135 M`, `6.74 B`."""
    return f"{count / 1e9:,.3g} B" if count >= 999.5e6 else f"{count / 1e6:.3g} M"
