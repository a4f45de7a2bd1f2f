"""Conversations in one line: `talk("s:Be brief.", "u:Hi", "a:Hello!")`."""

from __future__ import annotations

from lib.records import Conversation, Message

_ROLES = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}


def talk(*turns: str, context: str = "") -> Conversation:
    """`context` goes to the first user message."""
    messages = []
    for turn in turns:
        role, _, text = turn.partition(":")
        first_user = role == "u" and not any(message.role == "user" for message in messages)
        messages.append(Message(_ROLES[role], text, context if first_user else ""))
    return Conversation(tuple(messages))


WITH_BLOCKS = """{{- bos_token }}
{%- for message in messages %}
  {%- if message.role == 'assistant' %}
    {{- '### Answer:\\n' }}
    {%- generation %}{{ message.content + eos_token }}{% endgeneration %}
    {{- '\\n\\n' }}
  {%- else %}
    {{- '### ' + message.role.capitalize() + ':\\n' + message.content + '\\n\\n' }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '### Answer:\\n' }}
{%- endif %}
"""
"""A template that somebody wrote, with the learned part marked."""
