"""Formats: how a conversation becomes text, tokens and a loss mask, and how text becomes a conversation again.

segments        Segment, Specials: text cut where the loss starts and where special tokens stand
template        what a template is
llama2, alpaca  \\ the templates
marked          /  (ChatML, Llama 3)
chat_template   the model's own
context         Alpaca's input in templates without a place for it
checks          refusals by name
templates       all of them by name
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
