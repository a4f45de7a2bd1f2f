"""Personal data and secrets in a text. Libraries are only asked when a cheap look finds something."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from lib.data.checks.report import quote

STAND_INS = {
    "e-mail": "name@example.com",
    "card number": "[card number]",
    "phone": "[phone]",
    "IP address": "[IP address]",
    "address": "[address]",
    "password": "[password]",
    "secret": "[secret]",
}
"""What a mend puts in place of each kind; none of them is found again."""
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.[A-Za-z]{2,24}\b")
_DIGITS = re.compile(r"\d[\d .()/-]{5,}\d")
_CARD = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])")
_IP = re.compile(r"(?<![\w.])(?<!version )(?<!firmware )(?<!release )(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)", re.IGNORECASE)
_IP6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\w:])", re.IGNORECASE)
_PHONE_CUE = re.compile(
    r"\b(?:phone|telephone|tel|call|calling|mobile|cell|fax|ring|whatsapp|dial|hotline)\b", re.IGNORECASE
)
_NATIONAL = re.compile(
    r"(?<![\w.+-])(?:(?:1[-. ])?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}|18(?:00|33|44|55|66|77|88)\d{7})(?![\w-])"
)  # of numbers without a gap only those that nobody pays for: others may count anything
_HOUSE = re.compile(r"\d[A-Za-z]? [A-Z]")
_STREETS = (
    "Street",
    "St.",
    "Road",
    "Rd",
    "Avenue",
    "Ave",
    "Lane",
    "Ln",
    "Drive",
    "Boulevard",
    "Blvd",
    "Court",
    "Terrace",
    "Crescent",
)
_ADDRESS = re.compile(
    rf"(?<![\w.])\d{{1,5}}[A-Za-z]? (?:[A-Z][a-z]+ ){{1,3}}(?:{'|'.join(map(re.escape, _STREETS))})(?!\w)"
)
_ASSIGNED = re.compile(
    r"(?P<name>password|passwd|pwd|passphrase|secret|token|api[_ -]?key|access[_ -]?key|private[_ -]?key)[\w-]{0,20}"
    r"[\"']?\s*(?:[:=]|\bis\b)\s*(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;<>]{6,})"
)  # on text in lower case, which is twice as fast as leaving cases aside
_SECRET_WORDS = ("passw", "pwd", "passphrase", "secret", "token", "key")
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_KEY_LIKE = re.compile(
    r"eyJ|AKIA|ASIA|gh[pousr]_|glpat|sk[-_]|rk_|xox|-----BEGIN|SG\.|pypi-|_authToken|sq0"
    r"|://[^\s/]+:[^\s/]+@|-us\d|hooks\.slack"
)
_PLUGINS = {
    "aws": "AWSKeyDetector",
    "github_token": "GitHubTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "jwt": "JwtTokenDetector",
    "openai": "OpenAIDetector",
    "private_key": "PrivateKeyDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "stripe": "StripeDetector",
    "square_oauth": "SquareOAuthDetector",
    "npm": "NpmDetector",
    "mailchimp": "MailchimpDetector",
    "basic_auth": "BasicAuthDetector",
}


@dataclass(frozen=True, slots=True)
class Spot:
    """Characters `start` to `end` of a text that should not stand there. `kind`: a key of `STAND_INS`."""

    kind: str
    start: int
    end: int
    detail: str


def personal_data(text: str) -> str | None:
    found = next(personal_spots(text), None)
    return found.detail if found else None


def secret(text: str) -> str | None:
    found = next(secret_spots(text), None)
    return found.detail if found else None


def personal_spots(text: str) -> Iterator[Spot]:
    """Addresses and numbers of persons and machines, one kind after another."""
    if "@" in text:
        for mail in _MAIL.finditer(text):
            if mail.group() != STAND_INS["e-mail"]:
                yield _spot("e-mail", *mail.span(), text)
    if _DIGITS.search(text):
        yield from (_spot("card number", *card.span(), text) for card in _CARD.finditer(text) if _luhn(card.group()))
        yield from _phones(text)
        yield from (_spot("IP address", *found.span(), text) for found in _IP.finditer(text) if _is_host(found.group()))
    if "::" in text or text.count(":") >= 7:
        yield from (_spot("IP address", *at.span(), text) for at in _IP6.finditer(text) if _is_host6(at.group()))
    if _HOUSE.search(text):
        yield from (_spot("address", *street.span(), text) for street in _ADDRESS.finditer(text))


def secret_spots(text: str) -> Iterator[Spot]:
    """Passwords that are named as such, and keys that are known by their form."""
    lower = _lower(text)
    if any(map(lower.__contains__, _SECRET_WORDS)):
        for found in _ASSIGNED.finditer(lower):
            value = found["value"] if found["quote"] else found["value"].rstrip(".)!?")
            mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
            if len(value) >= 6 and (mixed or found["quote"]) and value not in STAND_INS.values():
                kind = "password" if found["name"].startswith("p") and "key" not in found["name"] else "secret"
                start = found.start("value")
                yield Spot(kind, start, start + len(value), quote(text, _word_start(text, found.start()), found.end()))
    if _KEY_LIKE.search(text):
        yield from _keys(text)


def _keys(text: str) -> Iterator[Spot]:
    for block in _KEY_BLOCK.finditer(text):
        yield Spot("secret", *block.span(), f"Private Key: {quote(text, *block.span())}"[:120])
    for plugin in _plugins():
        for value in map(str, plugin.analyze_string(text)):
            if "PRIVATE KEY" not in value:
                for found in re.finditer(re.escape(value), text):
                    yield Spot("secret", *found.span(), f"{plugin.secret_type}: {quote(value)}"[:120])


def _spot(kind: str, start: int, end: int, text: str) -> Spot:
    return Spot(kind, start, end, f"{kind} {quote(text, start, end)}")


def _lower(text: str) -> str:
    """In lower case, letter for letter: a few letters become two, which would move all that follows."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(one if len(one.lower()) > 1 else one.lower() for one in text)


def _word_start(text: str, at: int) -> int:
    """Where the name begins that ends in the word at `at`, as in DB_PASSWORD."""
    lowest = max(0, at - 40)
    while at > lowest and (text[at - 1].isalnum() or text[at - 1] in "_-"):
        at -= 1
    return at


def _luhn(number: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    digits = [int(char) for char in number if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _phones(text: str) -> Iterator[Spot]:
    """Numbers with +country, and those in the American form, or free of charge, in a text that speaks of telephones."""
    import phonenumbers
    from phonenumbers import Leniency, PhoneNumberMatcher

    if "+" in text:
        for match in PhoneNumberMatcher(text, None, leniency=Leniency.POSSIBLE):
            yield _spot("phone", match.start, match.end, text)
    if _PHONE_CUE.search(text):
        for candidate in _NATIONAL.finditer(text):
            if phonenumbers.is_possible_number(phonenumbers.parse(candidate.group(), "US")):
                yield _spot("phone", *candidate.span(), text)


def _is_host(text: str) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text.startswith("255.")) and address.packed[0] > 9


def _is_host6(text: str) -> bool:
    """Four written groups at least: shorter ones are times and names of code such as `a::b`."""
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return sum(bool(group) for group in text.split(":")) >= 4 and not address.is_loopback


@lru_cache(maxsize=1)
def _plugins() -> tuple[Any, ...]:
    return tuple(getattr(import_module(f"detect_secrets.plugins.{file}"), name)() for file, name in _PLUGINS.items())
