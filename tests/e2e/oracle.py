"""An independent extraction: the text of the first element of a name, as a browser shows it.

Two parsers that share nothing with the program: lxml's (libxml2, fast, older than HTML5) for every page, and
html5lib (the HTML Standard's algorithm, in Python, slow) where lxml's tree could differ from the standard's.
"""

import re

import html5lib
import lxml.html

# What the browsers' own style sheet shows as a block, a list item or a part of a table (HTML Standard 15.3).
BLOCKS = frozenset("""address article aside blockquote body br caption center col colgroup dd details dialog dir
div dl dt fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html legend li
listing main menu nav ol optgroup option p plaintext pre search section summary table tbody td tfoot th thead
tr ul xmp""".split())
UNSEEN = frozenset("script style template noscript".split())
WHITE = re.compile("[\t\n\f\r ]+")


def pieces(element):
    if not isinstance(element.tag, str) or element.tag in UNSEEN:  # comments have no name
        return
    if element.tag in BLOCKS:
        yield " "
    yield element.text or ""
    for child in element:
        yield from pieces(child)
        yield child.tail or ""
    if element.tag in BLOCKS:
        yield " "


def text_of(element):
    return "" if element is None else WHITE.sub(" ", "".join(pieces(element))).strip(" ")


def by_lxml(page, names):
    root = lxml.html.document_fromstring(page, parser=lxml.html.HTMLParser(encoding="utf-8"))
    return tuple(text_of(next(root.iter(name), None)) for name in names)


def by_standard(page, names):
    root = html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False)
    return tuple(text_of(next(root.iter(name), None)) for name in names)
