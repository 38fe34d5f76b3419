// SPDX-License-Identifier: Apache-2.0
/* The command table: the one place that says what the command line looks like. */
#include "cli/command.h"

static const char *const log_targets[] = {"stderr", "stdout", NULL};
static const char *const engines[] = {"compiler", "interp", NULL};

static const struct option global_options[] = {
    {.name = "log-filter",
     .value = "FILTER",
     .env = "ENARX_LOG",
     .help =
         "What to log, as in \"info\" or \"warn,enarx::keep=debug\" (errors only if not given)"},
    {.name = "log-target",
     .value = "TARGET",
     .preset = "stderr",
     .kind = VALUE_CHOICE,
     .choices = log_targets,
     .help = "Where to log to"},
    {.name = "help", .help = "Print help; -h prints less of it"},
    {.name = "version", .letter = 'V', .help = "Print the version"},
    {0},
};

#define OPTION_BACKEND                                                                             \
    {                                                                                              \
        .name = "backend", .letter = 'b', .value = "BACKEND", .env = "ENARX_BACKEND",              \
        .help = "Kind of Keep; see enarx platform info (the strongest usable one if not given)"    \
    }

static const struct option run_options[] = {
    OPTION_BACKEND,
    {.name = "wasmcfgfile",
     .value = "FILE",
     .env = "ENARX_WASMCFGFILE",
     .kind = VALUE_FILE,
     .help = "The Enarx.toml to use (none if not given: stdin, stdout and stderr only)"},
    {.name = "config-beside", .help = "Use the Enarx.toml in the directory of MODULE"},
    {.name = "env",
     .letter = 'e',
     .value = "KEY=VALUE",
     .repeats = true,
     .help = "Add a variable to the environment of the program"},
    {.name = "dir",
     .letter = 'd',
     .value = "HOST::GUEST[:ro]",
     .kind = VALUE_DIRECTORY,
     .repeats = true,
     .help = "Let the program use the directory HOST under the name GUEST"},
    {.name = "engine",
     .value = "ENGINE",
     .preset = "compiler",
     .kind = VALUE_CHOICE,
     .choices = engines,
     .help = "What runs the program: machine code, or the interpreter"},
    {.name = "trap-missing-imports",
     .help = "Run modules that import functions which nobody provides; calling one traps"},
    {.name = "timings",
     .help = "Print on stderr how long each phase took, and how many functions were compiled"},
    {.name = "json", .help = "Print the timings as JSON"},
    {0},
};

static const struct example run_examples[] = {
    {"enarx run hello.wasm", "Run a program that needs only stdin, stdout and stderr"},
    {"enarx run --wasmcfgfile Enarx.toml server.wasm", "Run with arguments, variables and sockets"},
    {"enarx run --backend nil --dir ./data::/data:ro app.wasm --verbose",
     "Run without isolation, with a directory to read and an argument"},
    {0},
};

static const struct option exec_options[] = {
    OPTION_BACKEND,
    {.name = "dir",
     .letter = 'd',
     .value = "HOST[:ro]",
     .kind = VALUE_DIRECTORY,
     .repeats = true,
     .help = "Let the program open files below the directory HOST"},
    {0},
};

static const struct option verify_options[] = {
    {.name = "time",
     .value = "RFC3339",
     .help = "The moment at which to judge, as in 2026-01-02T03:04:05Z (now if not given)"},
    {.name = "policy",
     .value = "FILE",
     .kind = VALUE_FILE,
     .help = "The steward.toml to judge by (genuine hardware in a safe state, if not given)"},
    {.name = "vek",
     .value = "FILE",
     .kind = VALUE_FILE,
     .help = "The VCEK or VLEK certificate of an SNP report, DER or PEM"},
    {.name = "collateral",
     .value = "DIR",
     .kind = VALUE_DIRECTORY,
     .help = "A directory of TCB infos, enclave identities, revocation lists and certificates"},
    {.name = "allow-unbound", .help = "Accept evidence that names no workload"},
    {.name = "json", .letter = 'j', .help = "Print JSON"},
    {0},
};

static const struct example show_examples[] = {
    {"enarx evidence show report.bin", "See what an SNP report says"},
    {"enarx evidence show --json quote.bin | jq '.\"TDX quote\".\"TD report\".MRTD'",
     "Take one field out of a quote"},
    {0},
};

static const struct example verify_examples[] = {
    {"enarx evidence verify --vek vcek.der report.bin", "Judge an SNP report"},
    {"enarx evidence verify --collateral ./intel --time 2026-02-01T00:00:00Z quote.bin",
     "Judge a quote of SGX or TDX at a moment of the past"},
    {"enarx evidence verify --policy steward.toml --json keep.csr",
     "Judge a certification request as a Steward would"},
    {0},
};

static const struct option json_options[] = {
    {.name = "json", .letter = 'j', .help = "Print JSON"},
    {0},
};

