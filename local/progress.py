"""Steps of long work, each shown with what it is doing and the time it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@dataclass
class Step:
    """One running step: say what it is doing with ``update``."""

    title: str
    _progress: Progress | None = None
    _task: int = 0

    def update(self, text: str, done: float | None = None) -> None:
        """Show what the step does now; ``done`` is the finished part from 0 to 1 where it is known."""
        if self._progress is not None:
            total = None if done is None else 1.0
            self._progress.update(self._task, detail=text, completed=done or 0.0, total=total)  # type: ignore[arg-type]


@dataclass
class Steps:
    """Prints every step with its seconds; meanwhile a bar on a terminal, a line where there is none."""

    console: Console = field(default_factory=lambda: Console(file=sys.stderr, highlight=False))
    times: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Run a step; its seconds are printed and kept in ``times`` when it ends, a failure is named."""
        started = time.monotonic()
        try:
            if self.console.is_terminal:
                columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn())
                with Progress(
                    *columns, TextColumn("{task.fields[detail]}"), console=self.console, transient=True
                ) as bar:
                    task = bar.add_task(title, total=None, detail="")
                    yield Step(title, bar, task)
            else:
                self.console.print(f"      …    {title}", markup=False)
                yield Step(title)
        except BaseException:
            self.console.print(f"  failed {title} after {time.monotonic() - started:.1f} s", markup=False)
            raise
        self.times[title] = time.monotonic() - started
        self.console.print(f"{self.times[title]:7.1f} s  {title}", markup=False)
