"""How a record of the log becomes a line: one JSON object for the file, a few words for the terminal.

structlog's processors, over records of the standard library's `logging` (ours and those of libraries) and of
structlog's own loggers alike; what a line holds is said in `organism.logrecord`. Correlate with `extra={"organ": …,
"cause": envelope id, "incarnation": …, "seq": …}`; in an organ's thread that is known anyway (`organism.handling`).
"""

import logging
from typing import Any

import structlog
from structlog.contextvars import merge_contextvars
from structlog.typing import EventDict, Processor

from organism.logrecord import CORRELATION, ShortLine, arranged, worded, written
from organism.redaction import Redactor

__all__ = ["JsonLines", "ShortLine"]


class JsonLines(structlog.stdlib.ProcessorFormatter):
    """A record as one JSON object.

    timestamp (UTC, ISO 8601), level, process, organ, incarnation, correlation, envelope, logger, event; then
    whatever else was said with it, pid, thread, and of an error `exception`, its traceback. What is not known is
    left out. No value is longer than some thousand characters.
    """

    def __init__(self, process: str, redact: Redactor) -> None:
        super().__init__(
            foreign_pre_chain=[_in_words, structlog.stdlib.ExtraAdder(allow=CORRELATION)],
            processors=_chain(process, redact),
            use_get_message=False,
            pass_foreign_args=True,
        )


def _chain(process: str, redact: Redactor) -> list[Processor]:
    def in_order(_: Any, __: str, said: EventDict) -> EventDict:
        record: logging.LogRecord = said.pop("_record")
        del said["_from_structlog"]
        return arranged(process, redact, record, said)

    return [
        merge_contextvars,
        structlog.processors.format_exc_info,
        in_order,
        structlog.processors.JSONRenderer(serializer=written),
    ]


def _in_words(_: Any, __: str, said: EventDict) -> EventDict:
    """A record of the standard library with its arguments in their places, and no error where there was none."""
    said["event"] = worded(said["_record"].msg, said.pop("positional_args", None))
    raised = said.get("exc_info")
    if isinstance(raised, tuple) and raised[0] is None:
        del said["exc_info"]
    return said
