"""Run in Kadi4Mat's own environment: its hooks on truncated and mutated files, which it takes for ours.

Standard input is a JSON object with ``record`` (the number of a record), ``files`` (paths by name) and ``rounds``; prints
what the hooks answered and what they logged. Nothing is kept.
"""

from __future__ import annotations

import io
import json
import logging
import random
import sys
from collections import Counter
from pathlib import Path

from kadi.app import create_app
from kadi.ext.db import db
from kadi.lib.plugins.core import run_hook
from kadi.modules.records.models import File, Record

#: Of the mutations.
SEED = 20


def mutated(content: bytes, chance: random.Random) -> bytes:
    """Return a content with some bytes changed, most of them where the structure of a file is, or with its end missing."""
    changed = bytearray(content)
    for _ in range(chance.choice([1, 2, 4, 16, 64])):
        place = int(len(changed) * chance.random() ** 3)
        changed[place : place + chance.randint(1, 8)] = chance.randbytes(chance.randint(1, 8))
    if chance.random() < 0.3:
        del changed[int(len(changed) * chance.random()) :]
    return bytes(changed)


class Troubles(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.lines.append(f"{record.getMessage()}: {record.exc_info and record.exc_info[1]!r}")


def main() -> None:
    """Run the hooks and print the outcome."""
    request = json.load(sys.stdin)
    app = create_app()
    troubles = Troubles()
    app.logger.addHandler(troubles)
    chance, outcomes = random.Random(SEED), Counter[str]()
    with app.test_request_context("/"):
        record = Record.query.get(request["record"])
        known = {file.name: file.magic_mimetype for file in File.query.all()}
        for name, path in request["files"].items():
            content = Path(path).read_bytes()
            for number in range(request["rounds"]):
                data = mutated(content, chance)
                file = File.create(creator=record.creator, record=record, name=f"{number}/{name}", size=len(data))
                db.session.flush()
                file.storage.save(file.identifier, io.BytesIO(data))
                base = file.storage.get_mimetype(file.identifier)
                run_hook("kadi_get_custom_mimetype", file=file, base_mimetype=base)
                file.magic_mimetype = known[name]
                answer = run_hook("kadi_get_preview_data", file=file)
                json.dumps(answer, allow_nan=False)
                run_hook("kadi_get_preview_templates", file=file)
                outcomes[answer[0] if answer else "none"] += 1
                file.storage.delete(file.identifier)
        db.session.rollback()
    print(json.dumps({"outcomes": outcomes, "troubles": troubles.lines}))


main()
