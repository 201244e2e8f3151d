"""Every promise of README and guide has a test that holds it.

A sentence with a promising word is listed here: with its test in `PROMISES`, or in `NO_PROMISES` where it describes
something, or asks something of the reader. To add one, put a part of the sentence here as it stands in the document,
line ends as spaces; the part must be enough to know the sentence by.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = "src/napari_farnet/guide"

PROMISING = re.compile(
    r"\b(never|nothing|always|only when|only if|cannot|exactly|every|no \w+ (?:is|are) lost)\b", re.I
)
"""Words of sentences that must be listed, in README and guide."""

PROMISES = (
    (
        f"{GUIDE}/files.md",
        "3D Slicer counts in mm of the picture's file as it reads it",
        "tests/farnet/formats/test_slicer_space.py::test_the_point_lies_on_its_pixel",
    ),
    # (document, part of the sentence, test)
    (
        "README.md",
        "training that resumes exactly",
        "tests/farnet/training/test_run.py::test_an_ended_run_goes_on_exactly",
    ),
    (
        "README.md",
        "data that is checked before it is used",
        "tests/farnet/checking/test_check.py::test_everything_that_is_wrong_is_found",
    ),
    ("README.md", "one model file that cannot run code", "tests/farnet/test_modelfile.py::test_nothing_is_unpickled"),
    ("README.md", "JSON from every command", "tests/farnet/test_cli.py::test_help_teaches_with_examples"),
    (
        "README.md",
        "whole folders with nothing lost",
        "tests/napari_farnet/correct/test_dock.py::test_a_folder_is_gone_through_and_nothing_is_lost",
    ),
    (
        "README.md",
        "Nothing is downloaded without being asked for",
        "tests/farnet/networks/test_backbones.py::test_nothing_is_downloaded_unless_asked",
    ),
    ("README.md", "nothing is sent anywhere", "tests/farnet/test_network.py::test_the_network_is_not_asked"),
    (
        "README.md",
        "Every command has `--json` for programs and a `--help` with examples",
        "tests/farnet/test_cli.py::test_help_teaches_with_examples",
    ),
    ("README.md", "the same points again, to the last bit", "tests/farnet/commands/test_verify.py::test_identical"),
    (
        "README.md",
        "everything in one folder, with a log and hashes, without names",
        "tests/farnet/test_session_export.py::test_a_session_tells_neither_patients_nor_places",
    ),
    (
        "README.md",
        "every radiograph by a network that has not seen it",
        "tests/farnet/crossvalidation/test_runner.py::test_every_radiograph_is_predicted_once_by_a_network_that_has_not_seen_it",
    ),
    (
        "README.md",
        "a bad file does not stop the others and is listed at the end",
        "tests/farnet/commands/test_detect.py::test_a_bad_file_does_not_stop_the_others",
    ),
    ("README.md", "with examples that the tests run", "tests/test_conventions.py::test_the_examples_hold"),
    (
        "README.md",
        "A picture that is no cephalogram is flagged, not refused",
        "tests/farnet/commands/test_detect.py::test_a_radiograph_unlike_the_training_is_named",
    ),
    (
        "README.md",
        "Nothing is read from the resolution tags of image files",
        "tests/farnet/readers/test_image.py::test_resolution_tags_are_no_millimetres",
    ),
    (
        "README.md",
        "is used only when asked for",
        "tests/farnet/readers/test_dicom_spacing.py::test_detector_spacing_only_when_asked_for_and_labelled",
    ),
    (
        f"{GUIDE}/correct.md",
        "Every change can be taken back",
        "tests/napari_farnet/correct/test_dock.py::test_undo_and_redo_with_a_log",
    ),
    (
        f"{GUIDE}/correct.md",
        "Nothing is ever taken out of it: what was undone is listed as undone",
        "tests/farnet/test_review.py::test_undo_keeps_the_log",
    ),
    (
        f"{GUIDE}/correct.md",
        "points stay as they are",
        "tests/napari_farnet/correct/test_dock.py::test_heatmaps_are_made_when_there_are_none",
    ),
    (
        f"{GUIDE}/correct.md",
        "a point too many is taken away again",
        "tests/napari_farnet/test_session.py::test_a_point_too_many_is_taken_away_and_spoken_of",
    ),
    (
        f"{GUIDE}/correct.md",
        "Predictions are never written to",
        "tests/farnet/test_corrections.py::test_corrections_are_saved_beside_and_predictions_stay",
    ),
    (
        f"{GUIDE}/correct.md",
        "the landmarks, exactly, with predictions and log",
        "tests/farnet/test_session_export.py::test_every_file_is_there_and_reads_back",
    ),
    (
        f"{GUIDE}/correct.md",
        "every change: when, who, which landmark",
        "tests/farnet/test_session_export.py::test_the_log_says_how_far_in_px_and_mm",
    ),
    (
        f"{GUIDE}/correct.md",
        "no path is told",
        "tests/farnet/test_session_export.py::test_a_session_tells_neither_patients_nor_places",
    ),
    (
        f"{GUIDE}/correct.md",
        "A folder that holds something already is never written into",
        "tests/farnet/test_session_export.py::test_nothing_is_overwritten_unless_it_is_a_session",
    ),
    (
        f"{GUIDE}/correct.md",
        "The radiograph stays where it is until then",
        "tests/napari_farnet/correct/test_saving.py::test_the_walk_waits_until_a_correction_is_saved",
    ),
    (
        f"{GUIDE}/correct.md",
        "The last change is saved when the dock or napari is closed",
        "tests/napari_farnet/correct/test_saving.py::test_the_last_change_is_saved_at",
    ),
    (
        f"{GUIDE}/correct.md",
        "at most the last one is missing",
        "tests/napari_farnet/test_killed_window.py::test_nothing_is_lost",
    ),
    (
        f"{GUIDE}/correct.md",
        "The same means the same file or the same pixels",
        "tests/napari_farnet/correct/test_copies.py::test_two_patients_of_one_name_never_share_a_copy",
    ),
    (
        f"{GUIDE}/correct.md",
        "What you do meanwhile does not touch a copy that is offered",
        "tests/napari_farnet/correct/test_copies.py::test_a_copy_that_was_offered_is_not_written_over",
    ),
    (
        f"{GUIDE}/correct.md",
        "Changes that were not saved are kept in your data folder",
        "tests/napari_farnet/correct/test_dock.py::test_unsaved_work_is_offered_after_a_crash",
    ),
    (
        f"{GUIDE}/detect.md",
        "and nothing is added",
        "tests/napari_farnet/detect/test_dock.py::test_cancel_at_any_moment",
    ),
    (
        f"{GUIDE}/detect.md",
        "Where nothing helps it says **Do not rely on these points**",
        "tests/farnet/test_orientation.py::test_another_picture_is_unlike_in_every_view",
    ),
    (
        f"{GUIDE}/detect.md",
        "Nothing is downloaded, and no picture leaves the computer",
        "tests/farnet/test_network.py::test_the_network_is_not_asked",
    ),
    (
        f"{GUIDE}/evaluate.md",
        "Landmarks are matched by their names, never by their order",
        "tests/napari_farnet/evaluate/test_dock.py::test_landmarks_are_matched_by_name_not_by_order",
    ),
    (
        f"{GUIDE}/evaluate.md",
        "Errors are in mm where the size of a pixel is known of every radiograph",
        "tests/farnet/evaluation/test_metrics.py::test_evaluate_without_every_spacing_is_in_pixels_and_says_so",
    ),
    (
        f"{GUIDE}/evaluate.md",
        "A missed landmark is a failure at every radius",
        "tests/farnet/evaluation/test_curves.py::test_a_missed_landmark_keeps_a_curve_from_the_top",
    ),
    (
        f"{GUIDE}/evaluate.md",
        "one with all figures, one with every single error",
        "tests/farnet/evaluation/test_tables.py::test_every_error_is_there_with_what_became_of_it",
    ),
    (
        f"{GUIDE}/files.md",
        "is that of paper or screen, never of the patient, and is not used",
        "tests/farnet/readers/test_tiff.py::test_orientation_and_resolution_tags_change_nothing",
    ),
    (
        f"{GUIDE}/files.md",
        "that of the detector only on request",
        "tests/farnet/readers/test_dicom_spacing.py::test_detector_spacing_only_when_asked_for_and_labelled",
    ),
    (
        f"{GUIDE}/files.md",
        "It keeps everything, for many radiographs",
        "tests/farnet/formats/test_csv.py::test_round_trip_is_exact",
    ),
    (
        f"{GUIDE}/files.md",
        "every point is the same to the last bit",
        "tests/farnet/commands/test_verify.py::test_identical",
    ),
    (
        f"{GUIDE}/files.md",
        "a renamed file is found, a changed one is noticed",
        "tests/farnet/test_verification.py::test_a_radiograph_is_found_by_its_content",
    ),
    (f"{GUIDE}/files.md", "Nothing is written.", "tests/farnet/commands/test_verify.py::test_nothing_is_written"),
    (f"{GUIDE}/files.md", "nothing is made up", "tests/farnet/formats/test_dicom_sr.py::test_nobody_is_made_up"),
    (
        f"{GUIDE}/folder.md",
        "Files of radiographs are never changed",
        "tests/farnet/commands/test_detect.py::test_radiographs_are_not_changed",
    ),
    (
        f"{GUIDE}/folder.md",
        "What was found is kept, also when the computer is switched off",
        "tests/farnet/test_batch.py::test_a_killed_run_goes_on_from_its_journal",
    ),
    (
        f"{GUIDE}/folder.md",
        "found before, and nothing has changed",
        "tests/farnet/test_batch.py::test_resume_does_nothing_twice",
    ),
    (
        f"{GUIDE}/folder.md",
        "whatever the file is called now",
        "tests/farnet/test_batch.py::test_a_renamed_file_keeps_its_landmarks_under_its_new_name",
    ),
    (
        f"{GUIDE}/folder.md",
        "A file that cannot be read does not stop the others",
        "tests/farnet/test_batch.py::test_an_unreadable_file_is_listed_and_the_others_are_done",
    ),
    (
        f"{GUIDE}/folder.md",
        "which reads `landmarks.csv` and never writes to it",
        "tests/farnet/test_corrections.py::test_corrections_are_saved_beside_and_predictions_stay",
    ),
    (
        f"{GUIDE}/index.md",
        "every control says what it does when the mouse rests on it",
        "tests/napari_farnet/test_docks.py::test_every_control_says_what_it_is_for",
    ),
    (
        f"{GUIDE}/measure.md",
        "for a file with every number in full",
        "tests/farnet/measurement/test_tables.py::test_a_row_for_each_measurement",
    ),
    (
        f"{GUIDE}/measure.md",
        "**Escape** ends it before that and changes nothing",
        "tests/napari_farnet/measure/test_calibrating.py::test_escape_changes_nothing",
    ),
    (
        f"{GUIDE}/measure.md",
        "A second radiograph in the viewer is left as it is",
        "tests/napari_farnet/measure/test_calibrating.py::test_another_radiograph_is_left_alone",
    ),
    (
        f"{GUIDE}/measure.md",
        "a length with a norm or classes always needs mm",
        "tests/farnet/measurement/test_measuring.py::test_without_a_spacing_there_are_no_mm",
    ),
    (
        f"{GUIDE}/train.md",
        "Nothing is ever downloaded",
        "tests/napari_farnet/train/test_request.py::test_a_new_network_begins_with_nothing",
    ),
    (
        f"{GUIDE}/train.md",
        "Landmarks that are absent take no part",
        "tests/farnet/training/test_task.py::test_missed_counts_against_and_absent_does_not",
    ),
    (
        f"{GUIDE}/train.md",
        "**Discard** ends the training and deletes what it left",
        "tests/napari_farnet/train/test_dock.py::test_discard_leaves_nothing",
    ),
    (
        f"{GUIDE}/train.md",
        "a model that was made stays",
        "tests/farnet/training/test_process.py::test_discard_deletes_what_is_the_runs_alone",
    ),
    (
        f"{GUIDE}/train.md",
        "Whatever happens, the last finished epoch is kept, and **Resume** goes on exactly from there",
        "tests/farnet/training/test_run.py::test_an_ended_run_goes_on_exactly",
    ),
    (
        "docs/privacy.md",
        "Nothing that you have not asked for",
        "tests/farnet/test_network.py::test_the_network_is_not_asked",
    ),
    (
        "docs/privacy.md",
        "Neither model files nor sessions hold the path of a file",
        "tests/farnet/test_session_export.py::test_a_session_tells_neither_patients_nor_places",
    ),
    (
        "docs/privacy.md",
        "how many radiographs it was trained on, and the SHA-256 of their pixels",
        "tests/farnet/training/test_run.py::test_a_model_names_its_radiographs_only_on_request",
    ),
    (
        "docs/privacy.md",
        "`farnet calibrate` leaves them out of what it writes",
        "tests/farnet/commands/test_calibrate.py::test_names_are_kept_only_on_request",
    ),
    (
        "docs/privacy.md",
        "or by the key",
        "tests/farnet/commands/test_verify.py::test_a_session_is_checked_with_its_files",
    ),
    (
        "docs/privacy.md",
        "into a session only with `--names`",
        "tests/farnet/test_session_export.py::test_a_dicom_radiograph_gets_a_report",
    ),
    (
        "docs/privacy.md",
        "Model files are read without running anything from them",
        "tests/farnet/test_modelfile.py::test_nothing_is_unpickled",
    ),
    (
        "docs/privacy.md",
        "files outside its folder is no session",
        "tests/farnet/test_session_export.py::test_a_manifest_that_leads_out_of_its_folder_is_none",
    ),
    (
        "docs/privacy.md",
        "so that every name comes back as it was",
        "tests/farnet/test_spreadsheet.py::test_the_table_of_landmarks_is_exact_and_safe",
    ),
    (
        "docs/ablations.md",
        "Runs that are finished are never made again",
        "tests/farnet/reproduction/test_runner.py::test_an_interrupted_table_goes_on",
    ),
    (
        "docs/check.md",
        "one finding each, instead of refusing all of it",
        "tests/farnet/checking/test_check.py::test_files_that_cannot_be_read_are_findings",
    ),
    (
        "docs/conventions.md",
        "Nothing invents a scale",
        "tests/farnet/readers/test_image.py::test_resolution_tags_are_no_millimetres",
    ),
    (
        "docs/crossvalidation.md",
        "finished folds are never made again",
        "tests/farnet/crossvalidation/test_runner.py::test_what_is_there_is_not_made_again",
    ),
    (
        "docs/crossvalidation.md",
        "shows what is there and writes nothing",
        "tests/farnet/crossvalidation/test_runner.py::test_the_status_writes_nothing",
    ),
    (
        "docs/datasets.md",
        "never corrected in the files",
        "tests/farnet/datasets/test_isbi2015.py::test_points_are_row_and_column_of_the_observer",
    ),
    (
        "docs/report.md",
        "no script, nothing loaded from elsewhere",
        "tests/farnet/evaluation/test_report.py::test_a_page_holds_nothing_from_outside_and_no_script",
    ),
)

NO_PROMISES = (
    (f"{GUIDE}/files.md", "| 3D Slicer fiducials | .fcsv"),
    ("README.md", "and on nothing else; truth is the mean of two doctors"),
    ("README.md", "Every result needs the eye of someone qualified"),
    ("README.md", "does so at every commit"),
    (f"{GUIDE}/correct.md", "To begin with nothing, press **New**"),
    (f"{GUIDE}/correct.md", "The network saw nothing where the point is"),
    (f"{GUIDE}/detect.md", "Look at every point"),
    (f"{GUIDE}/evaluate.md", "shows the SDR at every radius"),
    (f"{GUIDE}/files.md", "the radiograph or the model is not there or is another file"),
    (f"{GUIDE}/files.md", "The exit code is 0 only if all are identical"),
    (f"{GUIDE}/folder.md", "with another folder, or every night"),
    (f"{GUIDE}/measure.md", "nothing for a ratio"),
    (f"{GUIDE}/measure.md", "it cannot be told which way the patient faces"),
    (f"{GUIDE}/measure.md", "are not always the proximal thoracic"),
    (f"{GUIDE}/measure.md", "after every change"),
    (f"{GUIDE}/measure.md", "every measurement on where the points are"),
    (f"{GUIDE}/train.md", "how often every radiograph is looked at"),
    (f"{GUIDE}/train.md", "nothing warns of a model that has learnt"),
    (f"{GUIDE}/train.md", "The figure is honest only if"),
    (f"{GUIDE}/train.md", "what is never shown cannot be learnt"),
)

SEARCHED = ("README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / GUIDE).glob("*.md")))


@cache
def text_of(document: str) -> str:
    """A document on one line, without its code blocks but for their comments."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return " ".join(text.split())


