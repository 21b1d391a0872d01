"""Run in Kadi4Mat's own environment: the same Kadi4Mat with other plugins, asked without a server.

Standard input is a JSON object with ``plugins``, ``token`` and ``paths`` to get; prints status, SHA-256 and size of each
answer.
"""

from __future__ import annotations

import hashlib
import json
import sys

from kadi.app import create_app

request = json.load(sys.stdin)
app = create_app(config={"PLUGINS": request["plugins"]})
client = app.test_client()
answers = {}
for path in request["paths"]:
    answer = client.get(path, headers={"Authorization": f"Bearer {request['token']}"})
    answers[path] = [answer.status_code, hashlib.sha256(answer.data).hexdigest(), len(answer.data)]
print(json.dumps({"has_plugin": app.plugin_manager.has_plugin("battgen"), "answers": answers}))