#define OPTIONS_FETCH                                                                              \
    {.name = "collateral",                                                                         \
     .value = "DIR",                                                                               \
     .kind = VALUE_DIRECTORY,                                                                      \
     .env = "ENARX_COLLATERAL",                                                                    \
     .preset = "/var/cache/enarx/collateral",                                                      \
     .help = "The directory to fill; it is made if it is not there"},                              \
        {.name = "service",                                                                        \
         .value = "URL",                                                                           \
         .help = "A mirror with the paths of the vendors' services, to ask in their place"},       \
        {.name = "ca-bundle",                                                                      \
         .value = "FILE",                                                                          \
         .kind = VALUE_FILE,                                                                       \
         .env = "ENARX_CA_BUNDLE",                                                                 \
         .help = "Roots (PEM) that vouch for the service, in place of the system's"},              \
    {                                                                                              \
        .name = "time", .value = "RFC3339",                                                        \
        .help = "The moment as of which answers are judged (now if not given)"                     \
    }

static const struct option fetch_options[] = {OPTIONS_FETCH, {0}};

static const struct option fetch_tcb_options[] = {
    {.name = "tdx", .help = "Fetch for TDX, if an FMSPC is given; a quote tells by itself"},
    OPTIONS_FETCH,
    {0},
};

static const struct example snp_crl_examples[] = {
    {"enarx platform snp cache-crl", "Fetch the lists of Milan, Genoa and Turin"},
    {0},
};

static const struct example snp_vek_examples[] = {
    {"enarx platform snp cache-vek report.bin", "Fetch the VCEK that signed a report"},
    {0},
};

static const struct example sgx_crl_examples[] = {
    {"enarx platform sgx cache-crl --collateral ./intel", "Fetch Intel's three lists"},
    {0},
};

static const struct example sgx_tcb_examples[] = {
    {"enarx platform sgx cache-tcb quote.bin", "Fetch what is needed to judge a quote"},
    {"enarx platform sgx cache-tcb --service https://pccs.example.com:8081 00a067110000",
     "Fetch from a mirror for an FMSPC"},
    {0},
};

static const struct example root_examples[] = {
    {"enarx run hello.wasm", "Run a WebAssembly program in the strongest Keep of this machine"},
    {"enarx platform info", "See which Keeps this machine can build"},
    {0},
};

static const struct example info_examples[] = {
    {"enarx platform info", "See what this machine can do"},
    {"enarx platform info --json | jq -r '.backends[].backend'", "List the backends"},
    {0},
};

static const struct example init_examples[] = {
    {"enarx config init && $EDITOR Enarx.toml", "Begin a configuration"},
    {0},
};

static const struct example exec_examples[] = {
    {"enarx unstable exec --backend nil ./program", "Run a static-PIE program as an exec"},
    {0},
};

