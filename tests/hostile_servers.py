"""What a web server may do to a download: answers for the fixture `serve`."""

import time


def begin(handler, length, status=200, **headers):
    handler.send_response(status)
    for name, value in {"Content-Length": length, **headers}.items():
        handler.send_header(name, str(value))
    handler.end_headers()


def send(handler, data, status=200, length=None):
    begin(handler, len(data) if length is None else length, status)
    handler.wfile.write(data)


def trickle(handler, data, pause, piece=1):
    """Sends so many bytes at a time, with a pause after each, in seconds."""
    begin(handler, len(data))
    for start in range(0, len(data), piece):
        handler.wfile.write(data[start : start + piece])
        time.sleep(pause)


def redirect(handler, location):
    begin(handler, 0, 302, Location=location)


def cut(handler, data):
    send(handler, data[: len(data) // 2], length=len(data))


def cut_without_a_length(handler, data):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(data[: len(data) // 2])


HOSTILE = {
    # name: (answer, requests that are made, words in the error)
    "cut": (cut, 3, "the connection failed"),
    "cut without a length": (cut_without_a_length, 3, "bytes came"),
    "hangs up": (lambda h, data: h.connection.close(), 3, "the connection failed"),
    "wrong bytes": (
        lambda h, data: send(h, data[:-1] + bytes([data[-1] ^ 1])),
        1,
        "not the file that was published",
    ),
    "web page": (lambda h, data: send(h, b"<!doctype html>" + b" " * len(data)), 1, "longer than"),
    "short web page": (lambda h, data: send(h, b"<html>"), 3, "6 of its"),
    "empty": (lambda h, data: send(h, b""), 3, "0 of its"),
    "nonsense length": (lambda h, data: send(h, data, length="many"), 1, "request failed"),
    "403": (lambda h, data: send(h, data, 403), 1, "HTTP 403"),
    "404": (lambda h, data: send(h, data, 404), 1, "HTTP 404"),
    "429": (lambda h, data: send(h, data, 429), 3, "HTTP 429"),
    "500": (lambda h, data: send(h, data, 500), 3, "HTTP 500"),
    "503": (lambda h, data: send(h, data, 503), 3, "HTTP 503"),
    "501": (lambda h, data: send(h, data, 501), 1, "HTTP 501"),
}
