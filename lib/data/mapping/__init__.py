"""Mappings in one place: what they are, how a source's is recognised, how a row is read through one.

roles      Mapping: which column is what
recognise  what shape a source has
reading    row and mapping -> conversation
writing    conversation -> the columns of its row
messages   lists of messages, in every spelling that files have
turns      turns cut in two, put together, taken out, put in
"""

from lib.data.mapping.reading import read_conversation
from lib.data.mapping.recognise import Recognition, recognise
from lib.data.mapping.roles import ROLES, SYNONYMS, Mapping

__all__ = ["ROLES", "SYNONYMS", "Mapping", "Recognition", "read_conversation", "recognise"]
