# SPDX-License-Identifier: Apache-2.0
"""Programs of others in bench/wasm/run: where their sources come from, and how they are built with
bench/wasm/real/NAME.c, which calls them. No source of theirs is kept in this repository."""
import collections
import glob
import json
import os
import shutil

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVERS = os.path.join(HERE, 'real')
KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

# origin: a Debian source package, or npm:DIRECTORY below node_modules; sources: patterns in it, !PATTERN
# takes some out; include: directories in it; wasi: flags for WebAssembly only; script: what
# script.h of the driver is made of; copies: files that its own build would make, from which.
Program = collections.namedtuple('Program', 'origin sources include flags wasi script copies',
                                 defaults=([], ['.'], [], [], None, {}))

PROGRAMS = {
    'bzip2': Program('bzip2', ['blocksort.c', 'bzlib.c', 'compress.c', 'crctable.c', 'decompress.c',
                               'huffman.c', 'randtable.c'], flags=['-DBZ_NO_STDIO']),
    'lua': Program('lua5.4', ['src/*.c', '!src/lua.c', '!src/luac.c', '!src/linit.c', '!src/l[iod][osab]*lib.c'],
                   ['src'], ['-Dluai_makeseed(lua)=0', '-Dl_randomizePivot()=0', '-DDEB_HOST_MULTIARCH=""'],
                   wasi=['-D_WASI_EMULATED_SIGNAL'], script='lua.lua',
                   copies={'src/lua5.4-deb-multiarch.h': '/dev/null'}),
    'lz4': Program('lz4', ['lib/lz4.c', 'lib/lz4hc.c'], ['lib']),
    'pcre2': Program('pcre2', ['src/pcre2_*.c', '!src/pcre2_dftables.c', '!src/pcre2_fuzzsupport.c',
                               '!src/pcre2_jit_*.c', '!src/pcre2_printint.c', '!src/pcre2_ucptables.c',
                               '!src/pcre2posix*.c'],
                     ['src'], ['-DHAVE_CONFIG_H', '-DSUPPORT_UNICODE', '-DPCRE2_CODE_UNIT_WIDTH=8'],
                     copies={'src/config.h': 'src/config.h.generic', 'src/pcre2.h': 'src/pcre2.h.generic',
                             'src/pcre2_chartables.c': 'src/pcre2_chartables.c.dist'}),
    'quickjs': Program('npm:qjsc/deps/quickjs_2021_03_27',
                       ['quickjs.c', 'cutils.c', 'libregexp.c', 'libunicode.c'],
                       flags=['-DCONFIG_VERSION="2021-03-27"'],
                       wasi=['-DEMSCRIPTEN', '-DFE_DOWNWARD=0', '-DFE_UPWARD=0'], script='quickjs.js'),
    'sqlite': Program('sqlite3', ['sqlite3.c'], ['.', 'test'],
                      ['-DSQLITE_OS_OTHER=1', '-DSQLITE_THREADSAFE=0', '-DSQLITE_TEMP_STORE=3',
                       '-DSQLITE_OMIT_LOAD_EXTENSION', '-DSQLITE_OMIT_WAL']),
    'zlib': Program('zlib', ['adler32.c', 'compress.c', 'crc32.c', 'deflate.c', 'inffast.c', 'inflate.c',
                             'inftrees.c', 'trees.c', 'uncompr.c', 'zutil.c']),
    'zstd': Program('libzstd', ['lib/common/*.c', 'lib/compress/*.c', 'lib/decompress/*.c'], ['lib'],
                    ['-DZSTD_DISABLE_ASM', '-DDYNAMIC_BMI2=0']),
}


