"""Values that are lists."""


def parts_of(text: str) -> tuple[str, ...]:
    """Return the parts of a list that commas separate."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
