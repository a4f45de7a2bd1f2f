"""Evaluation: whether a run answers better than its base, how sure that is, and why.

Making a comparison:
sides         who answers: a base, a run's adapter, any other model
prompt_sets   questions kept under a name, to be asked again
prompt_files  prompts from a file
comparisons   create one, list, take up again, read what was stored
comparing     the work itself, in a job
pace          about how long one will take

What it comes to:
metrics       a value for every example, and the figure of all
statistics    intervals, p-values, verdicts in words
leaks         questions that a run was trained on
lengths       the room that most references take
votes         blind votes of people

Looking closer:
advice        what a verdict means, and what to do next, in plain words
best          whose figure is the best by each metric, of three sides or more
examples      questions one by one, with all answers
slices        groups of rows, each with its own difference
reference     one run against another, from the same answers
clusters      texts in a few groups, by the words that they share
nearest       training rows that are most like a question

What becomes of it:
history       notes, deleting, files for other programs
against       two comparisons with each other
report        one HTML file to send and keep
keeping       an answer becomes a row of a dataset
"""
