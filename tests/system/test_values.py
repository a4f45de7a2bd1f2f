"""Settings with where each value comes from; no secret among them."""

from __future__ import annotations

from lib.settings import TABLE
from lib.system import values


def by_name(found):
    return {value.name: value for value in found}


def test_a_value_says_where_it_comes_from(home, monkeypatch):
    monkeypatch.delenv("STUDIO_UPLOAD_LIMIT_MB", raising=False)
    found = by_name(values.listed())
    assert list(found) == [setting.name for setting in TABLE]
    assert (found["home"].value, found["home"].source) == (str(home), "environment (STUDIO_HOME)")
    assert (found["upload_limit_mb"].value, found["upload_limit_mb"].source) == ("2000", "default")
    assert all(value.help and not value.problem for value in found.values())


def test_what_is_no_number_is_named(monkeypatch):
    monkeypatch.setenv("STUDIO_UPLOAD_LIMIT_MB", "many")
    assert (
        "STUDIO_UPLOAD_LIMIT_MB is 'many', which is not a whole number"
        in by_name(values.listed())["upload_limit_mb"].problem
    )


def test_passwords_and_tokens_are_not_shown(monkeypatch):
    monkeypatch.setenv("STUDIO_DATABASE_URL", "postgresql://ada:hunter2@db/studio")
    monkeypatch.setenv("HF_TOKEN", "hf_hunter2")
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    found = by_name([*values.listed(), *values.foreign()])
    assert found["database_url"].value == "postgresql://ada:***@db/studio"
    assert (found["HF_TOKEN"].value, found["HF_TOKEN"].source) == ("set", "environment (HF_TOKEN)")
    assert (found["HF_ENDPOINT"].value, found["HF_ENDPOINT"].source) == ("", "not set")
    monkeypatch.setenv("STUDIO_DATABASE_URL", "hunter2")
    assert "hunter2" not in str([value.to_dict() for value in values.listed()])
