"""page_check.py PAGE: is the page of ociferry-verify --html well-formed, self-contained and accessible?

Prints the text that a reader sees, one element a line, and fails with every finding. It is read twice:
as XML, which forgives nothing, and as HTML.
"""
import re
import sys
import xml.etree.ElementTree as tree
from html.parser import HTMLParser

findings = []
raw = open(sys.argv[1], "rb").read()
text = raw.decode("utf-8")  # or it fails
root = tree.fromstring(re.sub("^<!DOCTYPE html>\n", "", text))

ELEMENTS = set("""html head meta title style body main header footer section h1 h2 h3 p b br wbr code span strong
    ul ol li dl dt dd div table thead tbody tr th td svg defs pattern rect line path text desc""".split())
ATTRIBUTES = set("""lang charset http-equiv content name class id role scope aria-label aria-labelledby aria-hidden
    data-label width height x y x1 x2 y1 y2 d text-anchor patternUnits patternTransform""".split())


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.elements = []
        self.styles = []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, attributes))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, attributes))

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] == "style":
            self.styles.append(data)


page = Page()
page.feed(text)
style = "".join(page.styles)


def want(condition, finding):
    if not condition:
        findings.append(finding)


lower = {name.lower(): name for name in ATTRIBUTES}
for tag, attributes in page.elements:
    want(tag in ELEMENTS, f"element <{tag}>")
    for name, value in attributes:
        want(name in lower, f"attribute {name} of <{tag}>")
        if value and name != "content":
            want("//" not in value or tag == "title", f"{name}=\"{value}\"")
want(len(page.elements) == len(list(root.iter())), "HTML and XML see other elements")
want(not re.search(r"@import|url\((?!#)|expression|//", style), "the style refers to something outside")

# A page cannot be made to load or run anything, whatever came into it.
meta = root.find("./head/meta[@http-equiv='Content-Security-Policy']")
want(meta is not None and meta.get("content") == "default-src 'none'; style-src 'unsafe-inline'", "the policy")

ids = [e.get("id") for e in root.iter() if e.get("id")]
want(len(ids) == len(set(ids)), "an id stands there twice")
for element in root.iter():
    for name in (element.get("aria-labelledby") or "").split():
        want(name in ids, f"aria-labelledby {name}")
for name in re.findall(r"url\(#([^)]*)\)", style):
    want(name in ids or not root.findall(".//rect"), f"url(#{name})")

want(root.get("lang") == "en", "lang")
want((root.findtext("./head/title") or "").strip(), "title")
headings = [int(e.tag[1]) for e in root.iter() if re.fullmatch("h[1-6]", e.tag)]
want(headings[0] == 1 and headings.count(1) == 1, "one h1, and first")
want(all(b <= a + 1 for a, b in zip(headings, headings[1:])), "a level of headings is left out")
for table in root.iter("table"):
    columns = table.findall("./thead/tr/th")
    want(columns and all(th.get("scope") == "col" for th in columns), "columns without a heading")
    for row in table.findall("./tbody/tr"):
        want(len(row) == len(columns), "a row has another number of cells than there are columns")
        want(row[0].tag == "th" and row[0].get("scope") == "row", "a row without a heading")
        for cell, column in zip(row[1:], columns[1:]):
            want(cell.get("data-label") == column.text, "a cell is labelled unlike its column")
for svg in root.iter("svg"):
    want(svg.get("aria-hidden") == "true" or (svg.find("title") is not None and svg.findtext("desc")),
         "a drawing without a title and description")
for bar in root.findall(".//svg[@class='bar']"):
    end = 0.0
    for rect in bar.findall("rect"):
        want(abs(float(rect.get("x")[:-1]) - end) < 0.01, "a bar has a gap")
        end = float(rect.get("x")[:-1]) + float(rect.get("width")[:-1])
    want(end < 100.01, "a bar is longer than there is room")
want(not re.search("[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]", text),
     "a control character")

for element in root.find("body").iter():
    if element.tag in ("h1", "h2", "h3", "p", "li", "dt", "dd", "th", "td"):
        line = " ".join("".join(element.itertext()).split())
        if line:
            print(line)
for finding in findings:
    print(f"page_check: {finding}", file=sys.stderr)
sys.exit(1 if findings else 0)
