"""What each action unit does to a face, for tool tips that teach FACS."""

from __future__ import annotations

from studio.document.action_units import ActionUnit, Region

EFFECTS: dict[str, str] = {
    "AU1": "Lifts the inner ends of the brows; the forehead wrinkles in its middle. Worry, sadness.",
    "AU2": "Lifts the outer ends of the brows into an arch. With AU1 it is surprise.",
    "AU4": "Draws the brows down and together, with furrows between them. Anger, effort, thought.",
    "AU5": "Lifts the upper lids, so that more of the eyes' white shows. Surprise, fear, a stare.",
    "AU6": "Lifts the cheeks and gathers crow's feet: what makes a smile look felt.",
    "AU7": "Tightens the lids, the lower one above all. A narrowed, searching eye.",
    "AU9": "Wrinkles the nose and pulls the inner brows down. Disgust.",
    "AU45": "Closes the eyes.",
    "AU10": "Lifts the middle of the upper lip and deepens the fold beside the nose. Contempt, disgust.",
    "AU12": "Pulls the corners of the lips up and back. The smile.",
    "AU14": "Pulls the corners inwards and makes dimples. Contempt when on one side.",
    "AU15": "Pulls the corners of the lips down. Sadness.",
    "AU17": "Pushes the chin and lower lip up. Doubt, a pout.",
    "AU20": "Stretches the lips sideways towards the ears. Fear.",
    "AU23": "Tightens the lips and makes them narrow. Restrained anger.",
    "AU25": "Parts the lips while the teeth may stay closed.",
    "AU26": "Lets the jaw drop, so that the teeth part.",
}

REGION_TITLES: dict[Region, str] = {
    "brows": "Brows",
    "eyes": "Eyes",
    "nose_cheeks": "Nose and cheeks",
    "mouth": "Mouth",
}
"""Groups of the panel in their order."""

LETTERS = "ABCDE"
"""FACS marks of intensities 1 to 5: trace, slight, marked, severe, maximum."""

LETTER_NAMES = ("trace", "slight", "marked", "severe", "maximum")


def tool_tip(au: ActionUnit) -> str:
    """Rich text: name, effect, muscles and how to use the row."""
    return (
        f"<p style='white-space:pre'><b>AU{au.number}  {au.name}</b></p>"
        f"<p>{EFFECTS[au.key]}</p><p><i>{au.muscles}</i></p>"
        "<p>Drag to set, double-click to reset. A to E are the FACS marks from trace to maximum.</p>"
    )


def mark(intensity: float) -> str:
    """The FACS letter of an intensity 0–5, empty below a trace."""
    step = int(intensity + 0.5)
    return LETTERS[min(step, 5) - 1] if step >= 1 else ""
