"""`farnet models`: which models can be used by name."""

import typer

from farnet.commands.console import print_json, print_table, print_text, warn
from farnet.commands.options import JsonOption, examples

__all__ = ["models", "register"]

_HELP = examples(
    """List the models that --model takes by name.

These are the models that come with napari-farnet, and the .safetensors files in your own folder of models, which is
named below the list (the variable FARNET_MODELS chooses another).""",
    ("what there is", "farnet models"),
    ("use one", "farnet detect patient.png --model ceph19-compact"),
    ("a model of your own needs no name", "farnet detect patient.png --model path/to/my.safetensors"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("models", help=_HELP)(models)


def models(as_json: JsonOption = False) -> None:
    """List the models; see `_HELP`."""
    from farnet.zoo import list_models, unreadable_models, user_folder

    entries, broken = list_models(), unreadable_models()
    if as_json:
        print_json(
            {
                "models": [
                    {
                        "name": entry.name,
                        "path": str(entry.path),
                        "bundled": entry.bundled,
                        "bytes": entry.path.stat().st_size,
                        "metadata": entry.metadata.model_dump(mode="json"),
                    }
                    for entry in entries
                ],
                "unreadable": {str(path): reason for path, reason in broken.items()},
                "user_folder": str(user_folder()),
            }
        )
        return
    rows = [
        (
            entry.name,
            entry.metadata.title,
            entry.metadata.network.backbone,
            "bundled" if entry.bundled else "yours",
            str(entry.metadata.network.landmarks),
            "{} x {}".format(*entry.metadata.input.shape),
            f"{entry.path.stat().st_size / 1e6:.1f}",
        )
        for entry in entries
    ]
    print_table(("name", "title", "backbone", "", "landmarks", "input", "MB"), rows, title="Models", left=4)
    print_text(f"Your folder of models: {user_folder()}")
    for reason in broken.values():
        warn(f"Left out: {reason}")
