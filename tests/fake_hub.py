"""As much of the hub as an upload and a download need, on 127.0.0.1: one model repository, with branches."""

import base64
import hashlib
import http.server
import json
import threading

TOKEN = "hf_of_the_test"


class FakeHub:
    """`url` for HF_ENDPOINT; `branches`: {name: {path: bytes}}; `commits`: their numbers; `seen`: what was asked."""

    def __init__(self):
        self.branches, self.commits, self.seen, self.repo = {}, [], [], None
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                hub.answer(self, b"")

            do_HEAD = do_GET

            def do_POST(self):
                hub.answer(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

            def log_message(self, *args):
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def sha(self, branch):
        """A commit's name: of its content."""
        return hashlib.sha1(repr(sorted(self.branches[branch].items())).encode()).hexdigest()

    def answer(self, request, body):
        path = request.path.partition("?")[0]
        self.seen.append(f"{request.command} {path}")
        if request.command == "POST" and request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(request, 401, {"error": "no token"})
        if path == "/api/validate-yaml":
            return self._send(request, 200, {"errors": [], "warnings": []})
        if path == "/api/repos/create":
            told = json.loads(body)
            name = f"{told.get('organization') or 'user'}/{told['name']}"
            status, self.repo = (409 if self.repo == name else 200), name
            self.branches.setdefault("main", {})
            return self._send(request, status, {"url": f"{self.url}/{name}"})
        before, _, rest = path.removeprefix("/api/models").removeprefix("/").partition(f"{self.repo}/")
        if before or not rest:
            return self._send(request, 404, {"error": "no such repository"})
        verb, _, rest = rest.partition("/")
        return getattr(self, f"_{verb}")(request, *rest.split("/", 1), body=body)

    def _branch(self, request, name, body):
        status = 409 if name in self.branches else 200
        self.branches.setdefault(name, dict(self.branches["main"]))
        self._send(request, status, {})

    def _preupload(self, request, branch, body):
        paths = [file["path"] for file in json.loads(body)["files"]]
        files = [{"path": path, "uploadMode": "regular", "shouldIgnore": False, "oid": None} for path in paths]
        self._send(request, 200 if branch in self.branches else 404, {"files": files})

    def _commit(self, request, branch, body):
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                self.branches[branch][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            elif line["key"] == "deletedFile":
                del self.branches[branch][line["value"]["path"]]
        self.commits.append(branch)
        sha = self.sha(branch)
        self._send(request, 200, {"commitUrl": f"{self.url}/{self.repo}/commit/{sha}", "commitOid": sha})

    def _revision(self, request, name, body):
        if name not in self.branches:
            return self._send(request, 404, {"error": "no such revision"}, {"X-Error-Code": "RevisionNotFound"})
        files = [{"rfilename": path} for path in self.branches[name]]
        return self._send(request, 200, {"id": self.repo, "sha": self.sha(name), "siblings": files})

    def _tree(self, request, sha, body):
        files = self._files(sha).items()
        rows = [
            {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
            for path, data in files
        ]
        self._send(request, 200, rows)

    def _resolve(self, request, sha, path, body):
        data = self._files(sha)[path]
        tag = {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": sha}
        self._send(request, 200, data, tag)

    def _files(self, revision):
        return next(files for name, files in self.branches.items() if revision in (name, self.sha(name)))

    def _send(self, request, status, answer, headers=()):
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        request.send_response(status)
        kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        for key, value in {"Content-Type": kind, "Content-Length": len(data), **dict(headers)}.items():
            request.send_header(key, str(value))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(data)
