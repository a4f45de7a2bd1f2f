"""Mappings in one place: what they are, how a source's is recognised, how a row is read through one."""

from lib.data.mapping.reading import read_conversation
from lib.data.mapping.recognise import Recognition, recognise
from lib.data.mapping.roles import ROLES, SYNONYMS, Mapping

__all__ = ["ROLES", "SYNONYMS", "Mapping", "Recognition", "read_conversation", "recognise"]
