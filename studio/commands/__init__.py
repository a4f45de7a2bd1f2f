"""The commands, a module for each part of the job; every module has `register(app)`."""
