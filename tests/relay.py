"""A relay before a scheduler: counts what passes and looks for a word in it."""

import socket
import threading
from contextlib import suppress

_CHUNK = 1 << 16


class Relay:
    """Listens on loopback and hands on, both ways, to the port it is told."""

    def __init__(self, word: bytes) -> None:
        self._word = word
        self._lock = threading.Lock()
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.bytes = 0
        self.hits = 0

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self._server.getsockname()[1]}"

    def hand_on_to(self, port: int) -> None:
        """Begin."""
        self._port = port
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._server, *self._open):
            # Wakes whoever waits for it.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._server.accept()
                # Known before there is anybody to connect to: a scheduler that ends refuses.
                self._open.append(caller)
                called = socket.create_connection(("127.0.0.1", self._port))
                self._open.append(called)
                for source, target in ((caller, called), (called, caller)):
                    threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        before = b""
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                with self._lock:
                    self.bytes += len(chunk)
                    # A word may be cut between two chunks.
                    self.hits += (before + chunk).count(self._word) - before.count(self._word)
                before = chunk[-len(self._word) :]
                target.sendall(chunk)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
