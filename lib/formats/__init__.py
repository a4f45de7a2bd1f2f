"""Formats: how a conversation becomes text, tokens and a loss mask, and how text becomes a conversation again.

segments        Segment, Specials: text cut where the loss starts and where special tokens stand
template        what a template is
llama2, alpaca  \\ the templates
marked          /  (ChatML, Llama 3)
jinja           templates of people nobody knows: what they may do and cost, and where they fail
chat_template   a chat template in Jinja, the model's or one's own
layout, learned what any template writes round the texts, learned from what it writes
spans           which parts of a text are trained
custom          a source in Jinja made into a template
template_files, saved   templates of one's own, in versions on the disk
round_trip      whether rows come back from a template
context         Alpaca's input in templates without a place for it
checks          refusals by name
templates       all of them by name, saved ones too
escaping        marks of a format inside messages
render, reading conversation -> segments, text -> conversation: the ways in
model_files     what a model's folder says about its tokens
spaces          tokenizers that put a space in front of a text
tokenizer       ModelTokenizer: ids, mask, decoding
"""

from lib.formats.reading import parse, parse_any
from lib.formats.render import render, render_text
from lib.formats.segments import LITERAL, Segment, Specials, text_of
from lib.formats.template import Template
from lib.formats.templates import TEMPLATES, get_template, template_names
from lib.formats.tokenizer import ModelTokenizer, Tokens, labels, load_tokenizer

__all__ = [
    "LITERAL",
    "TEMPLATES",
    "ModelTokenizer",
    "Segment",
    "Specials",
    "Template",
    "Tokens",
    "get_template",
    "labels",
    "load_tokenizer",
    "parse",
    "parse_any",
    "render",
    "render_text",
    "template_names",
    "text_of",
]
