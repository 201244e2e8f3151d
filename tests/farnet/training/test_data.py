"""What reaches the network, and that it is the same everywhere."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from farnet.errors import InvalidInputError
from farnet.heatmaps import decode
from farnet.training.data import LandmarkData, PreparedDataset, held_out

AUGMENTED = ("augmentation.rotation=20", "augmentation.elastic=0.01", "augmentation.noise=0.05")


def every_index(blobs):
    return list(range(len(blobs)))


class TestHeldOut:
    @given(st.integers(2, 200), st.integers(2, 12), st.integers(0, 2**31))
    def test_folds_are_disjoint_complete_and_even(self, count, folds, seed):
        parts = np.array([held_out(count, folds, fold, seed) for fold in range(folds)])
        assert (parts.sum(0) == 1).all()
        assert np.ptp(parts.sum(1)) <= 1

    def test_seed_decides(self):
        first, again, other = (held_out(60, 4, 1, seed) for seed in (3, 3, 4))
        assert (first == again).all() and (first != other).any()

    def test_data_are_split_so(self, make_blobs, tiny):
        source = make_blobs(9)
        seen = []
        for fold in range(3):
            data = LandmarkData(source, tiny("folds=3", f"fold={fold}"))
            assert sorted(data.training_indices + data.validation_indices) == every_index(source)
            seen += data.validation_indices
        assert sorted(seen) == every_index(source)

    def test_without_folds_everything_trains(self, blobs, tiny):
        data = LandmarkData(blobs, tiny())
        assert data.training_indices == every_index(blobs) and data.val_dataloader() == []

    def test_more_folds_than_radiographs_are_refused(self, make_blobs, tiny):
        with pytest.raises(InvalidInputError, match="fewer folds"):
            LandmarkData(make_blobs(3), tiny("folds=5", "fold=4", "seed=1"))

    def test_radiographs_of_one_person_stay_together(self, make_blobs, tiny):
        source = make_blobs(12)
        source.subjects = tuple(f"person {index // 3}" for index in range(12))
        for settings in (("folds=2", "fold=1"), ("validation_share=0.3",)):
            data = LandmarkData(source, tiny(*settings))
            parts = (data.training_indices, data.validation_indices)
            training, validation = ({source.subjects[index] for index in part} for part in parts)
            assert training and validation and not training & validation

    def test_groups_that_do_not_fit_are_refused(self, make_blobs, tiny):
        with pytest.raises(InvalidInputError, match="groups of 2"):
            LandmarkData(make_blobs(3), tiny("chain=2"))

    def test_mirror_images_of_what_has_none_are_refused(self, make_blobs, tiny):
        with pytest.raises(InvalidInputError, match="no mirror pairs"):
            LandmarkData(make_blobs(3), tiny("augmentation.mirror=0.5"))

    def test_no_radiographs_are_refused(self, make_blobs, tiny):
        with pytest.raises(InvalidInputError, match="0 radiographs"):
            LandmarkData(make_blobs(0), tiny())


class TestValidation:
    @given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 2**31))
    def test_a_share_leaves_some_on_both_sides(self, make_blobs, tiny, count, share, seed):
        data = LandmarkData(make_blobs(count), tiny(f"validation_share={share}", f"seed={seed}"))
        held, rest = data.validation_indices, data.training_indices
        assert sorted(held + rest) == list(range(count)) and held and rest
        assert abs(len(held) - share * count) <= 1

    def test_the_seed_decides(self, blobs, tiny):
        first, again, other = (
            LandmarkData(blobs, tiny("validation_share=0.5", f"seed={seed}")).validation_indices for seed in (1, 1, 2)
        )
        assert first == again != other

    def test_names_win_over_the_share(self, blobs, tiny):
        data = LandmarkData(blobs, tiny("validation_share=0.5"), ("blob3", "blob1"))
        assert data.validation_indices == [1, 3]

    @pytest.mark.parametrize(
        ("changes", "names", "words"),
        [
            ((), ("blob9",), "not there: blob9"),
            (("folds=4",), ("blob1",), "exclude each other"),
            ((), tuple(f"blob{i}" for i in range(8)), "none is left to train on"),
            (("keep=best",), (), "keep=last"),
        ],
    )
    def test_what_cannot_be(self, blobs, tiny, changes, names, words):
        with pytest.raises(InvalidInputError, match=words):
            LandmarkData(blobs, tiny(*changes), names)


class TestPrepared:
    def test_points_lie_on_their_blobs(self, blobs, tiny):
        dataset = PreparedDataset(blobs, every_index(blobs), tiny(), train=False)
        for sample in dataset:
            assert sample["image"].shape == (64, 64) and sample["image"].dtype == torch.float32
            assert sample["image"].min() >= 0 and sample["image"].max() <= 1
            # The brightest places are the two landmarks, as near as a pixel can be.
            found = decode(sample["image"].expand(2, -1, -1), 2.0, "argmax").points[0]
            assert (sample["points"] - found).norm(dim=1).min() < 1.5

    def test_unit_is_mm_per_network_pixel(self, blobs, tiny):
        sample = PreparedDataset(blobs, [0], tiny(), train=False)[0]
        assert sample["unit"].tolist() == pytest.approx([0.5 * 96 / 64, 0.5 * 80 / 64])

    def test_reads_each_radiograph_once(self, make_blobs, tiny):
        source = make_blobs(4)
        dataset = PreparedDataset(source, [0, 1, 2], tiny(), train=True)
        reports = []
        dataset.prepare(lambda done, total: reports.append((done, total)))
        assert reports == [(1, 3), (2, 3), (3, 3)]
        for _ in range(2):
            assert len([sample["index"] for sample in dataset]) == 3
        assert source.reads == 3

    def test_absent_landmarks_stay_absent(self, make_blobs, tiny):
        dataset = PreparedDataset(make_blobs(3, absent=(1,)), [0, 1, 2], tiny(*AUGMENTED), train=True)
        absent = torch.stack([torch.isnan(sample["points"]).all(-1) for sample in dataset])
        assert absent.tolist() == [[False, False], [False, True], [False, False]]

    def test_other_number_of_landmarks_is_refused(self, blobs, tiny):
        dataset = PreparedDataset(blobs, [0], tiny("network.landmarks=19"), train=True)
        with pytest.raises(InvalidInputError, match=r"blob0 has 2 landmarks.*network\.landmarks=2"):
            dataset.prepare()


class TestAugmentation:
    def test_depends_on_seed_epoch_and_radiograph_alone(self, blobs, tiny):
        first = PreparedDataset(blobs, every_index(blobs), tiny(*AUGMENTED), train=True)
        second = PreparedDataset(blobs, [5, 2], tiny(*AUGMENTED), train=True)
        _ = first[0], first[7]
        for name in ("image", "points"):
            assert torch.equal(first[2][name], second[1][name])
        before = first[2]["image"]
        first.epoch = 1
        assert not torch.equal(first[2]["image"], before)
        first.epoch = 0
        assert torch.equal(first[2]["image"], before)
        reseeded = PreparedDataset(blobs, [2], tiny(*AUGMENTED, "seed=1"), train=True)
        assert not torch.equal(reseeded[0]["image"], before)

    def test_repeats_show_each_radiograph_again_and_otherwise(self, make_blobs, tiny):
        once, thrice = (
            list(PreparedDataset(make_blobs(3), [0, 2], tiny(*AUGMENTED, f"repeats={n}"), train=True)) for n in (1, 3)
        )
        assert [int(sample["index"]) for sample in thrice] == [0, 2] * 3
        for sample, same in zip(once, thrice, strict=False):  # what is shown first does not depend on the repeats
            assert torch.equal(sample["image"], same["image"])
        shown = [sample["image"] for sample in thrice[::2]]
        assert not any(torch.equal(a, b) for a, b in itertools.combinations(shown, 2))
        held_out = PreparedDataset(make_blobs(3), [1], tiny("repeats=3"), train=False)
        assert len(held_out) == 1

    def test_held_out_radiographs_are_left_as_they_are(self, blobs, tiny):
        plain = PreparedDataset(blobs, [3], tiny(), train=True)[0]
        held = PreparedDataset(blobs, [3], tiny(*AUGMENTED), train=False)[0]
        assert torch.equal(plain["image"], held["image"]) and torch.equal(plain["points"], held["points"])


class TestLoader:
    # Python 3.12 and later warn of fork in a process with threads, which is how torch starts workers on Linux.
    @pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
    def test_workers_change_nothing(self, make_blobs, tiny):
        source = make_blobs(4)
        batches = [list(LandmarkData(source, tiny(*AUGMENTED, f"workers={n}")).train_dataloader()) for n in (0, 1)]
        assert len(batches[0]) == len(batches[1]) == 2
        for alone, helped in zip(*batches, strict=True):
            assert alone.keys() == helped.keys() == {"image", "points", "unit", "index"}
            for name in alone:
                assert torch.equal(alone[name], helped[name])

    def test_every_epoch_has_its_order(self, blobs, tiny):
        data = LandmarkData(blobs, tiny())
        data.trainer = SimpleNamespace(current_epoch=0)
        orders = []
        for epoch in (0, 1, 0):
            data.trainer.current_epoch = epoch
            orders.append(torch.cat([batch["index"] for batch in data.train_dataloader()]).tolist())
        assert orders[0] == orders[2] != orders[1]
        assert sorted(orders[0]) == sorted(orders[1]) == every_index(blobs)

    @pytest.mark.parametrize(("device", "dtype"), [("cpu", torch.float64), ("mps", torch.float32)])
    def test_no_double_precision_where_there_is_none(self, make_blobs, tiny, device, dtype):
        data = LandmarkData(make_blobs(2), tiny())
        (batch,) = data.train_dataloader()
        data.trainer = SimpleNamespace(strategy=SimpleNamespace(root_device=torch.device(device)))
        moved = data.on_before_batch_transfer(batch, 0)
        assert moved["points"].dtype == moved["unit"].dtype == dtype
        assert moved["image"].dtype == torch.float32 and moved["index"].dtype == torch.int64

    def test_batches_are_whole(self, make_blobs, tiny):
        sizes = [len(batch["image"]) for batch in LandmarkData(make_blobs(5), tiny()).train_dataloader()]
        assert sizes == [2, 2]
        sizes = [len(b["image"]) for b in LandmarkData(make_blobs(3), tiny("batch_size=8")).train_dataloader()]
        assert sizes == [3]
