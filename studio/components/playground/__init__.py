"""Pieces of the Playground.

panes      who answers: chosen, added, removed, kept in the address
asked      how: sampling and the system prompt
held       the conversation of this session, and what the buttons do to it
turns      questions and answers, as they are written
prompt     the field for the next question, and what can be done with the answers
keeping    an answer kept as a row or as a test prompt
"""
