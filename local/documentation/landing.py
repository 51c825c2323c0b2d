"""Finds the field of a settings dataclass that a value from the stack file ends up in, by the code around the call.

That is the argument of a dataclass's call that the reading call stands in: directly, by way of a variable of the same
function, or by way of what the function returns, and then from its caller on.
"""

import ast
import functools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import get_type_hints

from components import settings
from local.documentation.definitions import Field, field_named

FOLDER = Path(settings.__file__).parent


@dataclass(frozen=True)
class Site:
    """A call in a source file."""

    path: str
    line: int
    column: int


@dataclass(frozen=True)
class _Position:
    """Where a piece of source begins and ends; columns as Python counts them."""

    start: int
    first: int
    end: int
    last: int


def site_of(frame: FrameType) -> Site:
    """The call that a frame is in the middle of."""
    position = _position(frame.f_code, frame.f_lasti)
    return Site(frame.f_code.co_filename, position.start, position.first)


def field_of(frame: FrameType, key: str) -> Field | None:
    """The field that the result of the frame's call ends up in; `key` is the name it was read by.

    Where the code does not tell, it is the field of the key's own name in what one of the functions makes.
    """
    for each in _frames(frame):
        found = _field(each.f_code, each.f_lasti, sys.modules[each.f_globals["__name__"]], key)
        if found is not None:
            return found
    return None


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of the settings' functions, from the innermost."""
    while frame is not None and frame.f_code.co_filename.startswith(str(FOLDER)):
        yield frame
        frame = frame.f_back


@functools.cache
def _field(code: CodeType, instruction: int, module: ModuleType, key: str) -> Field | None:
    source = _source(code.co_filename)
    found = []
    call = source.calls.get(_position(code, instruction))
    if call and _passed_on(call, code):
        return None
    if call:
        places = [call, *source.uses(call, key)]
        found = [field for place in places if (field := source.argument_around(place, module, key))]
    # A value may decide several; the one of its own name is it.
    namesake = next((field for field in found if field.name == key), None)
    function = getattr(module, code.co_name, None)
    made = get_type_hints(function).get("return") if callable(function) else None
    return namesake or next(iter(found), None) or field_named(made, key)


def _passed_on(call: ast.Call, code: CodeType) -> bool:
    """Whether a function reads whatever key its caller names: then it is the caller who knows what it is for."""
    parameters = code.co_varnames[: code.co_argcount]
    return any(isinstance(each, ast.Name) and each.id == "name" and each.id in parameters for each in call.args)


def _position(code: CodeType, instruction: int) -> _Position:
    """Where in the source an instruction comes from; each takes two bytes."""
    return _positions(code)[instruction // 2]


@functools.cache
def _positions(code: CodeType) -> list[_Position]:
    return [_Position(start or 0, first or 0, end or 0, last or 0) for start, end, first, last in code.co_positions()]


class _Source:
    """The tree of one source file, with each node's parent."""

    def __init__(self, path: str) -> None:
        tree = ast.parse(Path(path).read_text())
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self.calls = {
            _Position(node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0): node
            for node in self._parents
            if isinstance(node, ast.Call)
        }

    def argument_around(self, node: ast.AST, module: ModuleType, key: str) -> Field | None:
        """The field whose argument, in a dataclass's call, holds a node."""
        for inner, outer in self._around(node):
            call = self._parents[outer] if isinstance(outer, ast.keyword) else outer
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            owner = getattr(module, call.func.id, None)
            if not (isinstance(owner, type) and is_dataclass(owner)):
                continue
            if isinstance(outer, ast.keyword):
                return field_named(owner, outer.arg or key)
            if isinstance(inner, ast.expr) and inner in call.args:
                return Field(owner, fields(owner)[call.args.index(inner)].name)
        return None

    def uses(self, node: ast.AST, key: str) -> Iterator[ast.AST]:
        """Where the variable is used that a node's value goes into; of several the one named like the key."""
        statement = next((outer for _, outer in self._around(node) if isinstance(outer, ast.Assign)), None)
        if statement is None:
            return
        names = [each.id for each in ast.walk(statement.targets[0]) if isinstance(each, ast.Name)]
        wanted = key if key in names else next(iter(names), None)
        function: ast.AST = statement
        while not isinstance(function, ast.FunctionDef):
            function = self._parents[function]
        for use in ast.walk(function):
            if isinstance(use, ast.Name) and isinstance(use.ctx, ast.Load) and use.id == wanted:
                yield use

    def _around(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Each node from this one outwards with its parent, up to the statement that it is part of."""
        while not isinstance(node, ast.stmt):
            yield node, self._parents[node]
            node = self._parents[node]


@functools.cache
def _source(path: str) -> _Source:
    return _Source(path)
