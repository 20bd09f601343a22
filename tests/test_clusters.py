"""Clusters: who stands together, what is left out and counted, and the caps."""

from __future__ import annotations

import lessons
import numpy as np

from tripel.training.clusters import Cluster, capped, drawn, group


def test_all_mentions_of_an_entity_in_a_document_are_one_cluster() -> None:
    grouped = group(lessons.DOCUMENTS[:1], lessons.KB)
    assert [(c.entity, c.mentions) for c in grouped.clusters] == [(0, (0, 2)), (1, (1,)), (3, (3,)), (4, (3,))]
    assert grouped.gold[3] == (3, 4)  # the composite stands in a cluster of each


def test_retired_ids_join_their_entity_and_unknown_ones_are_counted() -> None:
    grouped = group(lessons.DOCUMENTS[1:2], lessons.KB)
    assert [(c.entity, c.mentions) for c in grouped.clusters] == [(2, (0, 1)), (0, (2,))]
    assert grouped.outside == 2


def test_single_mentions_for_comparison() -> None:
    grouped = group(lessons.DOCUMENTS[:1], lessons.KB, by="mention")
    assert [c.mentions for c in grouped.clusters] == [(0,), (1,), (2,), (3,), (3,)]


def test_an_entity_is_seen_in_at_most_so_many_documents() -> None:
    clusters = [Cluster(0, d, (d,)) for d in range(50)] + [Cluster(1, 3, (50,))]
    kept = capped(clusters, documents=7, rng=np.random.default_rng(0))
    assert sum(c.entity == 0 for c in kept) == 7 and kept[-1].entity == 1
    assert [c.document for c in kept[:-1]] == sorted(c.document for c in kept[:-1])
    assert capped(clusters, documents=50, rng=np.random.default_rng(0)) == clusters


def test_members_are_drawn_in_random_order_up_to_the_cap() -> None:
    cluster = Cluster(0, 0, tuple(range(30)))
    found = drawn(cluster, members=20, rng=np.random.default_rng(0))
    assert len(set(found)) == 20 and found[0] != 0
