# SPDX-License-Identifier: MIT
"""V101 to V103: judges the text of /metrics by the rules of its format and the conventions of Prometheus, and holds it
against the table, the alert rules and the dashboard.

Usage: metrics_judge.py FIRST SECOND METRICS.md grafana.json     (two texts of one gateway, the second one later)
       metrics_judge.py --self-test
"""
import json
import math
import re
import sys

NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
VALUE = re.compile(r'[0-9]+(\.[0-9]+)?|\+Inf')
TYPES = ('counter', 'gauge', 'histogram')
SCALED = ('_ms', '_us', '_ns', '_milliseconds', '_microseconds', '_minutes', '_kb', '_kib', '_mb', '_kilobytes', '_percent')
WORDS = {'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'and', 'or', 'unless', 'bool', 'offset'}


class Fault(Exception):
    pass


def need(condition, *words):
    if not condition:
        raise Fault(' '.join(map(str, words)))


class Family:
    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, {}

    def labels(self):
        """The names of labels, but `le` of a histogram."""
        return {label for _, labels in self.samples for label, _ in labels} - {'le'}


def read_labels(text):
    labels, at = [], 0
    while at < len(text):
        found = LABEL.match(text, at)
        need(found and (found[3] or found.end() == len(text)), 'a bad label:', text)
        labels.append((found[1], found[2]))
        at = found.end()
    need(not text.endswith(','), 'a comma too many:', text)
    need(len({name for name, _ in labels}) == len(labels), 'a label comes twice:', text)
    return tuple(labels)


def read_sample(line, family):
    found = re.fullmatch(rf'({NAME})(?:\{{(.*)\}})? (\S+)', line)
    need(found, 'no sample:', line)
    name, labels, value = found[1], read_labels(found[2] or ''), found[3]
    need(VALUE.fullmatch(value), 'a bad value:', line)
    suffixes = ['_bucket', '_sum', '_count'] if family.type == 'histogram' else ['']
    need(name in [family.name + suffix for suffix in suffixes], 'a sample of another family:', line)
    need((name, labels) not in family.samples, 'a sample comes twice:', line)
    need(not labels or family.type == 'histogram' or found[2], 'empty braces:', line)
    family.samples[name, labels] = math.inf if value == '+Inf' else float(value)


def read_text(text):
    """The families by name. Every line is HELP, TYPE or a sample, in this order for each family."""
    families, family = {}, None
    need(text.endswith('\n') and '\r' not in text, 'the text does not end with a line')
    for line in text[:-1].split('\n'):
        help_line = re.fullmatch(rf'# HELP ({NAME}) (.+)', line)
        type_line = re.fullmatch(rf'# TYPE ({NAME}) ([a-z]+)', line)
        if help_line:
            need(help_line[1] not in families, 'a family comes twice:', line)
            need('\\' not in line, 'an escape:', line)
            family = families[help_line[1]] = Family(help_line[1], help_line[2])
        elif type_line:
            need(family and family.name == type_line[1] and not family.type and not family.samples, 'TYPE is misplaced:', line)
            need(type_line[2] in TYPES, 'an unknown type:', line)
            family.type = type_line[2]
        else:
            need(family and family.type, 'a sample without a type:', line)
            read_sample(line, family)
    return families


def judge_histogram(family):
    buckets = [(labels, value) for (name, labels), value in family.samples.items() if name.endswith('_bucket')]
    bounds = [math.inf if dict(labels)['le'] == '+Inf' else float(dict(labels)['le']) for labels, _ in buckets]
    counts = [value for _, value in buckets]
    need(bounds == sorted(set(bounds)) and bounds[-1] == math.inf, family.name, 'has bad bounds:', bounds)
    need(counts == sorted(counts), family.name, 'does not accumulate:', counts)
    need(family.samples[family.name + '_count', ()] == counts[-1], family.name, 'has another count')
    need((family.name + '_sum', ()) in family.samples, family.name, 'has no sum')


def judge_family(family):
    name = family.name
    need(family.samples and family.type, name, 'has no sample')
    need(family.help.endswith('.'), name, 'has no sentence:', family.help)
    need(re.fullmatch('(reprise|process)_[a-z0-9_]+', name), name, 'is of nobody')
    need((family.type == 'counter') == name.endswith('_total'), name, 'and _total:', family.type)
    need(not name.endswith(('_count', '_sum', '_bucket')), name, 'has the end of a sample of a histogram')
    base = name.removesuffix('_total')
    need(not base.endswith(SCALED), name, 'is not in a base unit')
    need('seconds' not in base or base.endswith('_seconds'), name, 'does not end with its unit')
    need('bytes' not in base or base.endswith('_bytes'), name, 'does not end with its unit')
    need(len({tuple(label for label, _ in labels) for _, labels in family.samples}) == 1 or family.type == 'histogram',
         name, 'has samples with other labels')
    need(all(math.isfinite(value) for value in family.samples.values()) or family.type == 'gauge', name, 'is infinite')
    if family.type == 'histogram':
        judge_histogram(family)


def judge_growth(first, second):
    need(first.keys() == second.keys(), 'the two texts have other families:', first.keys() ^ second.keys())
    for name, family in first.items():
        later = second[name].samples
        need(family.samples.keys() == later.keys(), name, 'has other samples later')
        if family.type != 'gauge':
            need(all(later[key] >= value for key, value in family.samples.items()), name, 'went back')


def read_table(text):
    """Of each name of METRICS.md: the type, the unit and the labels."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip('|').split('|')]
        found = re.fullmatch(rf'`({NAME})(?:\{{([a-z,]+)\}})?`', cells[0])
        if not line.startswith('|') or not found:
            continue
        need(len(cells) == 5, 'a row has not five cells:', line)
        need(found[1] not in rows, 'a row comes twice:', found[1])
        need(cells[3], 'a row says nothing:', line)
        rows[found[1]] = (cells[1], cells[2], set((found[2] or '').split(',')) - {''})
    return rows


def judge_table(families, rows):
    need(families.keys() == rows.keys(), 'METRICS.md and /metrics differ:', families.keys() ^ rows.keys())
    for name, (kind, unit, labels) in rows.items():
        need(families[name].type == kind, name, 'is a', families[name].type, 'and not a', kind)
        need(families[name].labels() == labels, name, 'has the labels', families[name].labels())
        base = name.removesuffix('_total')
        need(base.endswith('_seconds') == unit.startswith('seconds'), name, 'is not in', unit)
        need(base.endswith('_bytes') == (unit == 'bytes'), name, 'is not in', unit)


def judge_expression(text, families, at):
    """Each name is one of a metric, and each label one of its samples."""
    names = {'up'} | {name for family in families.values() for name, _ in family.samples}
    known = {'job', 'instance', 'le'} | {label for family in families.values() for label in family.labels()}
    need(text.count('(') == text.count(')') and text.count('{') == text.count('}'), at, 'has a bracket too many:', text)
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    for matchers in re.findall(r'\{([^}]*)\}', plain):
        for matcher in matchers.split(','):
            found = re.fullmatch(r'\s*([a-z_]+)\s*(=|!=|=~|!~)\s*""\s*', matcher)
            need(found and found[1] in known, at, 'has a bad matcher:', text)
    for code in re.findall(r'code!?="([a-z_]+)"', text):
        need(any(dict(labels).get('code') == code for family in families.values() for _, labels in family.samples),
             at, 'asks for an unknown code:', code)
    plain = re.sub(r'\{[^}]*\}', '', re.sub(r'\[[^\]]*\]', '', plain))
    for labels in re.findall(r'\b(?:by|without)\s*\(([^)]*)\)', plain):
        need({label.strip() for label in labels.split(',')} <= known | {'version'}, at, 'groups by an unknown label:', text)
    plain = re.sub(r'\b(?:by|without)\s*\([^)]*\)', '', plain)
    found = [name for name, call in re.findall(rf'(?<![\w.])({NAME})\s*(\(?)', plain) if not call and name not in WORDS]
    need(found, at, 'asks for nothing:', text)
    for name in found:
        need(name in names, at, 'asks for an unknown metric:', name)
    return set(found)


def judge_alerts(text, families):
    alerts = re.findall(r'^\s*- alert: (\w+)\n\s*expr: (.*)$', text, re.MULTILINE)
    need(len(alerts) >= 5 and len({name for name, _ in alerts}) == len(alerts), 'there are fewer than five alert rules')
    for name, expression in alerts:
        judge_expression(expression, families, name)


def judge_dashboard(text, families):
    board = json.loads(text)
    panels = board['panels']
    rows = [panel['title'] for panel in panels if panel['type'] == 'row']
    need(rows == ['Traffic', 'Sessions', 'Hosts', 'Losses', 'Recorder', 'Process'], 'other rows:', rows)
    need(len({panel['id'] for panel in panels}) == len(panels), 'two panels have one id')
    need([variable['type'] for variable in board['templating']['list']][:1] == ['datasource'], 'no variable for the data source')
    asked, places = set(), []
    for panel in panels:
        place = panel['gridPos']
        need(place['x'] + place['w'] <= 24, panel['title'], 'is too wide')
        for other in places:
            apart = (place['x'] >= other['x'] + other['w'] or other['x'] >= place['x'] + place['w']
                     or place['y'] >= other['y'] + other['h'] or other['y'] >= place['y'] + place['h'])
            need(apart, panel['title'], 'covers another panel')
        places.append(place)
        if panel['type'] == 'row':
            continue
        need(panel['datasource']['uid'] == '${datasource}' and panel['targets'], panel['title'], 'has no data source or target')
        for target in panel['targets']:
            need('$instance' in target['expr'], panel['title'], 'is not of the chosen gateways')
            asked |= judge_expression(target['expr'], families, panel['title'])
    return asked


GOOD = '# HELP reprise_a_total A.\n# TYPE reprise_a_total counter\nreprise_a_total{code="x"} 1\nreprise_a_total{code="y"} 2\n'
HISTOGRAM = ('# HELP reprise_h_seconds A.\n# TYPE reprise_h_seconds histogram\nreprise_h_seconds_bucket{le="1"} 1\n'
             'reprise_h_seconds_bucket{le="+Inf"} 2\nreprise_h_seconds_sum 3\nreprise_h_seconds_count 2\n')
BAD = [
    GOOD[:-1], GOOD + '\n', GOOD.replace('\n', '\r\n'), GOOD + GOOD, GOOD.replace('"y"', '"x"'), GOOD.replace(' 1\n', ' -1\n'),
    GOOD.replace(' 1\n', '\n'), GOOD.replace(' 1\n', ' 1 2\n'), GOOD.replace(' 1\n', ' NaN\n'), GOOD.replace('counter', 'gauge'),
    GOOD.replace('counter', 'count'), GOOD.replace('code="x"', 'code=x'), GOOD.replace('code="x"', 'code="x",'),
    GOOD.replace('code="x"', 'code="x" '), GOOD.replace('code="x"', 'other="x"'), GOOD.replace('# TYPE reprise_a', '# TYPE reprise_b'),
    GOOD.replace('# HELP reprise_a_total A.\n', ''), GOOD.replace('A.', 'A'), GOOD.replace('_total', ''), GOOD.replace('_a_', '_a_ms_'),
    GOOD.replace('_a_', '_bytes_a_'), GOOD.replace('reprise_', 'other_'), GOOD.replace('reprise_a_total{code="x"}', 'reprise_b_total'),
    GOOD.replace('\nreprise_a_total{code="x"} 1', '').replace('\nreprise_a_total{code="y"} 2', ''), GOOD.replace(' 1\n', ' +Inf\n'),
    HISTOGRAM.replace('"+Inf"', '"2"'), HISTOGRAM.replace('_count 2', '_count 3'), HISTOGRAM.replace('le="1"} 1', 'le="1"} 5'),
    HISTOGRAM.replace('reprise_h_seconds_sum 3\n', ''), HISTOGRAM.replace('_seconds', '_time_ns'),
]
EXPRESSIONS = [
    'rate(reprise_b_total[5m])', 'rate(reprise_a_total{kind="x"}[5m])', 'sum by (kind) (reprise_a_total)', 'rate(reprise_a_total[5m]',
    'reprise_a_total{code="z"}', 'reprise_h_seconds', '1 + 2', 'reprise_a_total or reprise_b_total', 'reprise_a_total{code=x}',
]


def is_refused(judge, *arguments):
    try:
        judge(*arguments)
    except Fault:
        return True
    return False


def judge_text(text):
    families = read_text(text)
    for family in families.values():
        judge_family(family)
    return families


def test_itself():
    families = judge_text(GOOD + HISTOGRAM)
    for text in BAD:
        need(is_refused(judge_text, text), 'a bad text is taken:', repr(text))
    for expression in EXPRESSIONS:
        need(is_refused(judge_expression, expression, families, 'a test'), 'a bad expression is taken:', expression)
    judge_expression('sum by (code) (rate(reprise_a_total{code=~"$x",instance!="y"}[$__rate_interval])) > 0 or up', families, 'a test')
    need(is_refused(judge_growth, judge_text(GOOD), judge_text(GOOD.replace(' 2\n', ' 1\n'))), 'a counter may go back')
    rows = '| `reprise_a_total{code}` | counter | events | a | |\n| `reprise_h_seconds` | histogram | seconds | a | |\n'
    judge_table(families, read_table(rows))
    for piece, other in [('counter', 'gauge'), ('{code}', ''), ('| a |', '| |'), ('seconds | a', 'events | a'), ('_h_', '_i_'), (' | |\n', ' |\n')]:
        need(is_refused(lambda text: judge_table(families, read_table(text)), rows.replace(piece, other)), 'a bad row is taken:', piece, other)


def run(first, second, table, board):
    texts = [open(name, encoding='utf-8', newline='').read() for name in (first, second, table, board)]
    families = judge_text(texts[0])
    judge_growth(families, judge_text(texts[1]))
    judge_table(families, read_table(texts[2]))
    judge_alerts(texts[2], families)
    asked = judge_dashboard(texts[3], families)
    print(f'{len(families)} metrics, {len(asked)} series on the dashboard')


try:
    if sys.argv[1:] == ['--self-test']:
        test_itself()
    else:
        run(*sys.argv[1:])
except Fault as fault:
    sys.exit(f'metrics: {fault}')
