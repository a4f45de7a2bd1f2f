"""Templates that people wrote here: saved by name, in versions that never change, and deleted.

Whoever names `mine` gets its newest version; runs name `mine@2`, and find it even after it was deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime

from lib.errors import BadInput, NotFound
from lib.formats import template_files
from lib.formats.jinja import TemplateError, check_source
from lib.formats.template import Template
from lib.formats.template_files import SavedTemplate
from lib.formats.templates import TEMPLATES, get_template
from lib.storage import check_name

RESERVED = frozenset({*TEMPLATES, "auto"})
"""Names that mean something already."""


def save(name: str, source: str, user: str, note: str = "") -> Template:
    """Save a source as the next version of `name`; a source like the newest version's is that version.

    Raises:
        BadInput: the name cannot be used.
        TemplateError: the source has a fault; says where.
        StorageError: disk full or folder not writable.
    """
    check_name(name, "template name")
    if name in RESERVED:
        raise BadInput(f"{name!r} is the name of a template that comes with the studio.", "Choose another name.")
    if faults := check_source(source):
        raise TemplateError(f"{name} was not saved", faults[0], "Correct that place and save again.")
    newest = template_files.newest(name)
    if newest and template_files.read(name, newest).source == source:
        return get_template(f"{name}@{newest}")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return get_template(template_files.write(SavedTemplate(name, 0, source, note, user, now)).ref)


def list_saved() -> list[SavedTemplate]:
    """The newest version of each saved template, by name; deleted ones are left out."""
    return [template_files.read(name, template_files.newest(name)) for name in template_files.names()]


def versions(name: str) -> list[SavedTemplate]:
    """Versions of a saved template, oldest first; those before it was last deleted are left out.

    Raises:
        NotFound: there is none of that name.
    """
    _check_there(name)
    return [template_files.read(name, number) for number in template_files.versions(name)]


def get(ref: str) -> SavedTemplate:
    """`mine` (the newest version) or `mine@2` (that one, even when it was deleted).

    Raises:
        NotFound: there is none of that name or number.
    """
    name, version = template_files.split_ref(ref)
    if version is None:
        _check_there(name)
        version = template_files.newest(name)
    elif not template_files.exists(name, version):
        raise NotFound(f"There is no version {version} of the template {name!r}.", _hint())
    return template_files.read(name, version)


def delete(name: str) -> None:
    """Hide all versions of a saved template. Runs that name one keep it; saving under the name again counts on.

    Raises:
        NotFound: there is none of that name.
        BadInput: it comes with the studio.
    """
    if name in TEMPLATES:
        raise BadInput(f"{name} comes with the studio and stays.", "Only templates that were saved can be deleted.")
    _check_there(name)
    template_files.hide(name)


def _check_there(name: str) -> None:
    base, version = template_files.split_ref(name)
    if version is not None or not template_files.newest(base):
        raise NotFound(f"There is no saved template called {name!r}.", _hint())


def _hint() -> str:
    there = template_files.names()
    return f"Saved are: {', '.join(there)}." if there else "None is saved yet."
