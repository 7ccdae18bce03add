"""Batches of a size and of whole groups, and halves until the culprit stands alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.models import Client
from foundation.batching import batches, batches_of_groups, batches_of_ids, halve_until_alone
from tests.factories import ClientFactory


class TestBatches:
    @pytest.mark.parametrize(
        ("number", "sizes"), [(0, []), (1, [1]), (3, [3]), (4, [3, 1]), (6, [3, 3]), (7, [3, 3, 1])]
    )
    def test_all_are_full_but_the_last(self, number, sizes):
        found = list(batches(range(number), 3))
        assert [len(batch) for batch in found] == sizes
        assert [item for batch in found for item in batch] == list(range(number))

    def test_nothing_is_read_ahead(self):
        taken = []
        found = batches((taken.append(number) or number for number in range(9)), 2)
        assert next(found) == [0, 1]
        assert taken == [0, 1]

    @pytest.mark.parametrize("size", [0, -1])
    def test_size_below_one_is_refused(self, size):
        with pytest.raises(ValueError, match="A batch of"):
            next(batches([1], size))


@pytest.mark.django_db
class TestBatchesOfIds:
    def test_each_id_comes_once_in_order(self, django_assert_num_queries):
        ids = sorted(client.pk for client in ClientFactory.create_batch(5))
        with django_assert_num_queries(4):
            assert list(batches_of_ids(Client.objects.order_by("-name"), size=2)) == [
                ids[:2],
                ids[2:4],
                ids[4:],
            ]

    def test_it_begins_after_an_id(self):
        ids = sorted(client.pk for client in ClientFactory.create_batch(3))
        assert list(batches_of_ids(Client.objects.all(), size=2, after=ids[0])) == [ids[1:]]
        assert list(batches_of_ids(Client.objects.all(), size=2, after=ids[-1])) == []

    def test_rows_that_come_or_go_meanwhile_are_seen_by_what_is_still_to_come(self):
        first, second, third = sorted(client.pk for client in ClientFactory.create_batch(3))
        found = batches_of_ids(Client.objects.all(), size=1)
        assert next(found) == [first]
        Client.objects.filter(pk__in=[first, second]).delete()
        assert list(found) == [[third]]


class TestBatchesOfGroups:
    @pytest.mark.parametrize(
        ("items", "expected"),
        [
            ("", []),
            ("aab", ["aab"]),
            ("aabb", ["aa", "bb"]),
            ("abcd", ["abc", "d"]),
            ("aaaaab", ["aaaaa", "b"]),
            ("baaaaa", ["b", "aaaaa"]),
        ],
    )
    def test_groups_stay_whole(self, items, expected):
        found = list(batches_of_groups(items, by=str, size=3))
        assert ["".join(batch) for batch in found] == expected


class Worker:
    """Fails as a whole if one of its items is bad."""

    def __init__(self, bad, error=ValueError):
        self.bad, self.error, self.calls = set(bad), error, []

    def work(self, items):
        self.calls.append(list(items))
        if self.bad & set(items):
            raise self.error(f"bad among {len(items)}")
        return list(items)

    def run(self, items):
        return halve_until_alone(
            items,
            work=self.work,
            alone=lambda item, error: [f"{item}: {error}"],
            blamed=(ValueError,),
        )


class TestHalving:
    def test_one_call_is_enough_where_nothing_fails(self):
        worker = Worker([])
        assert worker.run(range(5)) == [[0, 1, 2, 3, 4]]
        assert len(worker.calls) == 1

    def test_nothing_to_do_calls_nobody(self):
        worker = Worker([])
        assert worker.run([]) == []
        assert worker.calls == []

    def test_culprit_stands_alone_and_the_others_are_done(self):
        worker = Worker([5])
        assert worker.run(range(8)) == [[0, 1, 2, 3], [4], ["5: bad among 1"], [6, 7]]
        assert worker.calls == [[*range(8)], [0, 1, 2, 3], [4, 5, 6, 7], [4, 5], [4], [5], [6, 7]]

    def test_error_of_another_kind_goes_up_at_once(self):
        worker = Worker([3], error=ConnectionError)
        with pytest.raises(ConnectionError):
            worker.run(range(8))
        assert len(worker.calls) == 1

    @given(st.sets(st.integers(0, 40)), st.integers(0, 40))
    def test_each_item_is_done_or_named_once_in_order(self, bad, number):
        found = [item for result in Worker(bad).run(range(number)) for item in result]
        assert found == [f"{i}: bad among 1" if i in bad else i for i in range(number)]
