"""Ports on loopback, and a thread for each connection."""

import socket
import ssl
import struct
import sys
import threading
import traceback

import wire

ADDRESSES = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


def bind(port):
    """Sockets listening on the same port of 127.0.0.1 and, if available, of ::1."""
    for _ in range(50):
        bound = []
        number = port
        try:
            for family, address in ADDRESSES:
                bound.append(bind_one(family, address, number))
                number = bound[0].getsockname()[1]
            return bound
        except OSError:
            if bound and not has_ipv6():
                return bound
            for sock in bound:
                sock.close()
            if port:
                raise
    raise OSError("no port is free on both 127.0.0.1 and ::1")


def bind_one(family, address, port):
    """One listening socket."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.listen(512)
    except OSError:
        sock.close()
        raise
    return sock


def has_ipv6():
    """Whether this machine has ::1."""
    try:
        bind_one(socket.AF_INET6, "::1", 0).close()
    except OSError:
        return False
    return True


def tls_context(chain, key):
    """The TLS context of the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


class Port:
    """A port on 127.0.0.1."""

    port = None
    context = None

    def url(self):
        """Its address."""
        if self.context:
            return f"https://localhost:{self.port}"
        return f"http://127.0.0.1:{self.port}"


class DeafPort(Port):
    """A port where connecting hangs: its backlog is full, and connections are not accepted."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(0)
        self.port = self.sock.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)


class ClosedPort(Port):
    """A reserved port that refuses every connection."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]


class Listener(Port):
    """Accepts on one port, plain or with TLS, and starts a thread for each connection."""

    def __init__(self, port, context, server):
        self.sockets = bind(port)
        self.port = self.sockets[0].getsockname()[1]
        self.context = context
        self.server = server
        for sock in self.sockets:
            threading.Thread(target=self.accept, args=(sock,), daemon=True).start()

    def accept(self, listening):
        """Accepts connections until the emulator ends."""
        while True:
            try:
                sock, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        """Serves one connection."""
        number = self.server.opened(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self.greet(sock):
                return
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)
            self.converse(wire.Wire(sock, number, self.context is not None))
        except OSError:
            pass
        except Exception:
            traceback.print_exc(file=sys.stderr)
        finally:
            sock.close()
            self.server.closed(number)

    def greet(self, sock):
        """
        Performs a step for @connect, before TLS and the first byte; returns whether to continue.
        """
        step = self.server.script.take("@connect")
        if step is None:
            return True
        delivery, early = step.delivery, wire.Wire(sock, 0, False)
        if delivery.delay:
            early.sock.settimeout(None)
            threading.Event().wait(delivery.delay)
        if delivery.silence:
            early.wait_for_leave()
        elif delivery.raw is not None:
            sock.sendall(delivery.raw)
        elif delivery.reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif not delivery.close and delivery.cut is None:
            return True
        return False

    def converse(self, connection):
        """Answers requests until one side closes the connection."""
        while True:
            try:
                request = connection.read()
            except wire.BadRequest as fault:
                reply = wire.Reply(400, [("Content-Type", "text/plain")], str(fault).encode())
                connection.sock.sendall(reply.head("", True) + reply.body)
                return
            if request is None or not self.server.handle(request, connection):
                return
