import threading

from hypothesis import given
from hypothesis import strategies as st

from mien.pipeline.mailbox import Mailbox

ACTIONS = st.lists(st.sampled_from(["put", "get", "close", "close-now"]), max_size=60)


@given(ACTIONS)
def test_every_item_is_read_waiting_or_reported_as_dropped_and_none_is_read_out_of_order(actions: list[str]) -> None:
    dropped: list[int] = []
    slot = Mailbox[int]("test", dropped.append)
    read: list[int] = []
    for number, action in enumerate(actions, start=1):
        if action == "put":
            slot.put(number)
        elif action == "get":
            item = slot.get(0)
            read += [] if item is None else [item]
        else:
            slot.close(keep_last=action == "close")
        assert slot.written == slot.read + slot.dropped + slot.waiting
    assert slot.read == len(read)
    assert slot.dropped == len(dropped)
    assert read == sorted(read)
    assert not set(read) & set(dropped)


def test_the_newest_item_wins() -> None:
    slot = Mailbox[str]("test")
    slot.put("old")
    slot.put("new")
    assert slot.get(0) == "new"
    assert slot.get(0) is None
    assert slot.dropped == 1


def test_a_closed_slot_gives_what_waits_and_refuses_the_rest() -> None:
    slot = Mailbox[str]("test")
    slot.put("last")
    slot.close()
    slot.put("late")
    assert not slot.is_finished
    assert slot.get() == "last"
    assert slot.get() is None
    assert slot.is_finished
    assert slot.dropped == 1


def test_a_waiting_reader_wakes_for_an_item_and_for_the_end() -> None:
    slot = Mailbox[str]("test")
    read: list[str | None] = []
    reader = threading.Thread(target=lambda: read.extend([slot.get(), slot.get()]))
    reader.start()
    slot.put("item")
    slot.close()
    reader.join(10)
    assert not reader.is_alive()
    assert read == ["item", None]


def test_the_count_holds_when_threads_race() -> None:
    dropped: list[int] = []
    slot = Mailbox[int]("test", dropped.append)
    read: list[int] = []

    def take_all() -> None:
        while (item := slot.get()) is not None:
            read.append(item)

    reader = threading.Thread(target=take_all)
    reader.start()
    for number in range(1, 2001):
        slot.put(number)
    slot.close()
    reader.join(10)
    assert len(read) + len(dropped) == 2000
    assert read == sorted(read)
    assert read[-1] == 2000
