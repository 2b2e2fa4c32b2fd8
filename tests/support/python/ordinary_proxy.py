"""An HTTPS proxy that has never heard of TLS-Detach."""

import asyncio
import contextlib
import ssl
import threading

from processes import PATIENCE


class OrdinaryProxy:
    """TLS with a client certificate, CONNECT, 200, and a tunnel inside of the TLS.

    A context manager. `requests` are the heads that it was sent. `answer` is what stands behind
    "HTTP/1.1 " in its own.
    """

    def __init__(self, pki, *, answer="200 OK\r\n\r\n"):
        self.requests = []
        self.port = None
        self._answer = f"HTTP/1.1 {answer}".encode()
        self._server = None
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH,
                                                   cafile=pki / "client-ca.pem")
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_cert_chain(pki / "server.pem")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(PATIENCE)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    async def _listen(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self):
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.requests.append(head.decode())
        from_server, to_server, answer = await self.open_tunnel(head)
        writer.write(answer)
        with contextlib.suppress(asyncio.CancelledError):  # or asyncio complains of its own doing
            await asyncio.gather(_copy(reader, to_server), _copy(from_server, writer))

    async def open_tunnel(self, head):
        """Returns both ends of the connection onwards, and the answer to `head`."""
        host, _, port = head.split()[1].decode().rpartition(":")
        return *await asyncio.open_connection(host, int(port)), self._answer


async def _copy(reader, writer):
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()
