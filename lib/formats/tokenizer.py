"""A model's tokenizer, used on segments: ids and loss mask, the same in preview, training and generation.

The ids of a prompt are a prefix of the ids of the conversation that goes on from it, for every template and
tokenizer: text is encoded from left to right, and what is encoded never changes when more text follows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from tokenizers import AddedToken, Encoding, Tokenizer

from lib.errors import ModelError
from lib.formats import model_files
from lib.formats.chat_template import ChatTemplate
from lib.formats.render import render
from lib.formats.segments import Segment, Specials, text_of
from lib.formats.spaces import prefix_scheme, without_prefix
from lib.formats.template import Template
from lib.formats.templates import get_template
from lib.formats.tokens import Tokens
from lib.records import Conversation

_MARKER = re.compile(r"<\|[^|]+\|>")


class _Run(NamedTuple):
    """Text between two special tokens, or one special token (`id`). `start`: its place in the whole text.

    `pieces`: (text, trained), in turn. `texts`: the run's text up to the end of each piece, none for a special token.
    `fresh`: encoded as the start of a text.
    """

    start: int
    pieces: tuple[tuple[str, bool], ...]
    texts: tuple[str, ...] = ()
    fresh: bool = True
    id: int | None = None


def load_tokenizer(folder: str | Path) -> ModelTokenizer:
    """The tokenizer of a local model folder; kept in memory until one of its files changes.

    Raises:
        ModelError: files are missing or broken.
    """
    path = Path(folder).resolve()
    return _load(path, model_files.stamp(path))


@lru_cache(maxsize=8)
def _load(folder: Path, stamp: tuple[int, ...]) -> ModelTokenizer:
    return ModelTokenizer(folder)


class ModelTokenizer:
    """The tokenizer of a local model folder. Text that looks like a special token is encoded as text.

    Attributes:
        path, name: the folder, and its last part.
        fingerprint: sha256 of tokenizer.json, hexadecimal.
        specials: BOS (`""` unless the tokenizer adds one by itself), EOS and all special literals.
        bos_id, eos_id, pad_id: None where the model has none.
        vocab_size: number of ids, added tokens included.
        chat: the model's chat template, None when it has none.
    """

    def __init__(self, folder: str | Path) -> None:
        """Read the folder; see `load_tokenizer`, which remembers.

        Raises:
            ModelError: files are missing or broken.
        """
        self.path = Path(folder)
        self.name = self.path.name
        files = model_files.read(self.path)
        self.fingerprint = hashlib.sha256(files.tokenizer_json).hexdigest()
        self._tokenizer = _read_tokenizer(self.name, files.tokenizer_json)
        self._scheme = prefix_scheme(json.loads(files.tokenizer_json))
        tokens = files.tokens
        leading = _leading_id(self._tokenizer)
        known = self._mark_specials({*tokens.values(), *files.extra})
        eos_ids = [number for number in files.eos_ids if self._tokenizer.id_to_token(number) is not None]
        bos_id = self._id(tokens.get("bos_token", "")) if leading is None else leading
        eos_id = self._id(tokens.get("eos_token", ""))
        self.bos_id, self.eos_id = bos_id, eos_id if eos_id is not None or not eos_ids else eos_ids[0]
        self.pad_id = self._id(tokens.get("pad_token", ""))
        bos, eos = self._literal(self.bos_id), self._literal(self.eos_id)
        wants_bos = leading is not None or files.add_bos
        self.specials = Specials(bos if wants_bos else "", eos, known | ({bos, eos} - {""}))
        self.vocab_size: int = self._tokenizer.get_vocab_size(with_added_tokens=True)
        self._ids = {text: number for text in self.specials.known if (number := self._id(text)) is not None}
        self._rstrip = {t.content for t in self._tokenizer.get_added_tokens_decoder().values() if t.rstrip}
        self._model_stops = eos_ids
        names = {**tokens, "additional_special_tokens": list(files.extra)}
        self.chat = ChatTemplate(files.chat_template, names, self.specials.known) if files.chat_template else None
        # Special tokens come from the segments alone; a post-processor would also trim the spans.
        self._tokenizer.post_processor = None

    def encode_conversation(
        self, conversation: Conversation, template: str | Template, *, generation: bool = False, escape: bool = False
    ) -> Tokens:
        """`tokenize` what `render` makes of a conversation; raises what `render` raises."""
        return self.tokenize(render(conversation, template, self, generation=generation, escape=escape))

    def tokenize(self, segments: Sequence[Segment]) -> Tokens:
        """Ids and mask of one list of segments."""
        return self.tokenize_batch([segments])[0]

    def tokenize_batch(self, batch: Sequence[Sequence[Segment]], *, spans: bool = True) -> list[Tokens]:
        """`tokenize` for many at once, encoded in parallel; quicker without spans, which are then empty."""
        plans = [list(self._runs(segments)) for segments in batch]
        wanted = {(run.fresh, text): None for plan in plans for run in plan for text in run.texts}
        encoded: dict[tuple[bool, str], Encoding] = {}
        for fresh in (True, False):
            texts = [text for is_fresh, text in wanted if is_fresh == fresh]
            if texts:
                encoder = self._encoder(fresh)
                encode = encoder.encode_batch if spans else encoder.encode_batch_fast
                encodings = encode(texts, add_special_tokens=False)
                encoded |= {(fresh, text): encoding for text, encoding in zip(texts, encodings, strict=True)}
        return [self._assemble(plan, encoded, spans) for plan in plans]

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text by itself, as `tokenize` would count them in a segment of its own; on all cores."""
        return [len(encoding) for encoding in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def pieces(self, segments: Sequence[Segment], tokens: Tokens) -> list[str]:
        """Each token as text to show; the vocabulary's own spelling where a character spans several tokens."""
        text = text_of(segments)
        whole = (not partial for partial in tokens.partial())
        return [
            text[start:end] if shown else self._tokenizer.id_to_token(number) or ""
            for number, (start, end), shown in zip(tokens.ids, tokens.spans, whole, strict=True)
        ]

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True, *, continuation: bool = False) -> str:
        """The text of ids that `tokenize` made, or with `continuation` of ids that a model wrote after a prompt."""
        special = {number: text for text, number in self._ids.items()}
        out: list[str] = []
        run: list[int] = []
        fresh = not continuation
        for number in (*ids, None):
            if number is not None and number not in special:
                run.append(number)
                continue
            if run:
                out.append(self._encoder(fresh).decode(run, skip_special_tokens=False))
                run = []
            if number is not None:
                out.append("" if skip_special_tokens else special[number])
                fresh = self._is_fresh(special[number])
        return "".join(out)

    def stop_ids(self, template: str | Template) -> list[int]:
        """Tokens that end an answer: EOS, the ends the model's own files name, the template's end of turn.

        Raises:
            NotFound: no such template.
        """
        template = get_template(template) if isinstance(template, str) else template
        end = self.chat.end_of_turn() if template.needs_tokenizer and self.chat else template.end_of_turn
        found = [self.eos_id, self._ids.get(end), *self._model_stops]
        return list(dict.fromkeys(number for number in found if number is not None))

    def _mark_specials(self, literals: set[str]) -> frozenset[str]:
        """Mark tokens with a role, and added tokens that look like markers, as special; all special literals.

        Some files list such tokens as ordinary ones: a user's text could then hold them.
        """
        added = {token.content: token for token in self._tokenizer.get_added_tokens_decoder().values()}
        special = {text for text, token in added.items() if token.special}
        late = {text for text in added if _MARKER.fullmatch(text)} | literals
        late = {text for text in late - special if self._tokenizer.token_to_id(text) is not None}
        for text in sorted(late):
            rstrip = text in added and added[text].rstrip
            self._tokenizer.add_special_tokens([AddedToken(text, rstrip=rstrip, normalized=False, special=True)])
        return frozenset(special | late)

    def _id(self, literal: str) -> int | None:
        number: int | None = self._tokenizer.token_to_id(literal) if literal else None
        return number

    def _literal(self, number: int | None) -> str:
        return "" if number is None else self._tokenizer.id_to_token(number) or ""

    @cached_property
    def _continuation(self) -> Tokenizer:
        return self._tokenizer if self._scheme == "never" else without_prefix(self._tokenizer)

    def _encoder(self, fresh: bool) -> Tokenizer:
        return self._tokenizer if fresh else self._continuation

    def _is_fresh(self, before: str) -> bool:
        """Whether text after this special token gets the space that the tokenizer puts in front of a text.

        After BOS it does, as when the tokenizer itself adds BOS to a text.
        """
        return self._scheme != "first" or before in ("", self.specials.bos)

    def _runs(self, segments: Sequence[Segment]) -> Iterator[_Run]:
        position, start = 0, 0
        before = ""
        pieces: list[tuple[str, bool]] = []
        for segment in segments:
            number = self._ids.get(segment.text) if segment.special else None
            if number is None:
                _add_piece(pieces, segment)
            else:
                yield from self._text_run(start, pieces, before)
                pieces, before = [], segment.text
                yield _Run(position, ((segment.text, segment.trained),), id=number)
                start = position + len(segment.text)
            position += len(segment.text)
        yield from self._text_run(start, pieces, before)

    def _text_run(self, start: int, pieces: list[tuple[str, bool]], before: str) -> Iterator[_Run]:
        if pieces and before in self._rstrip and not pieces[0][1]:
            # Such a token swallows the whitespace behind it wherever it is met in text; the model never saw any.
            text = pieces[0][0].lstrip()
            start += len(pieces[0][0]) - len(text)
            pieces = [(text, False), *pieces[1:]] if text else pieces[1:]
        if pieces:
            texts = (pieces[0][0],) if len(pieces) == 1 else tuple(accumulate(piece for piece, _ in pieces))
            yield _Run(start, tuple(pieces), texts, self._is_fresh(before))

    def _assemble(self, plan: list[_Run], encoded: dict[tuple[bool, str], Encoding], spans: bool) -> Tokens:
        tokens = Tokens([], [], [], [])
        for run in plan:
            if run.id is None:
                self._assemble_text(tokens, run, encoded, spans)
                continue
            ((text, trained),) = run.pieces
            tokens.ids.append(run.id)
            tokens.trained.append(trained)
            tokens.special.append(True)
            if spans:
                tokens.spans.append((run.start, run.start + len(text)))
        return tokens

    def _assemble_text(self, tokens: Tokens, run: _Run, encoded: dict[tuple[bool, str], Encoding], spans: bool) -> None:
        done: list[int] = []
        start = run.start
        for text, (piece, trained) in zip(run.texts, run.pieces, strict=True):
            encoding, offset, skip = encoded[run.fresh, text], run.start, len(done)
            ids = encoding.ids
            if ids[:skip] != done:
                # The tokenizer would join both sides of the boundary in one token: go on behind it instead.
                tokens.joins.append(len(tokens))
                encoding, offset, skip = self._continuation.encode(piece, add_special_tokens=False), start, 0
                ids = encoding.ids
            ids = ids[skip:]
            tokens.ids.extend(ids)
            tokens.trained.extend([trained] * len(ids))
            tokens.special.extend([False] * len(ids))
            if spans:
                found = encoding.offsets[skip:]
                tokens.spans.extend([(first + offset, last + offset) for first, last in found] if offset else found)
            done = done + ids
            start += len(piece)


def _read_tokenizer(name: str, content: bytes) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    except Exception as error:  # The library raises bare exceptions.
        raise ModelError(f"tokenizer.json of {name} cannot be read: {error}.", "Fetch the file again.") from error
    # Saved files may carry the settings of a training run.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def _leading_id(tokenizer: Tokenizer) -> int | None:
    """The token that the tokenizer itself puts in front of a text; None when it puts none there."""
    bare, full = (tokenizer.encode("a", add_special_tokens=add).ids for add in (False, True))
    leads = len(full) > len(bare) and full[: len(bare)] != bare
    return full[0] if leads else None


def _add_piece(pieces: list[tuple[str, bool]], segment: Segment) -> None:
    if pieces and pieces[-1][1] == segment.trained:
        pieces[-1] = (pieces[-1][0] + segment.text, segment.trained)
    elif segment.text:
        pieces.append((segment.text, segment.trained))
