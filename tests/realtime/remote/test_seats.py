"""Who may swap at the same time, and whose turn it is."""

import threading
import time

import pytest

from mien.remote.seats import FullError, Seat, Seats, Turns


def _measured(seat: Seat, frame_ms: float) -> None:
    for _ in range(40):
        seat.swap_times.record_ms(frame_ms)


def test_a_machine_with_three_seats_takes_three() -> None:
    seats = Seats(2, 3)
    taken = [seats.take(f"run{n}", 30) for n in range(3)]
    with pytest.raises(FullError, match="3 of 3 seats"):
        seats.take("run3", 30)
    seats.leave(taken[0])
    seats.take("run3", 30)


def test_a_run_that_comes_back_takes_its_own_seat_again() -> None:
    seats = Seats(1, 1)
    before = seats.take("run", 30)
    after = seats.take("run", 30)
    seats.leave(before)
    assert seats.taken == (after,)


def test_what_a_frame_takes_says_how_many_seats_there_are() -> None:
    seats = Seats(2)
    _measured(seats.take("run", 30), 10.0)
    assert seats.count(30) == 5  # two at once, 85 % of their time, 300 ms a second each
    assert seats.count(60) == 2
    _measured(seats.take("other", 30), 1000.0)
    assert seats.count(30) == 1


def test_a_tenant_has_no_more_seats_than_its_pass_says() -> None:
    seats = Seats(1, 10)
    seats.take("a", 30, tenant="studio", tenant_seats=1)
    seats.take("b", 30, tenant="other", tenant_seats=1)
    with pytest.raises(FullError, match="pass is for 1"):
        seats.take("c", 30, tenant="studio", tenant_seats=1)


def test_a_machine_that_is_about_to_stop_takes_nobody_new() -> None:
    seats = Seats(1, 10)
    seats.is_draining = True
    with pytest.raises(FullError, match="about to stop"):
        seats.take("a", 30)
    assert (seats.let_in, seats.refused) == (0, 1)


def test_each_session_gets_a_turn_before_any_gets_a_second() -> None:
    turns, order, busy = Turns(1), list[int](), threading.Event()

    def work(number: int) -> None:
        for _ in range(3):
            with turns.turn():
                order.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    with turns.turn():
        for thread in threads:
            thread.start()
            time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert not busy.is_set()
    assert order == [0, 1, 2] * 3


def test_a_turn_ends_when_the_work_fails() -> None:
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError), turns.turn():
        raise ZeroDivisionError
    with turns.turn():
        pass
