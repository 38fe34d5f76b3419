# SPDX-License-Identifier: Apache-2.0
"""What bench/wasm/run measured, as tables and as a chart."""
import math
import os

COLUMNS = ['gcc', 'wick', 'wick eager', 'V8 optimising', 'V8 default', 'wasm2c + gcc', 'wick interpreter']
PARTIAL = 'wick interpreter' # runs a few programs only
CHARTED = {'wick': '#2563a8', 'V8 optimising': '#d98c21', 'V8 default': '#b9b4a7'}
BEGIN, END = '<!-- measured: begin -->\n', '<!-- measured: end -->\n'
AXIS_END = 3.0


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def ratio_of(row, engine, what):
    return row['engines'].get(engine, {}).get(what + '_ratio')


def mean_of(results, engine, what):
    """Over the programs that the engine ran; None unless it ran all of them."""
    ratios = [ratio_of(row, engine, what) for row in results['programs']]
    return geometric_mean(ratios) if ratios and None not in ratios else None


def ran_by_all(results):
    """The results of the programs that no engine failed to run."""
    engines = [engine for engine in COLUMNS if engine != PARTIAL]
    return {'programs': [row for row in results['programs']
                         if None not in (ratio_of(row, engine, 'kernel') for engine in engines)]}


def mean_of_best(results, engine, what):
    """The same of best ÷ best, which a busy machine disturbs less."""
    rows = [(row['engines'].get(engine), row['engines']['clang']) for row in results['programs']]
    if not rows or None in (one for one, _ in rows):
        return None
    return geometric_mean([one[what + '_best'] / base[what + '_best'] for one, base in rows])


def show(value, digits=2):
    return '' if value is None else f'{value:.{digits}f}'


def ratio_rows(results, what):
    """Header and rows: program, milliseconds natively, a ratio for each engine."""
    yield ['program', 'clang -O2, ms', *COLUMNS]
    for row in results['programs']:
        yield [row['program'], show(row['engines']['clang'][what], 0),
               *(show(ratio_of(row, engine, what)) for engine in COLUMNS)]
    for label, mean in (('geometric mean', mean_of), ('of best ÷ best', mean_of_best)):
        yield [label, '', *(show(mean(results, engine, what)) for engine in COLUMNS)]
    yield ['mean of those that all ran', '', *(show(mean_of(ran_by_all(results), engine, what)) for engine in COLUMNS)]


def single_rows(results):
    yield ['', 'engine', 'median', 'best', 'unit', 'ratio']
    for row in results['singles']:
        yield [row['what'], row['engine'], f"{row['median']:.3g}", f"{row['best']:.3g}", row['unit'],
               show(row.get('ratio'))]


def code_rows(results):
    wasm = sum(row['code']['wasm'] for row in results['programs'])
    machine = sum(row['code']['machine'] for row in results['programs'])
    yield ['', 'KiB']
    yield ['code sections of all modules', f'{wasm / 1024:.0f}']
    yield ['machine code made of them', f'{machine / 1024:.0f}']


def sections(results):
    yield 'Kernel: time inside of the program, ÷ clang -O2', list(ratio_rows(results, 'kernel'))
    yield 'Whole process, ÷ clang -O2', list(ratio_rows(results, 'process'))
    yield 'Start, compilation, memory', list(single_rows(results))
    yield 'Size of code', list(code_rows(results))


def print_tables(results):
    for title, rows in sections(results):
        print(f'\n{title}')
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            print('  '.join(cell.ljust(width) if i == 0 else cell.rjust(width)
                            for i, (cell, width) in enumerate(zip(row, widths))))
    for line in results['missing']:
        print(f'not measured: {line}')
    about = results['about']
    print(f"load {about['load'][0]:.1f} on {about['processors']} processors; "
          'written to bench/results/wasm-latest.json')


def markdown(results):
    about = results['about']
    lines = [f"{about['processors']} processors ({about['processor']}), load {about['load'][0]:.1f}; "
             f"{about['clang']}; {about['gcc']}; node {about['node']}; medians of {about['runs']} "
             'interleaved runs.\n']
    for title, rows in sections(results):
        lines.append(f'### {title}\n')
        for i, row in enumerate(rows):
            lines.append('| ' + ' | '.join(row) + ' |')
            if i == 0:
                lines.append('|---' + '|--:' * (len(row) - 1) + '|')
        lines.append('')
    lines += [f'* Not measured: {line}' for line in results['missing']]
    return '\n'.join(lines).rstrip() + '\n'


def bar(x, y, length, colour):
    return f'<rect x="{x}" y="{y}" width="{length:.1f}" height="7" fill="{colour}"/>'


def text(x, y, words, anchor='start', size=11):
    return (f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" '
            f'font-family="sans-serif" fill="#333">{words}</text>')


def chart(results):
    """Horizontal bars: kernel time ÷ clang -O2, one group for each program and one for the mean."""
    groups = [(row['program'], {name: ratio_of(row, name, 'kernel') for name in CHARTED})
              for row in results['programs']]
    groups.append(('geometric mean', {name: mean_of(results, name, 'kernel') for name in CHARTED}))
    left, unit, step, top = 120, 190, 30, 46
    bottom = top + step * len(groups)
    width = int(left + unit * AXIS_END + 50)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{bottom + 10}">',
             f'<rect width="{width}" height="{bottom + 10}" fill="#fff"/>']
    for i, (name, colour) in enumerate(CHARTED.items()):
        parts += [bar(left + i * 140, 10, 12, colour), text(left + i * 140 + 18, 17, name)]
    for i in range(int(AXIS_END * 2) + 1):
        x = left + unit * i / 2
        colour = '#555' if i == 2 else '#ddd'
        parts += [f'<line x1="{x}" x2="{x}" y1="{top - 6}" y2="{bottom}" stroke="{colour}"/>',
                  text(x, top - 10, f'{i / 2:g}', 'middle', 10)]
    for i, (label, ratios) in enumerate(groups):
        y = top + i * step
        parts.append(text(left - 8, y + 15, label, 'end'))
        for j, (name, colour) in enumerate(CHARTED.items()):
            ratio = ratios[name]
            if ratio is None:
                continue
            length = unit * min(ratio, AXIS_END)
            parts += [bar(left, y + 8 * j, length, colour),
                      text(left + length + 4, y + 8 * j + 7, show(ratio), size=8)]
    return '\n'.join([*parts, '</svg>']) + '\n'


def write_docs(results, directory):
    with open(os.path.join(directory, 'performance.svg'), 'w', encoding='utf-8') as out:
        out.write(chart(results))
    path = os.path.join(directory, 'performance.md')
    with open(path, encoding='utf-8') as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(path, 'w', encoding='utf-8') as out:
        out.write(before + BEGIN + markdown(results) + END + after)
