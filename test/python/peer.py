"""A server on loopback whose replies the test writes, byte by byte.

    with Peer(lambda peer, request: peer.say(b"HTTP/1.1 200 OK\\r\\n...")) as peer:
        ... peer.url ...

The function is called in a thread for each request, which has `headers` (names in lower case) and
`body`; when it returns, the connection is closed. What was received is in `peer.requests`.
"""

import contextlib
import socket
import threading


class Request:
    """A received request, and its connection."""

    def __init__(self, head, body, connection):
        lines = head.decode("latin-1").split("\r\n")
        self.line = lines[0]
        pairs = (line.partition(":") for line in lines[1:])
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}
        self.body = body
        self.connection = connection

    def say(self, data):
        """Sends bytes; a client that has disconnected is no error."""
        with contextlib.suppress(OSError):
            self.connection.sendall(data)


def reply(status, body, **headers):
    """A complete HTTP reply, in bytes."""
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Peer:
    """Listens on a port of 127.0.0.1 until it is closed."""

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        """Starts a thread for each connection."""
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        """Reads one request, answers it, and closes."""
        with connection:
            with contextlib.suppress(OSError):
                request = self.read(connection)
                if request is None:
                    return
                with self.lock:
                    self.requests.append(request)
                self.answer(self, request)

    @staticmethod
    def read(connection):
        """Reads a request; None if the client disconnects before its end."""
        received = b""
        while True:
            head, end, body = received.partition(b"\r\n\r\n")
            if end:
                request = Request(head, body, connection)
                if len(body) >= int(request.headers.get("content-length", 0)):
                    return request
            more = connection.recv(65536)
            if not more:
                return None
            received += more

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # close() alone does not wake a thread in accept()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
