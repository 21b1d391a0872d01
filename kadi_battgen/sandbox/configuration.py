"""Settings of the sandbox's servers, as files that its owner alone can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kadi_battgen.sandbox.folder import Folder, Memory, write_secret
from kadi_battgen.sandbox.plugin import NAME as PLUGIN

#: A port that no program can listen on without root: whatever runs on this machine, it is not Kadi4Mat's search engine.
_NO_ELASTICSEARCH = "http://127.0.0.1:1"

#: The role and the name of the database.
DATABASE = "kadi"


def write_kadi_settings(folder: Folder, memory: Memory, database_port: int, queue_port: int) -> None:
    """Write the settings of Kadi4Mat.

    Parameters
    ----------
    folder
        The sandbox's folder.
    memory
        What it remembers.
    database_port, queue_port
        Ports of PostgreSQL and Redis.
    """
    queue = f"redis://:{memory.queue_password}@127.0.0.1:{queue_port}/0"
    settings: dict[str, Any] = {
        "SECRET_KEY": memory.secret_key,
        "SERVER_NAME": memory.host.removeprefix("http://"),
        "PREFERRED_URL_SCHEME": "http",
        "SESSION_COOKIE_SECURE": False,
        "LOCALE_COOKIE_SECURE": False,
        # No web server stands in front that would send files by itself.
        "USE_X_SENDFILE": False,
        "SQLALCHEMY_DATABASE_URI": (
            f"postgresql://{DATABASE}:{memory.database_password}@127.0.0.1:{database_port}/{DATABASE}"
        ),
        "STORAGE_PATH": _literal(folder.storage),
        "MISC_UPLOADS_PATH": _literal(folder.uploads),
        "CELERY_BROKER_URL": queue,
        "RATELIMIT_STORAGE_URI": queue,
        "RATELIMIT_IP_WHITELIST": ["127.0.0.1", "::1"],
        # Search then runs on the database.
        "ELASTICSEARCH_HOSTS": _NO_ELASTICSEARCH,
        "ELASTICSEARCH_CONFIG": {"timeout": 1, "max_retries": 0},
        "ELASTICSEARCH_ENABLE_FALLBACK": True,
        "WORKFLOW_FEATURES": True,
        # Dashboards are shown only with these.
        "EXPERIMENTAL_FEATURES": True,
        "MAIL_NO_REPLY": "no-reply@localhost",
        "AUTH_PROVIDERS": [{"type": "local"}],
        "PLUGINS": [PLUGIN],
    }
    lines = [f"{name} = {value!r}" for name, value in settings.items()]
    write_secret(
        folder.kadi_settings, "\n".join(['"""Settings of Kadi4Mat; written anew at each start."""', "", *lines]) + "\n"
    )


def write_redis_settings(folder: Folder, memory: Memory, port: int) -> None:
    """Write the settings of Redis, which holds the tasks for the worker."""
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {memory.queue_password}",
        f"dir {_quoted(folder.queue)}",
        # Tasks survive the end of the server, whichever way it ends.
        "appendonly yes",
        'save ""',
        "daemonize no",
    ]
    write_secret(folder.redis_settings, "\n".join(lines) + "\n")


def _literal(path: Path) -> str:
    """Return a path as Kadi4Mat's settings write it, which replace names in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _quoted(path: Path) -> str:
    """Return a path as Redis's settings write it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
