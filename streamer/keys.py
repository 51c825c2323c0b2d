"""Names of keys and gamepad buttons, as the picture shows them. Key codes are a browser's ``keyCode``."""

_NAMED_KEYS = {
    8: "Backspace",
    9: "Tab",
    13: "Enter",
    16: "Shift",
    17: "Ctrl",
    18: "Alt",
    20: "Caps Lock",
    27: "Esc",
    32: "Space",
    33: "Page Up",
    34: "Page Down",
    35: "End",
    36: "Home",
    37: "←",
    38: "↑",
    39: "→",
    40: "↓",
    45: "Insert",
    46: "Delete",
    91: "Meta",
    92: "Right Meta",
    # Epic's frontend gives the right-hand modifiers codes of their own.
    253: "Right Shift",
    254: "Right Ctrl",
    255: "Right Alt",
}

_BUTTONS = ("A", "B", "X", "Y", "LB", "RB", "LT", "RT", "Back", "Start", "L", "R", "↑", "↓", "←", "→", "Home")

BACKSPACE = 8
ENTER = 13


def key_name(code: int) -> str:
    """Name of a key code: its own for the named ones, the letter or digit, F1 to F12, else the number."""
    if code in _NAMED_KEYS:
        return _NAMED_KEYS[code]
    if 48 <= code <= 57 or 65 <= code <= 90:
        return chr(code)
    if 112 <= code <= 123:
        return f"F{code - 111}"
    return str(code)


def button_name(button: int) -> str:
    """Name of a gamepad button by its number in the standard layout."""
    return _BUTTONS[button] if button < len(_BUTTONS) else str(button)
