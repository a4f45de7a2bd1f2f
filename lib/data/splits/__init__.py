"""Splits: train, test and validation.

hashed      names of splits; the split that an import gives a row
rules       dealing rows anew so that none leaks
leakage     what one side gives away of another
job, leakage_job   the jobs
"""
