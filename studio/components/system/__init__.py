"""The System page: what goes on now, what is stored, what it all runs with."""
