"""Everything of the studio that is not screen: what pages and commands call.

What people work with:
data        rows: imported, checked, edited, split, saved in versions
formats     a conversation as text, tokens and loss mask, and back
models      base models on this machine and on the Hub
training    runs: planned, started, watched, taken up again
inference   answers of a base and its adapters
evaluation  whether a run's answers are better than its base's
packaging   what a run learned, for others to load
export      rows as files that other tools read
overview    what the Home page says
system      what the System page says, and what can be done from there

What that stands on:
jobs        long work in processes of its own
progress    how far long work is, told to whoever started it
database    tables, sessions, migrations
storage     where everything lies under the home folder, written whole or not at all
scratch     files and folders that appear whole or not at all
duck        one DuckDB for the process
devices     GPUs and CPU, found out without torch
versions    Python, libraries and commit, found out without importing any
settings    every setting, with default and help
records     Conversation and Message, the one unit of data
errors      what can go wrong, in words a user can act on
words       numbers in words that people read
"""
