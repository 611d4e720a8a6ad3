"""The view: a disposable projection of the journal that pages and `organism status` read.

Only the reader is imported here, so that a command which merely looks loads nothing else.
"""

from organism.view.reader import NeverStarted, ViewReader, ViewUnreadable

__all__ = ["NeverStarted", "ViewReader", "ViewUnreadable"]
