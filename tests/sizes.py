"""The wall test: a source file beyond 500 lines has to be divided. Prints those above 400."""

import sys
from pathlib import Path

WALL = 500
QUESTION = 400


def main() -> int:
    """1 if a file stands beyond the wall."""
    root = Path(__file__).resolve().parent.parent
    sources = [
        *root.glob("txocpp/**/*.py"),
        *root.glob("firmware/**/*.py"),
        *root.glob("bench/*.py"),
    ]
    lengths = sorted(((len(p.read_text().splitlines()), p) for p in sources), reverse=True)
    for lines, path in lengths:
        if lines > QUESTION:
            wall = " (beyond the wall)" if lines > WALL else ""
            print(f"{lines:5} {path.relative_to(root)}{wall}")
    return int(any(lines > WALL for lines, _ in lengths))


if __name__ == "__main__":
    sys.exit(main())
