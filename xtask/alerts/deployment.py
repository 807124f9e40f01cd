"""Servers, a challenge service that refuses and a receiver, for alerts.py."""

import contextlib
import http.server
import json
import os
import pathlib
import resource
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

APP = "/connect/v1/apps/FK5b0KSM"


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def call(method, url, body=None, headers=None):
    """The status and the JSON of an answer. Redirects are followed."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    with contextlib.suppress(ValueError):
        return status, json.loads(text)
    return status, text.decode()


def eventually(what, check, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if result := check():
                return result
        time.sleep(0.2)
    raise SystemExit(f"not within {seconds} s: {what}")


class Server:
    """A sandbox at a port of its own, which is the job `name` of Prometheus."""

    def __init__(self, folder, name, *options, files=None):
        self.name, self.port = name, free_port()
        self.folder, self.options, self.files = folder / name, options, files
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.folder.mkdir(exist_ok=True)
        limit = self.files and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self.files,) * 2))
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [os.environ["PROGRAM"], "serve", "--listen", f"127.0.0.1:{self.port}", "--rate-limit", "off",
                 "--data-dir", self.folder / "data", "--webhook-allow", "127.0.0.1", *self.options],
                stdout=log, stderr=log, preexec_fn=limit)
        eventually(f"{self.name} starts", lambda: call("GET", f"{self.url}/healthz")[0] == 200)
        key = (self.folder / "data/demo-api-key").read_text().strip()
        self.headers = {"Authorization": f"Bearer {key}"}

    def kill(self):
        self.process.kill()
        self.process.wait()

    def api(self, method, path, body=None):
        return call(method, f"{self.url}{APP}{path}", body, self.headers)

    def order(self):
        return self.api("POST", "/production-tests", {"title": "A test", "providerIds": ["bankidse"], "maxStamps": 3})

    def challenge(self):
        """Orders a test and waits for its challenge."""
        status, order = self.order()
        assert status == 201, order
        path = f"/production-tests/{order['id']}"
        return eventually("a challenge", lambda: self.api("GET", path)[1].get("challenge"))["id"]

    def join(self):
        """Orders a test and joins it. Returns where the tester goes on."""
        url = f"{self.url}/tpas/v1/challenges/{self.challenge()}/participations"
        status, joined = call("POST", url, {"providerId": "bankidse", "platform": "ios"})
        assert status == 201, joined
        return joined["verificationUrl"]

    def webhook(self, url):
        status, answer = self.api("PATCH", "/webhook-config", {"url": url, "enabled": True})
        assert status == 200, answer


def answering(status, body):
    """Answers every request in this way. Returns the URL."""
    text = json.dumps(body).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_POST = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
