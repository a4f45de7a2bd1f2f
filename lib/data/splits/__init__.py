"""Splits: train, test and validation.

hashed       names of splits; the split that an import gives a row
rules        how rows are dealt anew so that none leaks
dealing      that done to a working copy, as a step that undo takes back
job          the job `split`, which does so
leakage      what one side gives away of another
leakage_job  that as a job and as a command
"""
