"""Long rows: what each policy leaves of one, exactly, and what the count says of it."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import BadInput, CannotCarry
from lib.formats import ModelTokenizer, Tokens
from lib.formats.fitting import POLICIES, Effect, Fitted, fit
from lib.records import Conversation, Message
from tests.formats.strategies import few

TEMPLATES = ("llama2", "chatml", "llama3", "model")
words = st.text(alphabet="ab é\n", min_size=1, max_size=30).filter(str.strip)
pairs = st.lists(st.tuples(words, words), min_size=1, max_size=6)


user, assistant, system = (partial(Message, role) for role in ("user", "assistant", "system"))


def encoder(tokenizer: ModelTokenizer, template: str):
    return partial(_encode, tokenizer, template)


def _encode(tokenizer: ModelTokenizer, template: str, one: Conversation) -> Tokens:
    return tokenizer.encode_conversation(one, template)


def fitted(one: Conversation, encode, max_length: int, policy: str) -> Fitted:
    return fit(one, encode(one), max_length, policy, encode)


def talk(number: int, before: tuple[Message, ...] = (), length: int = 3) -> Conversation:
    turns = (message for n in range(number) for message in (user(f"ask {n}"), assistant(f"say {n} " * length)))
    return Conversation((*before, *turns))


@pytest.fixture
def encode(tokenizers):
    return encoder(tokenizers["starter_like"], "chatml")


def ids(tokens: Tokens) -> list[int]:
    return tokens.ids


def test_a_row_that_fits_stays_as_it_is_under_every_policy(encode):
    one = talk(2)
    tokens = encode(one)
    for policy in POLICIES:
        result = fit(one, tokens, len(tokens), policy, encode)
        assert (result.parts, result.outcome) == ([tokens], "fits")
        assert result.effect == Effect(rows=1, fit=1, made=1)


def test_drop_leaves_the_row_out_with_all_its_tokens(encode):
    tokens = encode(talk(2))
    result = fit(talk(2), tokens, len(tokens) - 1, "drop", encode)
    assert (result.parts, result.outcome) == ([], "too long")
    assert result.effect == Effect(rows=1, too_long=1, tokens_lost=len(tokens), trained_lost=sum(tokens.trained))


def test_cut_takes_the_end_off(encode):
    tokens = encode(talk(1, length=20))
    result = fitted(talk(1, length=20), encode, 30, "cut")
    (part,) = result.parts
    assert (part.ids, part.trained, part.spans) == (tokens.ids[:30], tokens.trained[:30], tokens.spans[:30])
    lost, trained = len(tokens) - 30, sum(tokens.trained[30:])
    assert result.effect == Effect(rows=1, cut=1, made=1, tokens_lost=lost, trained_lost=trained)


def test_turns_keeps_the_system_prompt_and_as_many_of_the_last_pairs_as_fit(encode):
    one = talk(5, (system("Be brief."),))
    rest = Conversation((one.messages[0], *one.messages[5:]))
    room = len(encode(rest))
    for max_length in (room, room + 1):
        result = fitted(one, encode, max_length, "turns")
        assert (list(map(ids, result.parts)), result.outcome) == ([encode(rest).ids], "shortened")
        assert result.effect.turns_removed == 2 and result.effect.tokens_lost == len(encode(one)) - room
        assert result.effect.trained_lost == sum(encode(one).trained) - sum(encode(rest).trained)


def test_turns_leaves_a_row_out_whose_last_pair_is_too_long(encode):
    one = Conversation((*talk(3).messages, user("and?"), assistant("word " * 200)))
    result = fitted(one, encode, 60, "turns")
    assert (result.parts, result.outcome, result.effect.turns_removed) == ([], "too long", 0)


def test_split_deals_the_pairs_in_order_each_row_with_the_system_prompt(encode):
    head = system("Be brief.")
    one = talk(5, (head,))
    rows = [Conversation((head, *one.messages[start:end])) for start, end in ((1, 5), (5, 9), (9, 11))]
    room = max(len(encode(row)) for row in rows)
    result = fitted(one, encode, room, "split")
    assert list(map(ids, result.parts)) == [encode(row).ids for row in rows]
    assert result.effect == Effect(rows=1, split=1, made=3)


def test_split_goes_on_with_the_rest_of_an_answer_that_is_too_long(encode):
    one = Conversation((user("a"), assistant("word " * 100)))
    tokens = encode(one)
    result = fitted(one, encode, 64, "split")
    joined = [number for part in result.parts for number in part.ids]
    assert joined == tokens.ids[: len(joined)] and len(result.parts) > 3
    assert all(all(part.trained) for part in result.parts[1:-1])
    assert result.effect.trained_lost == 0


def test_split_leaves_out_windows_with_nothing_to_learn(encode):
    one = Conversation((user("word " * 100), assistant("Yes.")))
    result = fitted(one, encode, 64, "split")
    assert all(any(part.trained) for part in result.parts)
    assert result.effect.tokens_lost == len(encode(one)) - sum(map(len, result.parts)) > 0
    assert result.effect.trained_lost == 0


@pytest.mark.parametrize("policy", ["cut", "drop", "turns", "split"])
def test_nothing_left_is_left_out_and_counted(encode, policy):
    one = Conversation((user("word " * 100), assistant("Yes.")))
    tokens = encode(one)
    silent = Tokens(tokens.ids, [False] * len(tokens), tokens.spans, tokens.special)
    result = fit(one, silent, len(tokens), policy, encode)
    assert (result.parts, result.outcome) == ([], "nothing left")
    assert result.effect == Effect(rows=1, nothing_left=1, tokens_lost=len(tokens))
    if policy == "cut":
        assert fitted(one, encode, 20, policy).outcome == "nothing left"


def test_what_the_template_refuses_in_part_is_left_out(encode):
    one = talk(4)

    def picky(part: Conversation) -> Tokens:
        if part != one:
            raise CannotCarry("picky cannot carry this.")
        return encode(part)

    for policy in ("turns", "split"):
        assert fitted(one, picky, len(encode(one)) - 1, policy).outcome == "too long"


def test_unknown_policies_and_lengths_are_refused(encode):
    tokens = encode(talk(1))
    for max_length, policy in ((10, "shrink"), (0, "cut")):
        with pytest.raises(BadInput, match="cannot be fitted"):
            fit(talk(1), tokens, max_length, policy, encode)


@few
@given(pairs=pairs, with_system=st.booleans(), max_length=st.integers(1, 80), template=st.sampled_from(TEMPLATES))
def test_what_comes_out_fits_and_the_count_agrees(tokenizers, pairs, with_system, max_length, template):
    before = (system("Be brief."),) if with_system else ()
    one = Conversation((*before, *(m for asked, told in pairs for m in (user(asked), assistant(told)))))
    for tokenizer in tokenizers.values():
        encode = encoder(tokenizer, template)
        try:
            tokens = encode(one)
        except CannotCarry:
            continue
        for policy in POLICIES:
            result = fit(one, tokens, max_length, policy, encode)
            effect = result.effect
            assert all(0 < len(part) <= max_length and any(part.trained) for part in result.parts)
            assert effect.rows == 1 and effect.made == len(result.parts)
            assert effect.fit + effect.cut + effect.shortened + effect.split + effect.dropped == 1
            assert bool(result.parts) == (not effect.dropped)
            if len(result.parts) == 1 and policy != "split":
                assert effect.tokens_lost == len(tokens) - len(result.parts[0])
            if policy == "split" and not effect.dropped:
                assert effect.trained_lost == 0
            if policy == "turns" and effect.shortened:
                assert result.parts[0].ids[-5:] == tokens.ids[-5:]


@few
@given(pairs=pairs, max_length=st.integers(8, 120))
def test_one_pair_more_would_not_fit(tokenizers, pairs, max_length):
    encode = encoder(tokenizers["llama2_like"], "llama2")
    messages = [m for asked, told in pairs for m in (user(asked), assistant(told))]
    one = Conversation(tuple(messages))
    effect = fitted(one, encode, max_length, "turns").effect
    fitting = [n for n in range(len(pairs)) if len(encode(Conversation(tuple(messages[2 * n :])))) <= max_length]
    assert effect.dropped if not fitting else effect.turns_removed == fitting[0]


def test_long_conversations_do_not_cost_their_square(encode):
    asked = 0

    def counting(one: Conversation) -> Tokens:
        nonlocal asked
        asked += len(one.messages)
        return encode(one)

    one = talk(200)
    tokens = encode(one)
    assert len(fit(one, tokens, 100, "split", counting).parts) > 20
    assert asked < 12 * len(one.messages)


def test_effects_add_up_and_survive_json():
    one = Effect(rows=1, cut=1, made=1, tokens_lost=4, trained_lost=3)
    total = sum((one, Effect(rows=1, too_long=1), Effect(rows=1, nothing_left=1)), Effect())
    assert (total.rows, total.cut, total.dropped, total.made) == (3, 1, 2, 1)
    assert Effect.from_dict(total.to_dict()) == total
