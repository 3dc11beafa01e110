"""Reads YAML safely: one mapping a file, keys of text, no key twice, finite numbers, every fault with its line."""

from __future__ import annotations

import copy
import marshal
import math
import re
from functools import lru_cache
from pathlib import Path

import yaml

from ronghe.errors import RongheError, listing, nearest


class _UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Safe YAML that refuses a key given twice, where plain YAML lets the later one win silently."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict:
        lines: dict[object, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            # A whole number stays one: the years of a table of files are written so.
            if not isinstance(key, str) and type(key) is not int:
                written = key_node.value if isinstance(key_node, yaml.ScalarNode) else "a list or a mapping"
                raise RongheError(
                    f"{self.name}: line {line}: the key {written or 'without a name'} is read as "
                    f"{READ_AS.get(type(key), 'no text')}; write a name, in quotes: '{written}'"
                )
            if key in lines:
                raise RongheError(
                    f"{self.name}: line {line}: the key '{key}' stands already in line {lines[key]}; keep one of them"
                )
            lines[key] = line
        return super().construct_mapping(node, deep=deep)

    def construct_yaml_float(self, node: yaml.Node) -> float:
        value = super().construct_yaml_float(node)
        if not math.isfinite(value):
            line = node.start_mark.line + 1
            raise RongheError(
                f"{self.name}: line {line}: '{node.value}' is no figure; write a finite number, or leave the key out"
            )
        return value

    def construct_yaml_str(self, node: yaml.Node) -> str:
        value = super().construct_yaml_str(node)
        if bad := CONTROL.search(value):
            line = node.start_mark.line + 1
            raise RongheError(f"{self.name}: line {line}: the text holds a control sign ({bad[0]!r}); take it out")
        return value


# Signs that no page shows, that turn the direction of writing, or that no document may hold.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
_UniqueKeyLoader.add_constructor("tag:yaml.org,2002:str", _UniqueKeyLoader.construct_yaml_str)
_UniqueKeyLoader.add_constructor("tag:yaml.org,2002:float", _UniqueKeyLoader.construct_yaml_float)
READ_AS = {bool: "true or false", type(None): "nothing", float: "a number"}
# More than any configuration holds: aliases of aliases grow without end.
MOST_NODES = 200_000


def _size(node: yaml.Node, where: str, above: tuple[int, ...], known: dict[int, int]) -> int:
    """Return how many entries a node comes to with its aliases written out; one that holds itself is refused."""
    if id(node) in above:
        line = node.start_mark.line + 1
        raise RongheError(f"{where}: line {line}: an anchor that holds itself; write the entry out")
    if id(node) not in known:
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        inner = () if isinstance(node, yaml.ScalarNode) else parts
        known[id(node)] = 1 + sum(_size(part, where, (*above, id(node)), known) for part in inner)
    return known[id(node)]


def load_yaml(path: str | Path) -> dict:
    """Read one YAML file as a mapping; a broken file or a key given twice is refused with its line."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        siblings = sorted(p.name for p in path.parent.glob("*.yaml"))
        raise RongheError(
            f"{path}: no such file{nearest(path.name, siblings)} (there: {listing(siblings) or 'none'})"
        ) from None
    except OSError as error:
        raise RongheError(f"{path}: cannot be read ({error.strerror}); put a readable file there") from None
    except UnicodeDecodeError as error:
        raise RongheError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    parsed = _parse(str(path), text)
    return marshal.loads(parsed) if isinstance(parsed, bytes) else copy.deepcopy(parsed)


@lru_cache(maxsize=128)
def _parse(path: str, text: str) -> bytes | dict:
    """Return a file's content, once for each text, in a form of which every reader is given a copy of its own."""
    loader = _UniqueKeyLoader(text)
    loader.name = path
    try:
        node = loader.get_single_node()
        if node is not None and _size(node, path, (), {}) > MOST_NODES:
            raise RongheError(f"{path}: more than {MOST_NODES} entries with all aliases written out; write it shorter")
        data = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise RongheError(f"{path}: {place}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, RongheError):
            raise
        raise RongheError(f"{path}: not valid YAML: {error}") from None
    finally:
        loader.dispose()
    if data is None:
        return {}
    if not isinstance(data, dict):
        found = "a list" if isinstance(data, list) else repr(data)
        raise RongheError(f"{path}: expected keys and values, found {found}")
    try:
        return marshal.dumps(data)
    except ValueError:  # a date
        return data
