"""Where things stand in the picture, and in which colours."""

from dataclasses import dataclass

from streamer.picture.text import RGB

DESIGN_WIDTH, DESIGN_HEIGHT = 1280, 720

WHITE: RGB = (240, 245, 255)
SOFT: RGB = (166, 180, 218)
FAINT: RGB = (112, 126, 170)
TEAL: RGB = (94, 234, 212)
VIOLET: RGB = (139, 116, 255)
AMBER: RGB = (255, 190, 92)
CORAL: RGB = (255, 122, 122)

PLAYER_COLORS: tuple[RGB, ...] = (TEAL, CORAL, VIOLET, WHITE)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in design units."""

    left: float
    top: float
    width: float
    height: float


TITLE = (40, 30)
SUBTITLE = (40, 84)
HINT = (40, 112)
CLOCK = (1240, 30)
DATE = (1240, 84)
FRAME = (1240, 112)
NOTE = (40, 668)
TEXT_BOX = Box(40, 470, 1200, 78)
CARD_LABELS = ("CLICKS", "POINTER", "WHEEL", "KEYS", "TOUCH", "GAMEPAD")
CARD_GAP = 16
CARDS_TOP, CARDS_HEIGHT = 564, 92
WAVES_MIDDLE, WAVES_SWING = 305, 92


def card(index: int) -> Box:
    """Place of a card in the row below the text box."""
    width = (TEXT_BOX.width - CARD_GAP * (len(CARD_LABELS) - 1)) / len(CARD_LABELS)
    return Box(TEXT_BOX.left + index * (width + CARD_GAP), CARDS_TOP, width, CARDS_HEIGHT)


@dataclass(frozen=True, slots=True)
class Layout:
    """Design units to pixels: the design is scaled to fit and stands in the middle of the picture."""

    width: int
    height: int

    @property
    def scale(self) -> float:
        """Pixels in one design unit."""
        return min(self.width / DESIGN_WIDTH, self.height / DESIGN_HEIGHT)

    def x(self, units: float) -> int:
        """Column of a place."""
        return round((self.width - DESIGN_WIDTH * self.scale) / 2 + units * self.scale)

    def y(self, units: float) -> int:
        """Line of a place."""
        return round((self.height - DESIGN_HEIGHT * self.scale) / 2 + units * self.scale)

    def size(self, units: float) -> int:
        """A length, at least one pixel."""
        return max(1, round(units * self.scale))
