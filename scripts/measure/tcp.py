"""A rival: a relay over TCP with a thread for each client, as short as such a thing can be, and clients for it."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time

from measure.tally import Relayed, Tally, run

BYTES_MAX = 65_536
BACKLOG = 1_024


class ThreadedRelay:
    """Whatever a client sends goes to all clients, as it comes; see `children`."""

    def __init__(self) -> None:
        threading.stack_size(256 * 1024)
        self._clients: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        threading.Thread(target=self._accept, daemon=True).start()

    def address(self) -> tuple[str, int]:
        """Where it listens."""
        host, port = self._listener.getsockname()
        return host, port

    def turn(self, wait_s: float) -> None:
        """Its threads do the work."""
        time.sleep(wait_s)

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._clients.append(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(BYTES_MAX):
                with self._lock:
                    for other in self._clients:
                        other.sendall(data)


class TcpClients:
    """Clients that count lines; see `children`."""

    def __init__(self, address: tuple[str, int], count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._clients = [socket.create_connection(address) for _ in range(count)]
        self._counts = [0] * count
        self._tally = Tally(count)
        for number, client in enumerate(self._clients):
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(client, selectors.EVENT_READ, number)

    def relay(self, messages: int, in_flight: int) -> Relayed:
        """Have one of them say so many lines."""
        self._tally = Tally(len(self._clients))
        self._counts = [0] * len(self._clients)

        def say(number: int, text: str) -> None:
            self._clients[0].send(text[:-1].encode() + b"\n")  # at most 64 lines are under way: it takes them

        return run(self._tally, messages=messages, in_flight=in_flight, say=say, turn=self.turn)

    def turn(self, wait_s: float) -> None:
        """Read what has come."""
        for key, _ in self._selector.select(wait_s):
            client, number = self._clients[key.data], key.data
            now = time.monotonic()
            for _ in range(client.recv(BYTES_MAX).count(b"\n")):
                self._tally.on_message(now, self._counts[number])
                self._counts[number] += 1
