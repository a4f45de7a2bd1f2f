"""Packages: what a run learned, in a form that others can load, checked before it is called done.

packages     ask for a package, see how far it is, list those there are: what screens use
job          the jobs that make one
making       fills a folder: weights, tokenizer, chat template, card, manifest
merging      base and adapter made one model
parity       whether it says what adapter and base say
prompts      the prompts that both are asked
wording      how a template writes a conversation, learned from what it writes
chat         the template as a chat template in Jinja
ollama       the template in Go's template language, in a Modelfile
serving      the commands that serve a package
card         README.md
curve        loss as numbers and as a picture
comparisons  what comparisons found out about the run
names        what its base is called elsewhere
"""

from lib.packaging.packages import PackageView, newest_job, package_at, packages, submit, zipped

__all__ = ["PackageView", "newest_job", "package_at", "packages", "submit", "zipped"]