const struct command commands[] = {
    {.path = "",
     .operands = "",
     .summary = "Runs WebAssembly programs in Keeps, protected from the machine they run on",
     .description =
         "Enarx takes a WebAssembly program and an optional Enarx.toml, builds a Keep with the "
         "hardware that the machine has, and runs the program inside.\n\n"
         "The exit status of the program is passed through. Failures of Enarx itself have exit "
         "statuses from 120; see docs/exit-status.md.",
     .options = global_options,
     .examples = root_examples},
    {.path = "run",
     .operands = "MODULE [ARGS…]",
     .operands_min = 1,
     .passes_operands = true,
     .operand_kind = VALUE_FILE,
     .summary = "Run a WebAssembly program",
     .description =
         "Runs the WebAssembly module in the file MODULE with WASI preview 1. The program's first "
         "argument is always main.wasm; ARGS follow after the args of the Enarx.toml.\n\n"
         "What an Enarx.toml says cannot be changed from the command line, only added to: --env "
         "refuses variables that the file sets, and --dir refuses directories that the file does "
         "not name. Without an Enarx.toml all directories are given to the program in the order of "
         "the command line.\n\n"
         "An Enarx.toml is used only when it is asked for, never because it happens to be there.",
     .options = run_options,
     .examples = run_examples,
     .run = command_run},
    {.path = "config",
     .operands = "",
     .summary = "Work with Enarx.toml",
     .description = "Enarx.toml says what a WebAssembly program is given: arguments, environment "
                    "variables, files and sockets. Enarx.toml(5) describes it."},
    {.path = "config init",
     .operands = "",
     .summary = "Write a commented Enarx.toml into the current directory",
     .description = "Writes Enarx.toml, with comments on each part. A file that exists is never "
                    "touched.",
     .examples = init_examples,
     .run = command_config_init},
    {.path = "evidence",
     .operands = "",
     .summary = "Understand and judge evidence of hardware protection",
     .description = "Evidence is what a processor signs about the program that it protects: SNP "
                    "reports, SGX and TDX quotes, and certification requests and certificates that "
                    "carry them."},
    {.path = "evidence show",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Show a report, quote, certification request or certificate field by field",
     .description =
         "Prints every field of FILE without judging it. Understood are SNP reports, SGX "
         "and TDX quotes, certification requests, certificates, revocation lists, and "
         "Intel's TCB infos and enclave identities, in DER, PEM or JSON.",
     .options = json_options,
     .examples = show_examples,
     .run = command_evidence_show},
    {.path = "evidence verify",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Judge a report, quote, certification request or certificate",
     .description =
         "Verifies every signature, certificate, revocation list and version, and compares what "
         "the "
         "evidence says with a policy. What FILE is, and which parts of DIR are needed, is found "
         "out by looking at the content. Nothing is fetched.\n\n"
         "The exit status is 0 if the evidence is accepted, 1 if it is refused, and 120 or above "
         "if it could not be judged. Each refusal has a code that does not change between "
         "versions; docs/evidence.md lists them.",
     .options = verify_options,
     .examples = verify_examples,
     .run = command_evidence_verify},
    {.path = "platform",
     .operands = "",
     .summary = "Find out what this machine can do; fetch what vouches for its evidence",
     .description = "The commands of this group look at the machine, or fill a directory with what "
                    "the vendors of processors publish."},
    {.path = "platform info",
     .operands = "",
     .summary = "Show which Keeps this machine can build, and what is missing for the others",
     .description = "Prints for each backend whether it can be used, what it protects from whom, "
                    "and what was found on the machine.",
     .options = json_options,
     .examples = info_examples,
     .run = command_platform_info},
    {.path = "platform snp",
     .operands = "",
     .summary = "Fetch what vouches for AMD's processors",
     .description = "What AMD's Key Distribution Service answers is judged before it is kept: "
                    "signatures, dates, and that it is what was asked for."},
    {.path = "platform snp cache-crl",
     .operands = "",
     .summary = "Fetch AMD's revocation lists into a directory",
     .description =
         "Fetches the lists of Milan, Genoa and Turin. A list that is older than the one "
         "in the directory is not kept.",
     .options = fetch_options,
     .examples = snp_crl_examples,
     .run = command_platform_snp_cache_crl},
    {.path = "platform snp cache-vek",
     .operands = "REPORT",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Fetch the VCEK certificate of an SNP report into a directory",
     .description =
         "Asks for the certificate of the chip and the TCB that REPORT names, and prints "
         "the name of the file, for `enarx evidence verify --vek`. The service learns "
         "which chip it is.",
     .options = fetch_options,
     .examples = snp_vek_examples,
     .run = command_platform_snp_cache_vek},
    {.path = "platform sgx",
     .operands = "",
     .summary = "Fetch what vouches for Intel's processors, for SGX and TDX",
     .description =
         "What Intel's Provisioning Certification Service answers is judged before it is "
         "kept: signatures, dates, and that it is what was asked for."},
    {.path = "platform sgx cache-crl",
     .operands = "",
     .summary = "Fetch Intel's revocation lists into a directory",
     .description = "Fetches the lists of the root and of both authorities for PCK certificates. A "
                    "list that is older than the one in the directory is not kept.",
     .options = fetch_options,
     .examples = sgx_crl_examples,
     .run = command_platform_sgx_cache_crl},
    {.path = "platform sgx cache-tcb",
     .operands = "FMSPC|QUOTE",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Fetch TCB info and enclave identity for a platform into a directory",
     .description = "Fetches the TCB info for an FMSPC, which is 12 hexadecimal digits, or for the "
                    "one of a quote; the identity of the quoting enclave; and the root's "
                    "revocation list.",
     .options = fetch_tcb_options,
     .examples = sgx_tcb_examples,
     .run = command_platform_sgx_cache_tcb},
    {.path = "unstable",
     .operands = "",
     .hidden = true,
     .summary = "Commands that may change or go",
     .description = "These commands serve the development of Enarx."},
    {.path = "unstable exec",
     .operands = "BINARY [ARGS…]",
     .operands_min = 1,
     .passes_operands = true,
     .operand_kind = VALUE_FILE,
     .summary = "Run a static-PIE ELF program as the exec of a Keep",
     .description = "Runs BINARY in place of the built-in exec, with stdin, stdout and stderr and "
                    "with an empty environment.",
     .options = exec_options,
     .examples = exec_examples,
     .run = command_exec},
    {.path = "version",
     .operands = "",
     .summary = "Print the version",
     .description = "Prints the version, and with --json also how this program was built.",
     .options = json_options,
     .run = command_version},
    {.path = "help",
     .operands = "[COMMAND…]",
     .operands_max = 4,
     .summary = "Print help about a command",
     .description = "Prints the same text as the option --help of the command.",
     .run = command_help},
    {.path = "generate",
     .operands = "man DIRECTORY | completion SHELL",
     .operands_min = 2,
     .operands_max = 2,
     .hidden = true,
     .summary = "Write man pages (scdoc) or a shell completion; used by the build",
     .description = "SHELL is bash, zsh or fish; the completion goes to stdout.",
     .run = command_generate},
    {0},
};
