"""Every reply that nobody waits for is counted, whatever makes it a stray: the count is in the record."""

from controller.exchange import Exchange
from controller.wire import Reply

HELLO = {"nonce": "5F2A90C1"}


def test_each_stray_counts_one() -> None:
    exchange = Exchange()
    unasked = Reply(0x4A17, 1, 0, "KEEP", {"lk": "2000"})
    exchange.on_reply(unasked)
    exchange.on_reply(unasked)
    assert exchange.strays == 2
    exchange.begin("HELLO", HELLO, 0.0)
    other = Reply(0, 2, 0, "HELLO", {"nonce": "5F2A90C1", "sid": "4A17"})
    exchange.on_reply(other)
    exchange.on_reply(other)
    assert exchange.strays == 4
    older = Reply(0, 1, 0, "HELLO", {"nonce": "00000000", "sid": "4A17"})
    exchange.on_reply(older)
    exchange.on_reply(older)
    assert (exchange.strays, exchange.pending) == (6, "HELLO")
