"""What runs inside Kadi4Mat's own environment: the web server, the worker, and the making of users.

Started as a program of its own, with Kadi4Mat's settings in the file that ``KADI_CONFIG_FILE`` names. Users come as JSON
on standard input, since arguments and environments of processes can be seen by others.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: Requests that are answered at the same time.
THREADS = 8

#: Seconds that the worker waits for the web server, which sets up the database.
PATIENCE = 300.0


def serve(*handles: str) -> None:
    """Set up the database and the users, then answer requests on the sockets with these file numbers."""
    accounts = json.load(sys.stdin)
    sockets = [socket.socket(fileno=int(handle)) for handle in handles]
    app = _create_app()
    # In a process of its own, since migrations redirect the log of the process that they run in.
    _in_child(lambda: _set_up(app, accounts))

    import waitress

    server = waitress.create_server(app, sockets=sockets, threads=THREADS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server.run()


def work(host: str, ready: str) -> None:
    """Do Kadi4Mat's background tasks, once the web server answers at `host`; make the file `ready` when it starts to."""
    # Loading takes seconds; the web server does so at the same time.
    import kadi.app
    from celery.signals import worker_ready

    _wait_for(host)
    app = kadi.app.create_app()

    from kadi.ext.celery import celery

    @worker_ready.connect(weak=False)
    def _tell(**_: Any) -> None:
        Path(ready).touch()

    with app.app_context():
        celery.worker_main(["worker", "--pool=solo", "--loglevel=INFO", "--without-gossip", "--without-mingle"])


def add_users() -> None:
    """Make the users of standard input; end with status 3 and say why if Kadi4Mat does not take one."""
    accounts = json.load(sys.stdin)
    app = _create_app()
    with app.app_context():
        _add_users(accounts)


def _create_app() -> Any:
    # Else it does not start before the database is set up.
    os.environ["KADI_APP_FROM_CLI"] = "1"
    from kadi.app import create_app

    return create_app()


def _in_child(task: Callable[[], None]) -> None:
    """Run `task` in a copy of this process and wait for it."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        status = 1
        try:
            task()
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("The database could not be set up.")


def _set_up(app: Any, accounts: dict[str, dict[str, str]]) -> None:
    from flask_migrate import upgrade
    from kadi.ext.db import db
    from kadi.lib.db import has_pending_revisions
    from kadi.lib.licenses.utils import initialize_builtin_licenses
    from kadi.lib.permissions.utils import initialize_system_roles
    from sqlalchemy_utils import create_database, database_exists

    with app.app_context():
        if not database_exists(db.engine.url):
            create_database(db.engine.url)
        if has_pending_revisions():
            upgrade(directory=app.config["MIGRATIONS_PATH"], revision="head")
            initialize_system_roles()
            initialize_builtin_licenses()
            db.session.commit()
        _add_users(accounts)


def _add_users(accounts: dict[str, dict[str, str]]) -> None:
    """Make the users that are missing, each with a token that may do everything that the user may."""
    from kadi.ext.db import db
    from kadi.lib.api.models import PersonalToken
    from kadi.lib.api.utils import get_access_token_scopes
    from kadi.modules.accounts.models import LocalIdentity

    scope = " ".join(f"{name}.{action}" for name, actions in get_access_token_scopes().items() for action in actions)
    for username, account in accounts.items():
        identity = LocalIdentity.query.filter_by(username=username).first() or _register(username, account["password"])
        if PersonalToken.get_by_token(account["token"]) is None:
            PersonalToken.create(user=identity.user, name="sandbox", token=account["token"], scope=scope)
    db.session.commit()


def _register(username: str, password: str) -> Any:
    from kadi.modules.accounts.forms import CreateLocalUserForm
    from kadi.modules.accounts.providers import LocalProvider

    data = {"username": username, "displayname": username, "email": f"{username}@example.com"}
    form = CreateLocalUserForm(meta={"csrf": False}, data=data)
    if not form.validate():
        print(" ".join(f"{message}" for messages in form.errors.values() for message in messages))
        raise SystemExit(3)
    return LocalProvider.register(**data, password=password)


def _wait_for(host: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + PATIENCE
    while True:
        try:
            opener.open(host, timeout=10).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    tasks: dict[str, Callable[..., None]] = {"serve": serve, "work": work, "add-users": add_users}
    tasks[sys.argv[1]](*sys.argv[2:])
