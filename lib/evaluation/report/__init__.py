"""A comparison as one HTML file: to send, print and keep, with nothing outside it and no script.

page      the file: template, escaping, what it is made of
facts     who, what, when; how sure; settings, hashes and the command that repeats it
figures   figures with intervals, differences, their places on a chart
answers   examples that got worse, with the words that differ
"""

from lib.evaluation.report.page import export_html

__all__ = ["export_html"]
