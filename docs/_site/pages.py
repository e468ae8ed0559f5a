"""What mkdocs does beside its own: pages made from the models and the package, files above docs/, formulas as MathML."""

import html
import posixpath
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

from logg1m.config import pages

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src/logg1m"
# Documents above docs/ that are pages of the site; other files that a page links to are copied into it.
ABOVE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md", "README.md": "readme.md"}
COPIES = "files"
# The theme would load a script from elsewhere for the search of pages from disk; ours does the same.
SHIM, WORKER = "https://unpkg.com/iframe-worker/shim", "assets/worker.js"
_LINK = re.compile(r"(\]\()(?!https?:|mailto:|#)([^)#\s]+)")
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Folders of generated pages in the navigation become lists of them; a page of docs/ that it forgot joins “How to”."""
    lists = {f"{folder}/": sorted(made) for folder, made in (("configuration", pages.pages()), ("api", api()))}
    config.nav = _expanded(config.nav, lists)
    named = str(config.nav)
    guides = next(part["How to"] for part in config.nav if "How to" in part)
    guides += [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f"'{path.name}'" not in named]
    return config


def _expanded(part: Any, lists: dict[str, list[str]]) -> Any:
    if isinstance(part, str):
        return [f"{part}{name}" for name in _index_first(lists[part])] if part in lists else part
    if isinstance(part, dict):
        return {title: _expanded(below, lists) for title, below in part.items()}
    return [_expanded(one, lists) for one in part]


def _index_first(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: (name != "index.md", name))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add generated pages, documents from above docs/, and copies of the files that any of them links to."""
    generated = {f"configuration/{name}": text for name, text in pages.pages().items()}
    generated |= {f"api/{name}": text for name, text in api().items()}
    generated |= {ours: (ROOT / name).read_text(encoding="utf-8") for name, ours in ABOVE.items()}
    for name, text in generated.items():
        files.append(File.generated(config, name, content=text))
    files.append(File.generated(config, WORKER, abs_src_path=str(ROOT / "docs/_site/worker.js")))
    texts = generated | {f.src_uri: f.content_string for f in files.documentation_pages() if f.src_uri.endswith(".md")}
    for name, text in texts.items():
        for target in {_place(link, name) for _, link in _LINK.findall(text)}:
            copy = f"{COPIES}/{target}"
            if _is_copied(target) and files.get_file_from_path(copy) is None:
                files.append(File.generated(config, copy, abs_src_path=str(ROOT / target)))
    return files


def _place(link: str, page: str) -> str:
    """Path, from the project's folder, of what a page links to."""
    source = {ours: name for name, ours in ABOVE.items()}.get(page, f"docs/{page}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), link))


def _is_copied(target: str) -> bool:
    return not target.startswith(("docs/", "..")) and target not in ABOVE and (ROOT / target).is_file()


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links that leave docs/, or come from above it, to their place in the site."""
    here = page.file.src_uri

    def placed(match: re.Match[str]) -> str:
        target = _place(match[2], here)
        if target in ABOVE:
            there = ABOVE[target]
        elif target.startswith("docs/"):
            there = target.removeprefix("docs/")
        elif _is_copied(target):
            there = f"{COPIES}/{target}"
        else:
            return match[0]
        return match[1] + posixpath.relpath(there, posixpath.dirname(here) or ".")

    return markdown if here.startswith(("api/", "configuration/")) else _LINK.sub(placed, markdown)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Formulas as MathML, which browsers draw by themselves."""

    def drawn(match: re.Match[str]) -> str:
        display = "block" if match[2] == "[" else "inline"
        return convert(html.unescape(match[3]).strip(), display=display)

    return _FORMULA.sub(drawn, content)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Our own script in place of the theme's."""
    return output.replace(SHIM, get_relative_url(WORKER, page.url))


def on_post_template(output_content: str, template_name: str, config: MkDocsConfig) -> str:
    """The same on the page of what is not found."""
    return output_content.replace(SHIM, f"/{WORKER}")


def api() -> dict[str, str]:
    """A page per room of the package, with its modules in the order of their names."""
    made = {}
    for room in sorted(PACKAGE.iterdir()):
        if room.suffix == ".py" and not room.stem.startswith("_"):
            modules = [f"logg1m.{room.stem}"]
        elif (room / "__init__.py").exists():
            files = sorted(p for p in room.rglob("*.py"))
            modules = [".".join(("logg1m", *p.relative_to(PACKAGE).with_suffix("").parts)) for p in files]
            modules = [name.removesuffix(".__init__") for name in modules]
        else:
            continue
        blocks = "\n\n".join(f"::: {name}" for name in modules)
        made[f"{room.stem}.md"] = f"# logg1m.{room.stem}\n\n{blocks}\n"
    rows = "\n".join(f"- [logg1m.{name[:-3]}]({name})" for name in sorted(made))
    made["index.md"] = f"# Python\n\nThe rooms of the package; [what each holds](../architecture.md).\n\n{rows}\n"
    return made
