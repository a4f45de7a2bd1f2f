"""Formats: how a conversation becomes text, tokens and a loss mask, and how text becomes a conversation again.

The ways in:
render          conversation -> segments
reading         text -> conversation, in a form that is named or in whichever it is
templates       all templates by name, saved ones too
tokenizer       ModelTokenizer: text to ids and back, as the model does it
tokens          a tokenized conversation: ids, mask, places in the text
suited          which template suits a model

What they are made of:
segments        Segment, Specials: text cut where the loss starts and where special tokens stand
template        what a template is
checks          refusals by name
context         Alpaca's input in templates without a place for it
escaping        marks of a format inside messages
unroll          several turns as rows of one question and answer

The templates:
llama2          Llama 2, with line breaks and in one line
alpaca          three wordings
marked          ChatML and Llama 3
guanaco         Human and Assistant
plain           prompt and completion
chat_template   a chat template in Jinja, the model's or one's own
jinja           templates of people nobody knows: what they may do and cost, and where they fail
layout          what a template writes round the texts, and how that is read back
learned         the layout of any template, learned from what it writes
spans           which parts of a text are trained
custom          a source in Jinja made into a template
template_files  saved templates on the disk, in versions
saved           templates of one's own: saved, listed, deleted
round_trip      whether rows come back from a template

Tokens:
model_files     what a model's folder says about them
spaces          tokenizers that put a space in front of a text
fitting         rows with more tokens than fit

To look at:
lint            what is wrong, or may be, with rows as they are written
text_view       a rendered row as text, ready to be drawn
token_view      a rendered row as its tokens
visible         characters that nobody sees, by name
"""

from lib.formats.reading import parse, parse_any
from lib.formats.render import render, render_text
from lib.formats.segments import LITERAL, Segment, Specials, text_of
from lib.formats.suited import suited_template
from lib.formats.template import Template
from lib.formats.templates import TEMPLATES, get_template, stored_template, template_names
from lib.formats.tokenizer import ModelTokenizer, load_tokenizer
from lib.formats.tokens import Tokens, labels

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
    "stored_template",
    "suited_template",
    "template_names",
    "text_of",
]
