"""How a comparison is made, stored and read. `job` imports torch; everything else here is light.

config     what to compare and how
view       a comparison as screens and commands see it
files      what lies in its folder
questions  what is asked: rows of a split, or a prompt set, as they were when the comparison began
rows       the dataset's rows behind them, as they are now
encoding   questions as token ids, for each side
checks     hashes of all that takes part, proof that weights differ, and warnings
answering  the sides answer, one base after another
circles    answers that were cut while they said the same again and again
scoring    metrics and statistics, with and without rows that leaked
repeats    how much is noise: other seeds
job        all of it in order, stopped and taken up again
"""
