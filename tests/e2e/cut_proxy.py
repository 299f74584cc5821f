# SPDX-License-Identifier: Apache-2.0
"""A way through TCP that can be cut."""
import contextlib
import socket
import threading

PIECE_BYTES = 16 * 1024


class CutProxy:
    """Listens on a port of its own and passes everything on to another one of this machine. A cut resets all connections,
    at whatever byte they are; while it lasts new ones are refused in the same way."""

    def __init__(self, port_behind):
        self.behind = ("127.0.0.1", port_behind)
        self.lock = threading.Lock()
        self.ends = set()
        self.is_cut = False
        self.bytes_until_cut = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                try:
                    server = socket.create_connection(self.behind)
                except OSError:
                    self.reset(client)
                    continue
                with self.lock:
                    self.ends |= {client, server}
                    is_cut = self.is_cut
                if is_cut:
                    self.cut_now()
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self.forward, args=(source, sink), daemon=True).start()

    def forward(self, source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                if self.counts_down(len(piece)):
                    sink.sendall(piece[:len(piece) // 2])
                    self.cut_now()
                    return
                sink.sendall(piece)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def counts_down(self, count):
        with self.lock:
            if self.bytes_until_cut is None:
                return False
            self.bytes_until_cut -= count
            if self.bytes_until_cut > 0:
                return False
            self.bytes_until_cut = None
            self.is_cut = True
            return True

    @staticmethod
    def reset(end):
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut_now(self):
        with self.lock:
            ends, self.ends = self.ends, set()
        for end in ends:
            self.reset(end)

    def cut(self):
        with self.lock:
            self.is_cut = True
        self.cut_now()

    def cut_after(self, count):
        """In the middle of what passes after so many bytes, in both directions together."""
        with self.lock:
            self.bytes_until_cut = count

    def restore(self):
        with self.lock:
            self.bytes_until_cut = None
            self.is_cut = False

    def close(self):
        self.listener.close()
        self.cut()
