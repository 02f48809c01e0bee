"""A Dask client that ends with its scheduler."""

from distributed import Client


class OneSchedulerClient(Client):  # type: ignore[misc]
    """Client of one scheduler; its futures are cancelled as soon as the scheduler is gone.

    Dask's own would look for the scheduler for as long as it had waited for it at first. One that
    comes back knows nothing of the tasks; and what is submitted while the client closes would be
    waited for without end.
    """

    async def _reconnect(self) -> None:
        await self._close()

    async def _close(self, fast: bool = False) -> None:
        await super()._close(fast)
        # From here on a submission is refused; those that came while it closed are listed.
        for state in list(self.futures.values()):
            state.cancel()
