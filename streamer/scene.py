"""What the application shows: a value, and how each message of a player changes it. Nothing here draws or sends."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from streamer.data_channel import Message, Value
from streamer.keys import BACKSPACE, ENTER

LONGEST_TEXT = 200
MARKS_KEPT = 8
MOST_GAMEPADS = 8
_UNITS = 65536
_FIRST_PRINTABLE = 32
_DELETE = 127

Point = tuple[int, int]
"""A place in the picture in units of 1/65536 of its width and height, as the data channel has it."""


@dataclass(frozen=True, slots=True)
class Event:
    """A message of a player, with the number of the frame that was shown when it came."""

    player: str
    frame: int
    message: Message


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a click or a touch was made, the how-manieth it is, and in which frame."""

    at: Point
    number: int
    frame: int


@dataclass(frozen=True, slots=True)
class Gamepad:
    """A connected gamepad: its owner, the buttons held down and the axes from -1 to 1."""

    player: str
    buttons: frozenset[int] = frozenset()
    axes: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Hand:
    """What belongs to one player alone: pointer, mouse buttons, keys held down and touches by finger."""

    pointer: Point | None = None
    inside: bool = False
    buttons: frozenset[int] = frozenset()
    keys: tuple[int, ...] = ()
    touches: tuple[tuple[int, Point], ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that the picture shows apart from the time; all players see and change the same scene."""

    typed: str = ""
    note: str = ""
    """What the page said last by UIInteraction."""
    clicks: int = 0
    touches: int = 0
    wheel: int = 0
    """Sum of all turns of the wheel in the browser's units, away from the person positive; mostly 120 a notch."""
    marks: tuple[Mark, ...] = ()
    statistics: bool = False
    """Whether frame rate and encoding time are shown, as Unreal's console command ``stat fps`` does."""
    hands: Mapping[str, Hand] = field(default_factory=dict)
    gamepads: Mapping[int, Gamepad] = field(default_factory=dict)

    def join(self, player: str) -> "Scene":
        """The scene with one more player."""
        return replace(self, hands={**self.hands, player: Hand()})

    def leave(self, player: str) -> "Scene":
        """The scene without the player, the keys it held and its gamepads; what it typed and clicked stays."""
        hands = {name: hand for name, hand in self.hands.items() if name != player}
        gamepads = {number: pad for number, pad in self.gamepads.items() if pad.player != player}
        return replace(self, hands=hands, gamepads=gamepads)

    def apply(self, event: Event) -> "Scene":
        """The scene after a player's message; one that changes nothing gives the same scene back."""
        rule = _RULES.get(event.message.name)
        return rule(self, event, event.message.values) if rule else self

    def hand(self, player: str) -> Hand:
        """The player's hand; an empty one for a player that is not there."""
        return self.hands.get(player, Hand())

    def free_gamepad(self) -> int | None:
        """The lowest gamepad number not in use; None when there are as many as the scene takes."""
        return next((number for number in range(MOST_GAMEPADS) if number not in self.gamepads), None)

    def report(self, player: str, frame: int) -> dict[str, Any]:
        """What the picture shows, for the page to read; places are from 0 to 1 of its width and height."""
        hand = self.hand(player)
        last = self.marks[-1].at if self.marks else None
        return {
            "typed": self.typed,
            "clicks": self.clicks,
            "last_click": _share(last) if last else None,
            "pointer": _share(hand.pointer) if hand.pointer else None,
            "frame": frame,
            "touches": self.touches,
            "wheel": self.wheel,
            "keys": list(hand.keys),
            "note": self.note,
            "gamepads": len(self.gamepads),
            "players": len(self.hands),
        }


def pixel(point: Point, size: tuple[int, int]) -> Point:
    """The pixel of a picture of ``size`` at a place."""
    return (
        min(round(point[0] * size[0] / _UNITS), size[0] - 1),
        min(round(point[1] * size[1] / _UNITS), size[1] - 1),
    )


def _share(point: Point) -> list[float]:
    return [round(point[0] / _UNITS, 4), round(point[1] / _UNITS, 4)]


def _whole(value: Value) -> int:
    return int(value)


def _clean(text: str) -> str:
    """Text that can be drawn: pairs of surrogates joined, lone ones and control characters left out."""
    joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return "".join(character for character in joined if character.isprintable())[-LONGEST_TEXT:]


def _with_hand(scene: Scene, player: str, **changes: Any) -> Scene:  # noqa: ANN401 # fields of Hand
    return replace(scene, hands={**scene.hands, player: replace(scene.hand(player), **changes)})


def _mark(scene: Scene, at: Point, frame: int) -> tuple[Mark, ...]:
    return (*scene.marks, Mark(at, scene.clicks + 1, frame))[-MARKS_KEPT:]


def _key_down(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    code = _whole(values[0])
    if code == BACKSPACE:
        scene = replace(scene, typed=scene.typed[:-1])
    elif code == ENTER:
        scene = replace(scene, typed="")
    keys = scene.hand(event.player).keys
    return scene if code in keys else _with_hand(scene, event.player, keys=(*keys, code))


def _key_up(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    keys = tuple(key for key in scene.hand(event.player).keys if key != _whole(values[0]))
    return _with_hand(scene, event.player, keys=keys)


def _key_press(scene: Scene, _event: Event, values: tuple[Value, ...]) -> Scene:
    """A printable character. The browser sends Backspace and Enter here too; they count as keys that went down."""
    unit = _whole(values[0])
    if unit < _FIRST_PRINTABLE or unit == _DELETE:
        return scene
    if 0xD800 <= unit <= 0xDBFF:  # Kept until the second half of the pair comes.
        return replace(scene, typed=_clean(scene.typed) + chr(unit))
    return replace(scene, typed=_clean(scene.typed + chr(unit)))


def _textbox_entry(scene: Scene, _event: Event, values: tuple[Value, ...]) -> Scene:
    return replace(scene, typed=_clean(str(values[0])))


def _ui_interaction(scene: Scene, _event: Event, values: tuple[Value, ...]) -> Scene:
    text = str(values[0])
    if _as_object(text).get("reset") is True:
        return Scene(hands=scene.hands, gamepads=scene.gamepads)
    return replace(scene, note=_clean(text))


def _command(scene: Scene, _event: Event, values: tuple[Value, ...]) -> Scene:
    command = _as_object(str(values[0]))
    console = command.get("ConsoleCommand")
    asked = "stat.fps" in command or (isinstance(console, str) and console.strip().lower() == "stat fps")
    return replace(scene, statistics=not scene.statistics) if asked else scene


def _as_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


_COMMANDS = frozenset({"stat.fps", "ConsoleCommand"})


def unused_commands(message: Message) -> tuple[str, ...]:
    """Names in a Command that the demo has no use for: resolution, bit rates and the like, fixed for all players."""
    if message.name != "Command":
        return ()
    return tuple(name for name in _as_object(str(message.values[0])) if name not in _COMMANDS)


def _mouse_move(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    return _with_hand(scene, event.player, pointer=(_whole(values[0]), _whole(values[1])), inside=True)


def _mouse_down(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    button, at = _whole(values[0]), (_whole(values[1]), _whole(values[2]))
    held = scene.hand(event.player).buttons | {button}
    scene = _with_hand(scene, event.player, pointer=at, inside=True, buttons=held)
    return replace(scene, marks=_mark(scene, at, event.frame), clicks=scene.clicks + 1)


def _mouse_up(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    held = scene.hand(event.player).buttons - {_whole(values[0])}
    return _with_hand(scene, event.player, pointer=(_whole(values[1]), _whole(values[2])), buttons=held)


def _mouse_enter(scene: Scene, event: Event, _values: tuple[Value, ...]) -> Scene:
    return _with_hand(scene, event.player, inside=True)


def _mouse_leave(scene: Scene, event: Event, _values: tuple[Value, ...]) -> Scene:
    return _with_hand(scene, event.player, inside=False, buttons=frozenset())


def _mouse_wheel(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    scene = _with_hand(scene, event.player, pointer=(_whole(values[1]), _whole(values[2])))
    return replace(scene, wheel=scene.wheel + _whole(values[0]))


def _fingers(values: tuple[Value, ...]) -> dict[int, Point]:
    rows = (values[start : start + 5] for start in range(1, len(values), 5))
    return {_whole(finger): (_whole(x), _whole(y)) for x, y, finger, _force, valid in rows if valid}


def _touch_start(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    scene = _touch_move(scene, event, values)
    for at in _fingers(values).values():
        scene = replace(scene, marks=_mark(scene, at, event.frame), clicks=scene.clicks + 1, touches=scene.touches + 1)
    return scene


def _touch_move(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    touches = {**dict(scene.hand(event.player).touches), **_fingers(values)}
    return _with_hand(scene, event.player, touches=tuple(sorted(touches.items())))


def _touch_end(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    # Not by _fingers: a browser calls a finger that left the picture invalid, and it is gone all the same.
    ended = {_whole(values[start + 2]) for start in range(1, len(values), 5)}
    touches = tuple(touch for touch in scene.hand(event.player).touches if touch[0] not in ended)
    return _with_hand(scene, event.player, touches=touches)


def _gamepad_connected(scene: Scene, event: Event, _values: tuple[Value, ...]) -> Scene:
    number = scene.free_gamepad()
    return scene if number is None else replace(scene, gamepads={**scene.gamepads, number: Gamepad(event.player)})


def _gamepad_disconnected(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
    number = _whole(values[0])
    if number not in scene.gamepads or scene.gamepads[number].player != event.player:
        return scene
    return replace(scene, gamepads={key: pad for key, pad in scene.gamepads.items() if key != number})


def _gamepad(change: Callable[[Gamepad, Value, Value], Gamepad]) -> "_Rule":
    def rule(scene: Scene, event: Event, values: tuple[Value, ...]) -> Scene:
        number = _whole(values[0])
        pad = scene.gamepads.get(number)
        if pad is None or pad.player != event.player:
            return scene
        return replace(scene, gamepads={**scene.gamepads, number: change(pad, values[1], values[2])})

    return rule


def _press(pad: Gamepad, button: Value, _repeat: Value) -> Gamepad:
    return replace(pad, buttons=pad.buttons | {_whole(button)})


def _release(pad: Gamepad, button: Value, _repeat: Value) -> Gamepad:
    return replace(pad, buttons=pad.buttons - {_whole(button)})


def _tilt(pad: Gamepad, axis: Value, value: Value) -> Gamepad:
    number = float(value)
    tilt = max(-1.0, min(1.0, number)) if math.isfinite(number) else 0.0
    return replace(pad, axes=tuple(sorted({**dict(pad.axes), _whole(axis): tilt}.items())))


_Rule = Callable[[Scene, Event, tuple[Value, ...]], Scene]

_RULES: Mapping[str, _Rule] = {
    "UIInteraction": _ui_interaction,
    "Command": _command,
    "TextboxEntry": _textbox_entry,
    "KeyDown": _key_down,
    "KeyUp": _key_up,
    "KeyPress": _key_press,
    "MouseEnter": _mouse_enter,
    "MouseLeave": _mouse_leave,
    "MouseDown": _mouse_down,
    "MouseUp": _mouse_up,
    "MouseMove": _mouse_move,
    "MouseWheel": _mouse_wheel,
    "TouchStart": _touch_start,
    "TouchMove": _touch_move,
    "TouchEnd": _touch_end,
    "GamepadConnected": _gamepad_connected,
    "GamepadDisconnected": _gamepad_disconnected,
    "GamepadButtonPressed": _gamepad(_press),
    "GamepadButtonReleased": _gamepad(_release),
    "GamepadAnalog": _gamepad(_tilt),
}

ANSWERED = frozenset({"UIInteraction", "Command", "TextboxEntry", "KeyPress", "KeyDown", "MouseDown", "TouchStart"})
"""Messages that are answered with the scene as it is after them."""
