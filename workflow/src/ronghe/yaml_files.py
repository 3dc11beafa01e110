"""Reads YAML safely: one mapping a file, no key twice, every fault with its line."""

from __future__ import annotations

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
            if key in lines:
                raise RongheError(
                    f"{self.name}: line {line}: the key '{key}' stands already in line {lines[key]}; keep one of them"
                )
            lines[key] = line
        return super().construct_mapping(node, deep=deep)


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
    except UnicodeDecodeError as error:
        raise RongheError(f"{path}: not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    loader = _UniqueKeyLoader(text)
    loader.name = str(path)
    try:
        data = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise RongheError(f"{path}: {place}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise RongheError(f"{path}: not valid YAML: {error}") from None
    finally:
        loader.dispose()
    if data is None:
        return {}
    if not isinstance(data, dict):
        found = "a list" if isinstance(data, list) else repr(data)
        raise RongheError(f"{path}: expected keys and values, found {found}")
    return data
