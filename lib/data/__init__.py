"""Data: rows from a source to the version that a run is trained on.

From a source to a dataset:
sources         files in many formats, folders, the Hub
mapping         which column is what, and a row read through that
imports         a source becomes a version, whole or not at all

A dataset as it lies:
info            a version as its manifest describes it, and how it is referred to
datasets        which there are, and queries on the rows of one version
lineage         which version its rows were taken from
columns         types of stored columns, and names that a query engine can tell apart

What is found out about it:
checks          what is wrong, or may be, in its rows
lint            what a template and a tokenizer make of them
measures        lengths, language, exact tokens, kept
near            near-duplicate texts
word_sets       texts as sets of words, and how alike two are
round_trip_job  the job `round trip`: whether a template brings every row back

Working on it:
table           its working copy searched, filtered, sorted, paged
fields          what a person can filter, sort and count by
filters         search, conditions and order as a record that fits into an address
facets          how rows are spread over a field
edits           working copy, journal, undo, changes of many rows
splits          train, test and validation, and leaks between them
versions        what becomes a new version, and how two differ
"""
