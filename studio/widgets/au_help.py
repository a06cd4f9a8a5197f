"""Tool tips that teach FACS, and the search through the action units."""

from __future__ import annotations

from studio.document.action_units import ACTION_UNITS, FACS_MARKS, ActionUnit

LOOK_ALIKES: dict[str, str] = {
    "AU1": "AU2 lifts the outer ends instead; with AU4 the brows slant as in grief.",
    "AU2": "AU1 lifts the inner ends; both together raise the whole brow.",
    "AU4": "AU9 pulls the inner brows down too, but wrinkles the nose with it.",
    "AU5": "AU1 and AU2 make the eyes look larger without moving the lids.",
    "AU6": "AU7 narrows the eyes but leaves the cheeks alone; a strong AU12 lifts the cheeks too.",
    "AU7": "AU6 comes with raised cheeks and crow's feet; AU45 closes the eyes.",
    "AU9": "AU10 lifts the lip without wrinkling the root of the nose.",
    "AU45": "AU7 stops half-way: the lids are tense, the eyes stay open.",
    "AU10": "AU9 wrinkles the nose with it; AU12 lifts the corners, not the middle.",
    "AU12": "AU14 draws the corners inwards; AU20 pulls them straight to the sides.",
    "AU14": "AU12 lifts the corners; AU14 only tightens them.",
    "AU15": "AU17 makes the corners seem to sag by pushing the middle up.",
    "AU17": "AU15 pulls the corners down instead; both often come together.",
    "AU20": "AU12 goes upwards as well; AU20 stays level and flattens the lips.",
    "AU23": "Pressing the lips against each other (AU24) hides them; AU23 only narrows them.",
    "AU25": "AU26 parts the teeth too; AU25 alone leaves the jaw closed.",
    "AU26": "AU25 parts only the lips. In speech both come from the sound already.",
}
"""What it is easily taken for, and how to tell."""

TIP_WIDTH = 330
"""Of a tool tip, pixels."""

_BY_NUMBER = {au.number: au for au in ACTION_UNITS}


def tool_tip(au: ActionUnit) -> str:
    """Rich text: name, effect, muscles, look-alikes, opposites, partners, and what the letters mean."""
    rows = [("Muscle", au.muscles), ("Not to confuse", LOOK_ALIKES[au.key])]
    if au.opposites:
        rows.append(("Against it", _list(au.opposites)))
    if au.partners:
        rows.append(("Goes with", _list(au.partners)))
    levels = ", ".join(f"<b>{letter}</b> {name}" for letter, name in FACS_MARKS.items())
    rows.append(("Levels", levels))
    table = "".join(
        f"<tr><td style='padding-right:10px;white-space:nowrap'><i>{name}</i></td><td>{text}</td></tr>"
        for name, text in rows
    )
    return (
        f"<table width='{TIP_WIDTH}'><tr><td><p><b>AU{au.number}  {au.name}</b></p><p>{au.effect}</p>"
        f"<table width='{TIP_WIDTH}' cellspacing='0' style='margin-top:6px'>{table}</table>"
        "<p>Drag to set, double-click to reset, Shift for hundredths.</p></td></tr></table>"
    )


def found(au: ActionUnit, text: str) -> bool:
    """Whether a search finds an action unit: by number (`12`, `AU12`), name, muscle or what it does."""
    words = text.lower().split()
    everything = f"{au.name} {au.muscles} {au.effect}".lower()
    return all(_number_found(au, word) or (not word.isdigit() and word in everything) for word in words)


def _number_found(au: ActionUnit, word: str) -> bool:
    digits = word.removeprefix("au")
    return digits.isdigit() and str(au.number).startswith(digits)


def _list(numbers: tuple[int, ...]) -> str:
    return ", ".join(f"AU{number} {_BY_NUMBER[number].name.lower()}" for number in numbers)
