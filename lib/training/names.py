"""Names for runs that people can say and remember: gentle-otter rather than a number."""

from __future__ import annotations

import secrets

ADJECTIVES = """
amber bold brave bright brisk calm clear clever cosy deft eager early fair fleet fond fresh gentle glad golden
grand happy honest humble jolly keen kind lively loyal lucid lucky mellow merry mild modest neat nimble noble
patient plain proud quick quiet rapid ready rosy sage silver sleek steady still sunny swift tidy true vivid
warm wise witty young
""".split()  # noqa: SIM905

ANIMALS = """
badger bear beaver bison bobcat crane crow deer dove eagle egret elk falcon ferret finch fox gecko goose hare
hawk heron hippo ibex ibis jackal jay kite koala lark lemur lion llama lynx magpie marten mole moose newt
ocelot okapi orca osprey otter owl panda pelican puffin quail raven robin salmon seal shrew sparrow stork swan
tapir tern tiger toad trout turtle vole walrus weasel whale wolf wren yak zebra
""".split()  # noqa: SIM905


def new_name(taken: set[str]) -> str:
    """A name that nobody has; with a suffix once half of the plain ones are used up."""
    while (name := f"{secrets.choice(ADJECTIVES)}-{secrets.choice(ANIMALS)}") in taken:
        if len(taken) > len(ADJECTIVES) * len(ANIMALS) // 2:
            return f"{name}-{secrets.token_hex(3)}"
    return name
