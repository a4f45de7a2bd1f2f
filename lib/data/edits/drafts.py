"""Opening working copies, and the lock under which one is changed.

A version that was saved from a working copy takes over, when it is first opened, the edits that came in while it was
being saved; one that rows were added to, all edits. So none is lost, whenever the saving process dies.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy import and_, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from lib.data import datasets
from lib.data.columns import ROW_ID
from lib.data.datasets import DatasetInfo, DatasetRef
from lib.data.edits import overlay
from lib.data.edits.overlay import SEQ
from lib.data.edits.state import RowState
from lib.data.edits.working import WorkingCopy
from lib.database import Draft, RowEdit, session
from lib.errors import WrongState


def open_copy(info: DatasetInfo) -> WorkingCopy:
    """The working copy of a version as it is now.

    Raises:
        StorageError: the database does not answer.
    """
    with session() as opened:
        copy = _read_copy(opened, info)
    if copy is None and _base(info) is not None:
        _begin(info)
        with session() as opened:
            copy = _read_copy(opened, info)
    return copy or WorkingCopy(info)


def _read_copy(opened: Session, info: DatasetInfo) -> WorkingCopy | None:
    """The working copy as it is in the database, in one statement: so another process cannot come between.

    None when there is no draft yet.
    """
    edits_of_draft = and_(RowEdit.dataset == Draft.dataset, RowEdit.version == Draft.version)
    query = (
        select(Draft.seq, Draft.overlay, Draft.saved_as, RowEdit.row_id, RowEdit.seq, RowEdit.state)
        .outerjoin(RowEdit, edits_of_draft)
        .where(Draft.dataset == info.name, Draft.version == info.version)
    )
    found = opened.execute(query).all()
    if not found:
        return None
    edits = {row_id: RowState.from_dict(state, seq) for *_, row_id, seq, state in found if row_id is not None}
    seq, file, saved_as, *_ = found[0]
    return WorkingCopy(info, seq, file, saved_as, edits)


@contextlib.contextmanager
def locked(info: DatasetInfo) -> Iterator[tuple[Session, Draft]]:
    """A session, and the version's draft, which nobody else changes until the block ends.

    Raises:
        WrongState: the edits were saved as another version; go on there.
    """
    with contextlib.ExitStack() as stack:
        opened = stack.enter_context(session())
        draft = opened.get(Draft, (info.name, info.version), with_for_update=True)
        if draft is None:
            stack.close()
            _begin(info)
            opened = stack.enter_context(session())
            draft = opened.get_one(Draft, (info.name, info.version), with_for_update=True)
        if draft.saved_as is not None:
            raise WrongState(
                f"The edits of {info.ref} were saved as version {draft.saved_as}.",
                f"Go on with {info.name}@{draft.saved_as}.",
            )
        yield opened, draft


def present(opened: Session, draft: Draft, info: DatasetInfo, row_id: int) -> RowState:
    """A row's state under the lock.

    Raises:
        NotFound: the version has no such row.
    """
    edit = opened.get(RowEdit, (info.name, info.version, row_id)) if overlay.can_be_id(row_id) else None
    if edit is not None:
        return RowState.from_dict(edit.state, edit.seq)
    return WorkingCopy(info, draft.seq, draft.overlay).state(row_id)


def put(opened: Session, draft: Draft, states: dict[int, RowState]) -> None:
    """Store states of rows as they are from entry `draft.seq` on, in place of earlier ones."""
    _drop(opened, draft, RowEdit.row_id.in_(states))
    rows = [
        {
            "dataset": draft.dataset,
            "version": draft.version,
            "row_id": row_id,
            "seq": draft.seq,
            "state": state.to_dict(),
        }
        for row_id, state in states.items()
    ]
    if rows:
        opened.execute(insert(RowEdit), rows)


def fold(opened: Session, draft: Draft, file: str, until: int) -> None:
    """From now on the overlay `file` holds the states of all rows that were edited up to entry `until`."""
    _drop(opened, draft, RowEdit.seq <= until)
    draft.overlay = file


def _drop(opened: Session, draft: Draft, which: object) -> None:
    of_draft = (RowEdit.dataset == draft.dataset, RowEdit.version == draft.version)
    opened.execute(delete(RowEdit).where(*of_draft, which))  # type: ignore[arg-type]


def _base(info: DatasetInfo) -> int | None:
    """The version whose edits this one is, or goes on with."""
    return info.recipe.get("base") if info.recipe.get("kind") in ("edits", "rows") else None


def _begin(info: DatasetInfo) -> None:
    """Make the version's draft, unless another process does so first."""
    base = _base(info)
    with contextlib.suppress(IntegrityError), session() as opened:
        old = opened.get(Draft, (info.name, base), with_for_update=True) if base is not None else None
        draft = Draft(dataset=info.name, version=info.version, seq=old.seq if old else 0)
        opened.add(draft)
        opened.flush()
        if old is not None:
            _carry(opened, info, old, draft)
            old.saved_as = info.version


def _carry(opened: Session, info: DatasetInfo, old: Draft, draft: Draft) -> None:
    """Take over the states that are newer than what was saved."""
    copy = _read_copy(opened, datasets.get(DatasetRef(info.name, old.version)))
    assert copy is not None
    if copy.seq == int(info.recipe["seq"]):
        return
    with copy.connect() as connection:
        connection.from_parquet(str(info.rows_file)).create_view("new")
        later = f"""SELECT * FROM changes
            WHERE {SEQ} > {int(info.recipe["seq"])} AND {ROW_ID} IN (SELECT {ROW_ID} FROM new) ORDER BY {ROW_ID}"""
        if connection.execute(f"SELECT count(*) FROM ({later})").fetchall()[0][0]:
            file = overlay.new_name(draft.seq)
            overlay.write(connection, later, overlay.path_of(info.name, info.version, file))
            draft.overlay = file
