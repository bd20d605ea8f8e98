"""Documents with sections that a program writes: each stands between marks of its name."""

import re


def replaced(page: str, name: str, text: str) -> str:
    """The page with this section in place of the one of that name; a new one is appended."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    if begin in page:
        return re.sub(f"{begin}.*?{end}", lambda _: section, page, flags=re.DOTALL)
    return f"{page.rstrip()}\n\n{section}\n"
