"""Where rows come from: files in many formats, folders of them, saved data sets, the Hub.

source     open_source: the way in
sniff      what a file really is
readers    delimited text, Parquet, Arrow
lines      JSON Lines
documents  one JSON document
unpacking  .gz and .zst
items      a row or a refusal, and how far the reading is
saved      folders written by `datasets`
oasst      OpenAssistant trees
hub        the Hugging Face Hub
"""
