"""Both conventions of the wrist stand beside each other, and one of them can be asked for."""

from pathlib import Path

import numpy as np
import pytest

from farnet.errors import AnnotationError, InvalidInputError
from farnet.evaluation import EvaluationRequest, compare
from farnet.evaluation.extras import extras_of
from farnet.formats import write_annotations
from farnet.landmarks import Landmarks
from farnet.scheme import load_scheme


def hands(shift=0.0):
    points = np.random.default_rng(0).uniform(0, 300, (3, 37, 2))
    points[:, [1, 5]] = [[10, 10], [10, 210]]  # 200 px: 0.25 mm
    points[:, [0, 4]] = [[10, 10], [10, 260]]  # 250 px: 0.2 mm
    return [
        Landmarks(item + np.array([0, shift]), load_scheme("hand37"), spacing=(0.5, 0.5), radiograph=f"h{i}")
        for i, item in enumerate(points)
    ]


def test_the_same_errors_under_both_wrists():
    (extra,) = extras_of(hands(8.0), hands(), bootstrap=20)
    assert [(pair, metrics.mre) for pair, metrics in extra.pairs] == [
        ((2, 6), pytest.approx(2.0)),
        ((1, 5), pytest.approx(1.6)),
    ]
    (table,) = extra.tables()
    assert [row[:2] for row in table.rows] == [("2 and 6", "2.00"), ("1 and 5", "1.60")]
    assert set(extra.to_dict()) == {"2,6", "1,5"}
    assert {cells[0] for cells in extra.rows()} == {"wrist 2,6", "wrist 1,5"}


@pytest.mark.parametrize(("wrist", "mre"), [(None, 4.0), ((2, 6), 2.0), ((1, 5), 1.6)])
def test_a_request_says_which_is_the_main_one(tmp_path, wrist, mre):
    write_annotations(tmp_path / "p.csv", hands(8.0))
    write_annotations(tmp_path / "r.csv", hands())
    request = EvaluationRequest(predictions=tmp_path / "p.csv", reference=tmp_path / "r.csv", wrist=wrist, bootstrap=0)
    steps = compare(request)
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value.measure(request).pooled.mre == pytest.approx(mre)
    assert EvaluationRequest.from_dict(request.to_dict()) == request


def test_what_is_no_wrist_is_refused():
    for pair in ((2, 2), (0, 5), (1, 38), (1.5, 2), (1, 2, 3)):
        with pytest.raises(InvalidInputError, match="two different landmarks"):
            EvaluationRequest(predictions=Path("p"), reference=Path("r"), wrist=pair)
    with pytest.raises(InvalidInputError, match="either --wrist or --spacing"):
        EvaluationRequest(predictions=Path("p"), reference=Path("r"), wrist=(2, 6), spacing=(1.0, 1.0))
    without = [item.replace(points=np.where(np.arange(37)[:, None] == 1, np.nan, item.points)) for item in hands()]
    assert extras_of(without, without) == ()
    from farnet.evaluation.hand import with_wrist

    with pytest.raises(AnnotationError, match="coincide"):
        with_wrist(without, (2, 6))
