"""Export: rows of a dataset version as files that other tools read.

options     what a person chooses, with a line of help for each choice
shapes      a conversation -> the values of one row, for each choice of columns
rendered    the same for shapes that a template writes: text, prompt and completion, ids
making      which of them the options ask for
fast        plain rows at once, where the text round theirs is known; the others are left to the renderer
rows        stored rows -> columns to write, split by split, with every refusal counted
writers     JSONL, JSON, CSV, Parquet
preview     one conversation as the file would hold it
dataset     the way in: one file, or a folder of splits with its card
card        README.md of such a folder
markdown    texts of anybody in it
hub         a folder to the Hugging Face Hub
job         all of it as a job, with a file to download
report      what was written, left out, cut and unrolled
"""
