"""What the System page and `python -m studio system` show, and what can be done from there.

titles    what a job is called, and the page of what it works on
jobs      live jobs with their processes, in the order of their turn; those that failed; the end of a log
holders   devices and the jobs that hold them
workers   the processes that take jobs
disk      what the home takes, part by part, measured in the background
freeing   what can be deleted without losing anything
values    settings, where each value comes from, and what is wrong with it
actions   stop a job, move one up
document  all of it as one JSON document
"""
