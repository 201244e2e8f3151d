"""`farnet info`: a model's card, or what a network costs."""

from typing import Annotated, Any

import typer

from farnet.commands.console import number, print_json, print_table, print_text
from farnet.commands.options import JsonOption, examples
from farnet.commands.tables import print_facts
from farnet.errors import InvalidInputError

__all__ = ["info", "register"]

_HELP = examples(
    """Show what a model is and where it comes from, or what a network costs.

With MODEL: the card in the model file (landmarks, training, validation, licence, intended use), its parameters and
multiply-accumulates (MAC). With --network: the parameters and MAC of a network that need not exist yet.""",
    ("a model's card", "farnet info ceph19-compact"),
    ("any model file", "farnet info path/to/my.safetensors --json"),
    ("the network of the paper", "farnet info --network densenet121"),
    ("a compact one", "farnet info --network efficientnet_lite0 --width 56 --finest 40 --input 512x416"),
    ("for 37 landmarks of the hand", "farnet info --network resnet50 --landmarks 37 --input 512x512"),
)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("info", help=_HELP)(info)


def info(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="A model's name or file.")] = None,
    network: Annotated[
        str | None,
        typer.Option("--network", metavar="BACKBONE", help="densenet121, resnet50, vgg19, timm:NAME, ..."),
    ] = None,
    landmarks: Annotated[int, typer.Option("--landmarks", min=1, help="Heatmaps of the network.")] = 19,
    width: Annotated[int, typer.Option("--width", min=8, help="Channels of its feature aggregation.")] = 256,
    finest: Annotated[
        int, typer.Option("--finest", min=0, help="Least channels of its finest features; 0 is the paper's rule.")
    ] = 0,
    image_kernel: Annotated[
        int, typer.Option("--image-kernel", help="Kernel on the image: 3 (paper) or 1 (authors' code).")
    ] = 3,
    aggregation: Annotated[
        str, typer.Option("--aggregation", help="msfa (paper), or what it compares: msfa_plus, unet, fpn.")
    ] = "msfa",
    refinement: Annotated[str, typer.Option("--refinement", help="full (paper), star or none.")] = "full",
    shape: Annotated[str, typer.Option("--input", metavar="ROWSxCOLUMNS", help="Size of its input.")] = "800x640",
    as_json: JsonOption = False,
) -> None:
    """Show a model's card, or a network's cost; see `_HELP`."""
    if (model is None) == (network is None):
        raise InvalidInputError("Give a model's name or file, or --network BACKBONE. 'farnet models' lists the models.")
    if model is not None:
        _show_model(model, as_json=as_json)
    else:
        settings = {
            "backbone": network,
            "landmarks": landmarks,
            "width": width,
            "finest": finest,
            "image_kernel": image_kernel,
            "aggregation": aggregation,
            "refinement": refinement,
        }
        _show_network(settings, _shape(shape), as_json=as_json)


def _show_model(model: str, *, as_json: bool) -> None:
    from farnet.modelfile import model_sha256, read_metadata
    from farnet.networks.cost import network_cost
    from farnet.zoo import find_model

    path = find_model(model)
    metadata = read_metadata(path)
    cost = network_cost(metadata.network, metadata.input.shape)
    card = metadata.model_dump(mode="json")
    file = {"path": str(path), "bytes": path.stat().st_size, "sha256": model_sha256(path)}
    if as_json:
        print_json({**file, "metadata": card, "cost": cost.to_dict()})
        return
    print_text(f"{metadata.name}: {metadata.title}".removesuffix(": "))
    for text in (metadata.description, metadata.intended_use):
        if text:
            print_text(text)
    print_text()
    print_facts("File", {**file, "created": metadata.created, "farnet": metadata.farnet_version})
    print_facts("Network", {**card["network"], "input": card["input"], "decoder": card["decoder"]})
    _print_cost(cost)
    scheme = metadata.landmark_scheme
    rows = [(mark.name, mark.abbreviation, mark.definition) for mark in scheme.landmarks]
    print_table(("landmark", "", "definition"), rows, title=f"{scheme.name}: {scheme.title}", left=3)
    print_facts("Training", metadata.training)
    _print_evaluation(metadata.evaluation)
    print_facts("Licence", {"licence": metadata.licence})


def _print_evaluation(record: dict[str, Any]) -> None:
    """Print the pooled figures of every evaluation that a model file holds."""
    evaluations = {name: value for name, value in record.items() if isinstance(value, dict) and "pooled" in value}
    for unit in dict.fromkeys(value["unit"] for value in evaluations.values()):
        chosen = {name: value for name, value in evaluations.items() if value["unit"] == unit}
        radii = list(next(iter(chosen.values()))["pooled"]["sdr"])
        rows = [
            (
                name,
                str(value["n_radiographs"]),
                *(number(value["pooled"][key]) for key in ("mre", "sd", "median")),
                *(number(value["pooled"]["sdr"].get(radius), 1) for radius in radii),
            )
            for name, value in chosen.items()
        ]
        headers = ("", "radiographs", f"MRE ({unit})", "SD", "median", *(f"SDR {radius} {unit}" for radius in radii))
        print_table(headers, rows, title="Evaluation")
    print_facts("Other figures", {name: value for name, value in record.items() if name not in evaluations})


def _show_network(settings: dict[str, Any], shape: tuple[int, int], *, as_json: bool) -> None:
    from pydantic import ValidationError

    from farnet.networks.config import NetworkConfig
    from farnet.networks.cost import network_cost

    try:
        config = NetworkConfig.model_validate(settings)
    except ValidationError as error:
        problems = "; ".join(f"--{str(e['loc'][0]).replace('_', '-')} {e['input']}: {e['msg']}" for e in error.errors())
        raise InvalidInputError(f"There is no such network: {problems}.") from error
    cost = network_cost(config, shape)
    if as_json:
        print_json({"network": config.model_dump(mode="json"), "cost": cost.to_dict()})
        return
    print_facts("Network", config.model_dump(mode="json"))
    _print_cost(cost)


def _print_cost(cost: Any) -> None:
    parts = [
        (part, f"{cost.parameters_by_part[part]:,}", f"{cost.macs_by_part[part] / 1e9:,.3f}")
        for part in cost.macs_by_part
    ]
    print_table(
        ("", "parameters", "GMAC"),
        [("whole", f"{cost.parameters:,}", f"{cost.macs / 1e9:,.3f}"), *parts],
        title="Cost of one radiograph of {} x {}".format(*cost.input_shape),
        caption=f"When detecting, with layers folded into each other: {cost.macs_detecting / 1e9:,.3f} GMAC",
        emphasised=1,
    )


def _shape(text: str) -> tuple[int, int]:
    rows, _, columns = text.lower().partition("x")
    if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        raise InvalidInputError(f"--input is {text!r}; give rows x columns, such as 800x640.")
    return int(rows), int(columns)
