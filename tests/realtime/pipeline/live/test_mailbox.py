import threading

from hypothesis import given
from hypothesis import strategies as st

from mien.pipeline.mailbox import Mailbox

ACTIONS = st.lists(st.sampled_from(["put", "get", "close", "close-now"]), max_size=60)


@given(ACTIONS)
def test_every_item_is_read_waiting_or_reported_as_dropped_and_none_is_read_out_of_order(actions: list[str]) -> None:
    dropped: list[int] = []
    mailbox = Mailbox[int]("test", dropped.append)
    read: list[int] = []
    for number, action in enumerate(actions, start=1):
        if action == "put":
            mailbox.put(number)
        elif action == "get":
            item = mailbox.get(0)
            read += [] if item is None else [item]
        else:
            mailbox.close(keep_last=action == "close")
        assert mailbox.written == mailbox.read + mailbox.dropped + mailbox.waiting
    assert mailbox.read == len(read)
    assert mailbox.dropped == len(dropped)
    assert read == sorted(read)
    assert not set(read) & set(dropped)


def test_the_newest_item_wins() -> None:
    mailbox = Mailbox[str]("test")
    mailbox.put("old")
    mailbox.put("new")
    assert mailbox.get(0) == "new"
    assert mailbox.get(0) is None
    assert mailbox.dropped == 1


def test_a_closed_slot_gives_what_waits_and_refuses_the_rest() -> None:
    mailbox = Mailbox[str]("test")
    mailbox.put("last")
    mailbox.close()
    mailbox.put("late")
    assert not mailbox.is_finished
    assert mailbox.get() == "last"
    assert mailbox.get() is None
    assert mailbox.is_finished
    assert mailbox.dropped == 1


def test_a_waiting_reader_wakes_for_an_item_and_for_the_end() -> None:
    mailbox = Mailbox[str]("test")
    read: list[str | None] = []
    reader = threading.Thread(target=lambda: read.extend([mailbox.get(), mailbox.get()]))
    reader.start()
    mailbox.put("item")
    mailbox.close()
    reader.join(10)
    assert not reader.is_alive()
    assert read == ["item", None]


def test_the_count_holds_when_threads_race() -> None:
    dropped: list[int] = []
    mailbox = Mailbox[int]("test", dropped.append)
    read: list[int] = []

    def take_all() -> None:
        while (item := mailbox.get()) is not None:
            read.append(item)

    reader = threading.Thread(target=take_all)
    reader.start()
    for number in range(1, 2001):
        mailbox.put(number)
    mailbox.close()
    reader.join(10)
    assert len(read) + len(dropped) == 2000
    assert read == sorted(read)
    assert read[-1] == 2000
