"""The floor: what it costs at least to send a datagram to each of many live receivers, without any chat."""

from __future__ import annotations

import contextlib
import ctypes
import selectors
import socket
import sys
import time
from typing import Any

from measure.children import Child, shared_counter
from measure.swarm import source_host

DATAGRAM_BYTES = 2048
RECEIVED_S_MAX = 1.0  # a round is waited for no longer: the floor does not repair
POLL_S = 0.00005


class Receivers:
    """Sockets that read and count; see `children`."""

    def __init__(self, count: int, counter: Any) -> None:
        self._counter = counter
        self._selector = selectors.DefaultSelector()
        self._addresses: list[tuple[str, int]] = []
        for number in range(count):
            receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            receiver.setblocking(False)
            receiver.bind((source_host(number), 0))
            self._selector.register(receiver, selectors.EVENT_READ)
            self._addresses.append(receiver.getsockname())

    def addresses(self) -> list[tuple[str, int]]:
        """Where they listen."""
        return self._addresses

    def turn(self, wait_s: float) -> None:
        """Read what has come."""
        for key, _ in self._selector.select(wait_s):
            receiver = key.fileobj
            assert isinstance(receiver, socket.socket)
            with contextlib.suppress(BlockingIOError):
                while True:
                    receiver.recv(DATAGRAM_BYTES)
                    self._counter.value += 1


class Floor:
    """Sends from this process to receivers in another. A context manager."""

    def __init__(self, receivers: int) -> None:
        self._counter = shared_counter()
        self._child = Child(Receivers, receivers, self._counter)
        self._addresses: list[tuple[str, int]] = self._child.call("addresses")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))

    def __enter__(self) -> Floor:
        return self

    def __exit__(self, *reason: object) -> None:
        self._socket.close()
        self._child.__exit__(None, None, None)

    def sendto(self, size: int, *, rounds: int, in_flight: int) -> float:
        """CPU seconds for each datagram, sent by a loop of `sendto`."""
        datagram = bytes(size)

        def send() -> None:
            sendto = self._socket.sendto
            for address in self._addresses:
                sendto(datagram, address)

        return self._measure(send, rounds=rounds, in_flight=in_flight)

    def sendmmsg(self, size: int, *, rounds: int, in_flight: int) -> float | None:
        """CPU seconds for each datagram, sent by one system call a round; None where there is no such call."""
        if sys.platform != "linux":
            return None
        call = getattr(ctypes.CDLL(None, use_errno=True), "sendmmsg", None)
        if call is None:
            return None
        batch = _Batch(bytes(size), self._addresses)
        count, fileno = len(self._addresses), self._socket.fileno()

        def send() -> None:
            sent = 0
            while sent < count:
                took = call(fileno, ctypes.byref(batch.messages, sent * ctypes.sizeof(_Message)), count - sent, 0)
                if took <= 0:
                    raise OSError(ctypes.get_errno(), "sendmmsg")
                sent += took

        return self._measure(send, rounds=rounds, in_flight=in_flight)

    def _measure(self, send: Any, *, rounds: int, in_flight: int) -> float:
        count = len(self._addresses)
        used_s, sent, begin = 0.0, 0, self._counter.value
        for _ in range(rounds):
            begin_s = time.process_time()
            send()
            used_s += time.process_time() - begin_s
            sent += count
            end_s = time.monotonic() + RECEIVED_S_MAX
            while self._counter.value - begin < sent - (in_flight - 1) * count and time.monotonic() < end_s:
                time.sleep(POLL_S)
        return used_s / sent


# --- sendmmsg(2) ----------


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class _Header(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_size", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vectors_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class _Message(ctypes.Structure):
    _fields_ = [("header", _Header), ("sent", ctypes.c_uint)]


class _Batch:
    """One datagram to many addresses, as the call wants it; keeps alive what it points to."""

    def __init__(self, datagram: bytes, addresses: list[tuple[str, int]]) -> None:
        self._datagram = ctypes.create_string_buffer(datagram, len(datagram))
        self._vector = _Vector(ctypes.addressof(self._datagram), len(datagram))
        self._names = [ctypes.create_string_buffer(_sockaddr(address), 16) for address in addresses]
        self.messages = (_Message * len(addresses))()
        for message, name in zip(self.messages, self._names, strict=True):
            message.header.name = ctypes.addressof(name)
            message.header.name_size = len(name)
            message.header.vectors = ctypes.pointer(self._vector)
            message.header.vectors_count = 1


def _sockaddr(address: tuple[str, int]) -> bytes:
    """A `struct sockaddr_in` of Linux."""
    host, port = address
    return socket.AF_INET.to_bytes(2, sys.byteorder) + port.to_bytes(2, "big") + socket.inet_aton(host) + bytes(8)