@cache
def sentences_of(document: str) -> tuple[str, ...]:
    """Sentences, items and cells of tables, each on one line; code is left out."""
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    found: list[str] = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-|#>]|\d+\.)\s?)", text):
        found += re.split(r"(?<=[.!?:;])\s+(?=[A-Z*`\[_])", " ".join(block.split()))
    return tuple(found)


@cache
def names_in(file: str) -> frozenset[str]:
    """Names of the tests of a file, also of those in classes."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize(("document", "part", "test"), PROMISES, ids=[f"{p[0]}: {p[1]}" for p in PROMISES])
def test_a_promise_stands_and_its_test_is_there(document, part, test):
    assert part in text_of(document), f"{document} no longer says so; take it out of PROMISES, or say it again"
    file, _, name = test.partition("::")
    assert name in names_in(file), f"there is no test {test}"


@pytest.mark.parametrize(("document", "part"), NO_PROMISES)
def test_what_is_no_promise_stands(document, part):
    assert part in text_of(document)


@pytest.mark.parametrize("document", SEARCHED)
def test_every_sentence_that_sounds_like_a_promise_is_listed(document):
    listed = [part for file, part, *_ in (*PROMISES, *NO_PROMISES) if file == document]
    new = [
        sentence
        for sentence in sentences_of(document)
        if PROMISING.search(sentence) and not any(part in sentence for part in listed)
    ]
    assert not new, f"list these with the test that holds them: {new}"
