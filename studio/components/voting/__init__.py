"""The Vote page: the list of votes, voting, the owner's view, results."""
