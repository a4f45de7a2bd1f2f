"""Personal data and secrets in a text. Libraries are only asked when a cheap look finds something."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from importlib import import_module
from typing import Any

from lib.data.checks.report import quote

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.[A-Za-z]{2,24}\b")
_DIGITS = re.compile(r"\d[\d .()/-]{5,}\d")
_CARD = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])")
_IP = re.compile(r"(?<![\w.])(?<!version )(?<!firmware )(?<!release )(?:\d{1,3}\.){3}\d{1,3}(?!\.?\w)", re.IGNORECASE)
_PHONE_CUE = re.compile(r"\b(?:phone|telephone|tel|call|mobile|cell|fax|ring|whatsapp|dial|hotline)\b", re.IGNORECASE)
_NATIONAL = re.compile(r"(?<![\w.+-])(?:1[-. ])?\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}(?![\w-])")
_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,5}[A-Za-z]? (?:[A-Z][a-z]+ ){1,3}"
    r"(?:Street|St\.|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Boulevard|Blvd|Court|Terrace|Crescent)\b"
)
_ASSIGNED = re.compile(
    r"\b[\w-]{0,40}(?:password|passwd|pwd|passphrase|secret|token"
    r"|api[_ -]?key|access[_ -]?key|private[_ -]?key)[\w-]{0,20}"
    r"[\"']?\s*(?:[:=]|\bis\b)\s*(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;<>]{6,})",
    re.IGNORECASE,
)
_SECRET_WORD = re.compile(r"pass|pwd|secret|token|key", re.IGNORECASE)
_KEY_LIKE = re.compile(
    r"eyJ|AKIA|ASIA|gh[pousr]_|glpat|sk[-_]|rk_|xox|-----BEGIN|SG\.|pypi-|_authToken|sq0"
    r"|://[^\s/]+:[^\s/]+@|-us\d|hooks\.slack"
)
_PLUGINS = {
    "aws": "AWSKeyDetector", "github_token": "GitHubTokenDetector", "gitlab_token": "GitLabTokenDetector",
    "jwt": "JwtTokenDetector", "openai": "OpenAIDetector", "private_key": "PrivateKeyDetector",
    "pypi_token": "PypiTokenDetector", "sendgrid": "SendGridDetector", "slack": "SlackDetector",
    "stripe": "StripeDetector", "square_oauth": "SquareOAuthDetector", "npm": "NpmDetector",
    "mailchimp": "MailchimpDetector", "basic_auth": "BasicAuthDetector",
}  # fmt: skip


def personal_data(text: str) -> str | None:
    if "@" in text and (mail := _MAIL.search(text)):
        return f"e-mail {quote(mail.group())}"
    if _DIGITS.search(text):
        for number in _CARD.finditer(text):
            if _luhn(number.group()):
                return f"card number {quote(number.group())}"
        found = _phone(text)
        if found:
            return f"phone {quote(found)}"
        for address in _IP.finditer(text):
            if _is_host(address.group()):
                return f"IP address {address.group()}"
    street = _ADDRESS.search(text)
    return f"address {quote(street.group())}" if street else None


def _luhn(number: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    digits = [int(char) for char in number if char.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 and len(set(digits)) > 1


def _phone(text: str) -> str | None:
    """A number with +country, or one in the American form in a text that speaks of telephones."""
    import phonenumbers
    from phonenumbers import Leniency, PhoneNumberMatcher

    if "+" in text:
        for match in PhoneNumberMatcher(text, None, leniency=Leniency.POSSIBLE):
            return str(match.raw_string)
    if _PHONE_CUE.search(text):
        for candidate in _NATIONAL.finditer(text):
            if phonenumbers.is_possible_number(phonenumbers.parse(candidate.group(), "US")):
                return candidate.group()
    return None


def _is_host(text: str) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text.startswith("255.")) and address.packed[0] > 9


def secret(text: str) -> str | None:
    if _SECRET_WORD.search(text):
        for found in _ASSIGNED.finditer(text):
            value = found["value"].rstrip(".)!?")
            mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
            if len(value) >= 6 and (mixed or found["quote"]):
                return quote(found.group())
    if _KEY_LIKE.search(text):
        for plugin in _plugins():
            for value in plugin.analyze_string(text):
                return f"{plugin.secret_type}: {quote(str(value))}"[:120]
    return None


@lru_cache(maxsize=1)
def _plugins() -> tuple[Any, ...]:
    return tuple(getattr(import_module(f"detect_secrets.plugins.{file}"), name)() for file, name in _PLUGINS.items())
