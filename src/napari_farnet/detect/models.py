"""The models that the dock offers."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ModelChoice", "available_models", "unreadable_models"]


@dataclass(frozen=True)
class ModelChoice:
    """One model to choose.

    Attributes:
        name: What the detector is asked for.
        title: What the user reads.
        summary: A line about it: where it is from, and what it finds.
        scheme: Name of the scheme of its landmarks.
    """

    name: str
    title: str
    summary: str
    scheme: str = ""


def available_models() -> list[ModelChoice]:
    """List the bundled models and those in the user's folder; the one place where the plugin gets them from."""
    from farnet.zoo import list_models

    choices = []
    for entry in list_models():
        scheme = entry.metadata.landmark_scheme
        origin = "bundled" if entry.bundled else "from your folder of models"
        choices.append(
            ModelChoice(
                name=entry.name,
                title=entry.metadata.title or entry.name,
                summary=f"{entry.name}, {origin}: {scheme.title}",
                scheme=scheme.name,
            )
        )
    return choices


def unreadable_models() -> list[str]:
    """Say of each file in the folders of models that is no model, why."""
    from farnet.zoo import unreadable_models as scan

    return list(scan().values())
