"""Inference: answers of a base and of adapters on it, while people wait and for comparisons.

Asking, without torch:
talk       a conversation with several panes at once
client     asks the engine, and waits for it
stream     answers on their way, for whoever draws them

Answering:
engine     the job `engine`: one base with its adapters, over local HTTP
line       who waits for it, first come, first served
asking     one question to several panes
generator  a base with any number of adapters: answers and losses
adapters   rows of one batch, each with an adapter of its own
batching   which requests are answered together
decoding   the loop that writes answers
recorded   a step of it that a GPU records once and plays
cache      keys and values, with room for tokens to come
sampling   which token comes next
"""
