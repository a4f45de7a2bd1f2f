"""Jinja templates of people nobody knows, run in the web process: what they may do, what it may cost, where they fail.

faults       TemplateFault, TemplateError: what is wrong, with line and column
budget       steps, time and sizes
guards       the methods and operators that make much out of little, checked before they run
filters      the filters there are, within the budget
given        the functions that a template is given
environment  the sandbox: only harmless attributes, all of it counted
source       text -> program: parsing with places, counting written into the program
places       a place in the source for what went wrong
names        names that are read and set nowhere in reach
program      Program: a template that can be run
checking     check_source: every fault of a source before it is used
"""

from lib.formats.jinja.checking import check_source
from lib.formats.jinja.faults import Faulty, Refusal, TemplateError, TemplateFault
from lib.formats.jinja.program import Program, Written

__all__ = ["Faulty", "Program", "Refusal", "TemplateError", "TemplateFault", "Written", "check_source"]