class Sources:
    """Fetches sources into a directory, each once."""

    def __init__(self, directory, npm_packages, run_command):
        self.directory, self.npm_packages, self.run = directory, npm_packages, run_command
        os.makedirs(directory, exist_ok=True)

    def apt(self, *words):
        """apt-get with a list of sources and indexes of our own: the machine's are left alone."""
        lists = os.path.join(self.directory, 'lists')
        os.makedirs(os.path.join(lists, 'partial'), exist_ok=True)
        places = {'Dir::Etc::SourceList': os.path.join(self.directory, 'sources.list'),
                  'Dir::Etc::SourceParts': '/dev/null', 'Dir::State::Lists': lists,
                  'Dir::Cache::pkgcache': '', 'Dir::Cache::srcpkgcache': '', 'APT::Sandbox::User': 'root'}
        options = [f'-o{name}={value}' for name, value in places.items()]
        return self.run(['apt-get', '-q', *options, *words], cwd=self.directory)

    def write_source_list(self):
        """The mirrors that the machine has its Debian packages from also have the sources. Those of the
        release itself, without its updates, stay the same for all."""
        shown = self.run(['apt-get', 'indextargets', '--format', '$(ORIGIN) $(SITE) $(RELEASE)', 'Created-By: Packages'])
        found = {tuple(line.split()[1:]) for line in shown.splitlines() if line.startswith('Debian ')}
        mirrors = sorted(mirror for mirror in found if '-' not in mirror[1])
        if not mirrors:
            raise LookupError('apt has no index of Debian packages: apt-get update')
        with open(os.path.join(self.directory, 'sources.list'), 'w', encoding='utf-8') as out:
            for site, release in mirrors:
                print(f'deb-src [signed-by={KEYRING}] {site} {release} main', file=out)

    def debian(self, package):
        pattern = os.path.join(glob.escape(self.directory), package + '-[0-9]*', '')
        if not glob.glob(pattern):
            if not os.path.exists(os.path.join(self.directory, 'sources.list')):
                self.write_source_list()
                self.apt('update')
            self.apt('source', package)
        return glob.glob(pattern)[0]

    def npm(self, path):
        self.run([os.path.join(os.path.dirname(os.path.dirname(HERE)), 'tests/npm/install'),
                  self.npm_packages, DRIVERS])
        return os.path.join(self.npm_packages, 'node_modules', path)

    def get(self, program):
        """The directory with a program's sources, ready to be compiled."""
        kind, _, path = program.origin.partition(':')
        top = self.npm(path) if kind == 'npm' else self.debian(program.origin)
        for made, source in program.copies.items():
            shutil.copyfile(os.path.join(top, source), os.path.join(top, made))
        if 'sqlite3.c' in program.sources and not os.path.exists(os.path.join(top, 'sqlite3.c')):
            self.run(['make', '-f', 'main.mk', 'TOP=.', 'BCC=cc', 'TCC=cc', 'NAWK=awk', 'sqlite3.c'], cwd=top)
        return top


def is_newer(made, inputs):
    """Whether a program is there that all of this directory's files, and the inputs, are older than."""
    inputs = [*inputs, os.path.abspath(__file__), *glob.glob(os.path.join(DRIVERS, '**'), recursive=True)]
    return os.path.exists(made) and os.path.getmtime(made) > max(map(os.path.getmtime, inputs))


def source_files(program, top):
    chosen = set()
    for pattern in program.sources:
        found = glob.glob(os.path.join(glob.escape(top), pattern.lstrip('!')))
        chosen = chosen - set(found) if pattern.startswith('!') else chosen | set(found)
    return sorted(chosen)


def write_script(program, directory):
    """script.h: the script as a string of C."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(DRIVERS, program.script), encoding='ascii') as script, \
            open(os.path.join(directory, 'script.h'), 'w', encoding='ascii') as out:
        for line in script:
            print(json.dumps(line), file=out)


def arguments(name, sources, work, for_wasi):
    """What a compiler has to be told beyond its flags for all programs."""
    program = PROGRAMS[name]
    top = sources.get(program)
    words = ['-w', '-I' + os.path.join(HERE, 'programs'), *program.flags]
    if program.script:
        write_script(program, os.path.join(work, name + '.script'))
        words.append('-I' + os.path.join(work, name + '.script'))
    if for_wasi:
        words += ['-isystem', os.path.join(DRIVERS, 'wasi'), *program.wasi]
    words += ['-I' + os.path.join(top, path) for path in program.include]
    return [*words, os.path.join(DRIVERS, name + '.c'), *source_files(program, top), '-lm']
